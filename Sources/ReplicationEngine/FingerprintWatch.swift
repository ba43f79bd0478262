package import ReplicationModel

/// Compares the tables' fingerprints with those the pipeline was made for (DESIGN section 5).
///
/// A new shape stops at once. A new file alone is TRUNCATE, VACUUM FULL, CLUSTER, or a rewrite that
/// changed values without events (P45): it is accepted only for a TRUNCATE that the stream has
/// brought, or brings before it passes a position of the log behind the change. However far back
/// the stream is, it is waited for:
///
///     source   TRUNCATE .. file 2 .. position P of the look that finds it
///     stream         ........ TRUNCATE: accepted        past P without one: unseen
///
/// Each TRUNCATE explains one new file; two in a row may explain the same one, so what is left over
/// while the file is the accepted one is forgotten.
///
/// What is left unexplained stops the run, or, if it is to be marked, is accepted as unproven until
/// a TRUNCATE empties the table.
package struct FingerprintWatch: Sendable {
    /// What was found at the source, between the two moments that its time is known by.
    package struct Look: Sendable {
        package var found: [UInt32: String]
        /// TRUNCATEs that the stream had passed before it was found.
        package var truncates: [Int: Int]
        /// A position of the log taken after it was found.
        package var position: LogPosition

        package init(found: [UInt32: String], truncates: [Int: Int], position: LogPosition) {
            self.found = found
            self.truncates = truncates
            self.position = position
        }
    }

    private struct Doubt {
        var file: Substring
        var position: LogPosition
    }

    private let routes: [TableRoute]
    /// What is unexplained marks its table instead of stopping the run.
    package let marks: Bool
    private var accepted: [Fingerprint]
    private var doubts: [Int: Doubt] = [:]
    /// TRUNCATEs that have explained a file, by route; those of the look before.
    private var used: [Int: Int] = [:]
    private var before: [Int: Int] = [:]
    /// Routes whose accepted fingerprint is not yet stored.
    private var news: Set<Int> = []

    /// - Parameters:
    ///   - stored: as the target has them: what changed while nothing ran counts as well.
    ///   - marks: an unexplained file is accepted and the table marked unproven.
    package init(_ routes: [TableRoute], stored: [String], marks: Bool = false) {
        self.routes = routes
        self.marks = marks
        accepted = stored.map { Fingerprint($0) }
    }

    /// A file is unexplained, and the stream has not passed the change that made it.
    package var isInDoubt: Bool { !doubts.isEmpty }
    package var hasNews: Bool { !news.isEmpty }

    /// What was accepted since it was stored last, by route.
    package mutating func takeNews() -> [(route: Int, fingerprint: String)] {
        defer { news = [] }
        return news.sorted().map { ($0, accepted[$0].description) }
    }

    /// The target now holds a TRUNCATE of this route, and with it that any file is explained.
    package mutating func truncated(_ route: Int) {
        news.remove(route)
        accepted[route].isUnproven = false
    }

    /// The target now holds that DDL leaves this route in doubt.
    package mutating func defined(_ route: Int) { accepted[route].isUnproven = true }

    /// - Parameters:
    ///   - truncates: those that the stream has passed by now, by route.
    ///   - passed: everything that commits up to here has come through the stream.
    /// - Returns: routes that are unproven from now on.
    package mutating func take(
        _ look: Look, truncates: [Int: Int], passed: LogPosition
    ) throws -> [Int] {
        var marked: [Int] = []
        for (index, route) in routes.enumerated() {
            guard let text = look.found[route.source.id] else {
                throw ReplicationError.unseenChange(route.source.name, position: nil)
            }
            try take(index, Fingerprint(text), look)
            guard let doubt = doubts[index], passed >= doubt.position,
                truncates[index] ?? 0 <= used[index] ?? 0
            else { continue }
            guard marks else { throw ReplicationError.unexplainedFile(route.source) }
            accepted[index].file = doubt.file
            accepted[index].isUnproven = true
            doubts[index] = nil
            news.insert(index)
            marked.append(index)
        }
        before = look.truncates
        return marked
    }

    private mutating func take(_ index: Int, _ found: Fingerprint, _ look: Look) throws {
        guard found.shape == accepted[index].shape else {
            throw ReplicationError.unseenChange(routes[index].source.name, position: nil)
        }
        let passed = look.truncates[index] ?? 0
        if found.file == accepted[index].file {
            doubts[index] = nil
            // Not those of a moment ago: what the stream brings may be visible a little later.
            used[index] = max(used[index] ?? 0, before[index] ?? 0)
        } else if accepted[index].isOfAnyFile || passed > used[index] ?? 0 {
            used[index] = passed
            accepted[index] = found
            doubts[index] = nil
            news.insert(index)
        } else if doubts[index]?.file != found.file {
            doubts[index] = Doubt(file: found.file, position: look.position)
        }
    }
}

extension ReplicationError {
    /// DDL of a table, at its place in the log.
    static func definition(
        _ definition: LoggedDefinition, _ position: LogPosition
    ) -> ReplicationError {
        ReplicationError(
            .unseenSchemaChange, "follow \(definition.what)", position: position,
            table: definition.name,
            why: "it changes what the table is, or rows of it that the log does not name",
            try: "if no row was changed: martlet run PIPELINE --ddl-unseen mark; else "
                + "martlet run PIPELINE --fresh --yes")
    }

    static func unexplainedFile(_ table: TableSchema) -> ReplicationError {
        ReplicationError(
            .unseenSchemaChange, "follow the table", table: table.name,
            why: "its rows were stored anew at the source and the log does not say why: "
                + "VACUUM FULL and CLUSTER change no row, a rewriting ALTER TABLE may change all"
                + (table.isPartitioned ? ", ATTACH and DETACH PARTITION bring or take some" : ""),
            try: "if no row was changed: martlet run PIPELINE --ddl-unseen mark; else "
                + "martlet run PIPELINE --fresh --yes")
    }
}
