import Foundation
import ReplicationModel

/// Secrets by name, for `key('NAME')`: they come from the configuration and stand in no SQL text.
package struct TransformKeys: Sendable, Equatable, CustomStringConvertible {
    private var values: [String: [UInt8]]

    package init(_ values: [String: [UInt8]] = [:]) { self.values = values }

    package var names: [String] { values.keys.sorted() }
    subscript(name: String) -> [UInt8]? { values[name] }

    package var description: String { "keys \(names)" }
}

/// What functions know beside their arguments: the change, not the row.
final class ChangeContext {
    var keys = TransformKeys()
    /// The pipeline's.
    var sourceName = ""
    /// `insert`, `update`, `delete`; `load` for rows of a snapshot.
    var operation = "load"
    /// nil in a load.
    var mark: TransactionMark?
    let time = EvaluationTime()
    /// The longest value that the row may be made into, in bytes.
    var valueLimit = 0
    /// Why a function gave no result, in the last evaluation that failed.
    var fault: String?
    private var patterns: [String: NSRegularExpression] = [:]

    /// Patterns are compiled once; rows may bring ever new ones.
    private static let patternLimit = 100

    func beginLoad() { (operation, mark) = ("load", nil) }

    func pattern(_ text: String, ignoringCase: Bool) throws(FunctionFault) -> NSRegularExpression {
        let name = (ignoringCase ? "i" : "c") + text
        if let known = patterns[name] { return known }
        guard
            let made = try? NSRegularExpression(
                pattern: text, options: ignoringCase ? [.caseInsensitive] : [])
        else { throw FunctionFault("the pattern is no regular expression") }
        if patterns.count >= Self.patternLimit { patterns = [:] }
        patterns[name] = made
        return made
    }
}
