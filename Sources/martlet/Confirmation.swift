import Foundation
import Operations
import ReplicationModel

/// Asks before something is removed.
enum Confirmation {
    /// - Throws: `.usage` if the answer is not yes, or nobody is there to answer.
    static func ask(_ lines: [String], _ what: String, yes: Bool) throws {
        if yes { return }
        guard isatty(0) == 1 else {
            throw ReplicationError(
                .usage, what, place: "option --yes",
                why: "standard input is no terminal, so nobody can be asked", try: "add --yes")
        }
        Screen.standardError.scroll((lines + ["Type yes to \(what):"]).joined(separator: "\n"))
        guard readLine()?.trimmingCharacters(in: .whitespaces) == "yes" else {
            throw ReplicationError(.usage, what, why: "it was not confirmed")
        }
    }
}
