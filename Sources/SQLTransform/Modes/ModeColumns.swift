import ReplicationEngine
import ReplicationModel

/// The columns that a mode adds to the transform's
/// (docs/decisions/why-transforms-run-on-the-source-row, "Modes").
struct ModeColumns {
    static let deletedAt = "_deleted_at"
    static let operation = "_operation"
    static let committedAt = "_committed_at"
    static let position = "_position"
    static let ordinal = "_ordinal"
    static let validFrom = "_valid_from"
    static let validTo = "_valid_to"
    static let fromPosition = "_from_position"
    static let toPosition = "_to_position"
    /// `_to_position` of the version that is valid: it is in the key, so that it is not NULL.
    static let current = "current"

    private struct Added {
        var name: String
        var type: OutputType
        /// In a row of a snapshot.
        var initial: String?
    }

    private let compiler: TransformCompiler

    init(_ compiler: TransformCompiler) { self.compiler = compiler }

    private static let positionType = OutputType.text(length: 40)

    private static func added(_ mode: TableMode) -> [Added] {
        switch mode {
        case .softDelete: [Added(name: deletedAt, type: .timestampWithZone)]
        case .append:
            [
                Added(name: operation, type: .text(length: 10), initial: "load"),
                Added(name: committedAt, type: .timestampWithZone),
                Added(name: position, type: positionType), Added(name: ordinal, type: .int64),
            ]
        case .history:
            [
                Added(name: validFrom, type: .timestampWithZone),
                Added(name: validTo, type: .timestampWithZone),
                Added(name: fromPosition, type: positionType),
                Added(name: toPosition, type: positionType, initial: current),
                Added(name: ordinal, type: .int64, initial: "0"),
            ]
        }
    }

    /// - Throws: `.configuration` if the transform has a column of such a name, or the table no key
    ///   that the mode needs.
    func outputs(beside own: [Transform.Output]) throws -> [Transform.Output] {
        guard let mode = compiler.definition.mode else { return [] }
        if mode != .append, compiler.route.isKeyless {
            throw failure(
                "mode \(mode.rawValue) finds rows by their key, and the table has none",
                try: "give the table a primary key, or mode: append")
        }
        let names = Set(own.map { $0.column.name.lowercased() })
        return try Self.added(mode).map { added in
            guard !names.contains(added.name) else {
                throw failure(
                    "mode \(mode.rawValue) adds a column \(added.name), and the table has one",
                    try: "give the table's column another name: rename, or AS in the SQL")
            }
            var output = Transform.Output(
                column: compiler.made(added.name, added.type), passes: nil, dependsOn: [],
                expression: "")
            output.initial = added.initial.map { Array($0.utf8) }
            return output
        }
    }

    /// What tells versions of one key apart.
    func key(among outputs: [Transform.Output]) -> [Int] {
        guard compiler.definition.mode == .history else { return [] }
        return outputs.indices.filter {
            [Self.toPosition, Self.ordinal].contains(outputs[$0].column.name)
        }
    }

    private func failure(_ why: String, try remedy: String) -> ReplicationError {
        TransformCompiler.failure(compiler.definition, why, at: nil, try: remedy)
    }
}

/// Whether a mode is right with what the source's log carries and its snapshots tell.
enum ModeCheck {
    static func findings(_ mode: TableMode, _ transform: Transform, sees: Bool) -> [Finding] {
        let table = transform.source.source
        let check = "mode \(mode.rawValue) of \(table.name)"
        var found: [Finding] = []
        if lacksValues(mode, transform) {
            found.append(
                Finding(
                    .refused, check,
                    "it needs whole rows, and the log does not repeat large values"
                        + (mode == .softDelete ? "" : " or say what a deleted row was"),
                    table: table.name, try: RowRefusal.fullImage(table)))
        }
        if !transform.isOneToOne {
            found.append(
                Finding(
                    .refused, check,
                    "two rows of the source may get one key, and one would be "
                        + "taken for the other's next version", table: table.name,
                    try: "pass the key columns through, or hash each of them alone"))
        }
        if mode == .history, !sees {
            found.append(
                Finding(
                    .refused, check,
                    "this source's snapshots do not tell what they see: the "
                        + "versions of the time of the load would be dated wrong",
                    table: table.name, try: "mode: append"))
        }
        return found
    }

    /// The connector refuses a MySQL or MariaDB that logs parts of rows.
    private static func lacksValues(_ mode: TableMode, _ transform: Transform) -> Bool {
        let table = transform.source.source
        guard !table.dialect.isMySQLFamily, table.replicaIdentity != .full else { return false }
        return mode != .softDelete
            || transform.source.columns.indices.contains {
                TransformCheck.mayBeUnchanged($0, transform)
            }
    }
}
