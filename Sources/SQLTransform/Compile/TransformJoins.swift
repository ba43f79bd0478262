import ReplicationEngine
import ReplicationModel

/// What a transform joins to its row.
extension TransformCompiler {
    /// Joins that an expression has nothing to do with, of those that may be left out: SQLite knows
    /// every name of it without them. Every name is one table's in the whole statement, or SQLite
    /// had refused it, so that it means the same in a smaller one.
    func unneeded(
        _ expression: String, filtered: Bool, _ mayGo: (SelectJoins.Join) -> Bool
    ) -> Set<Int> {
        // It stands for columns of all of them.
        guard expression != "*" else { return [] }
        var left: Set<Int> = []
        let joins = select.joins.joins
        // A later one may be joined to an earlier one.
        for index in joins.indices.reversed() where mayGo(joins[index]) {
            let sql = select.statement(
                selecting: expression, filtered: filtered, without: left.union([index]))
            if (try? session.prepare(sql, allowing: Self.clocks)) != nil { left.insert(index) }
        }
        return left
    }

    func refuseJoins() throws {
        let joins = select.joins
        if let name = joins.first.first.map({ select.tokens.tokens[$0].name }),
            session.lookupNames.contains(name)
        {
            throw refuse(
                "the row's own table comes first, lookups are joined to it", at: joins.first,
                "FROM \(session.table) JOIN \(name) ON ...")
        }
        for join in joins.joins where session.lookupNames.contains(join.table ?? "") {
            let isPlain = !["RIGHT", "FULL", "NATURAL"].contains(where: join.words.contains)
            guard !isPlain else { continue }
            throw refuse(
                "\(join.words.joined(separator: " ")) of a lookup makes rows that the table does "
                    + "not have, or goes by names that may change", at: join.range,
                "LEFT JOIN \(join.table ?? "") ON ...")
        }
    }

    private func refuse(_ why: String, at range: Range<Int>, _ remedy: String) -> ReplicationError {
        Self.failure(
            definition, why, at: select.written.tokens[range.lowerBound].range.lowerBound,
            try: remedy)
    }

    /// A name would be the row's, and the lookup could never be reached.
    static func refuseTwin(
        _ lookups: Lookups?, _ definition: TransformDefinition, _ route: TableRoute
    ) throws {
        guard lookups?.named(route.source.name.name) != nil else { return }
        throw failure(
            definition, "a lookup has the name of the table", at: nil,
            try: "give the lookup another name")
    }

    /// Types by column's name, but for names that stand for several.
    func knownTypes(_ lookups: Set<String>) -> [String: ColumnType] {
        let own = route.columns.map { ($0.name.lowercased(), $0.type) }
        let found = session.lookups?.tables.filter { lookups.contains($0.name.lowercased()) } ?? []
        let others = found.flatMap(\.columns).map {
            ($0.name.lowercased(), $0.type.columnType(route.source.dialect))
        }
        var known: [String: ColumnType?] = [:]
        for (name, type) in own + others {
            known[name] = .some(known[name, default: type] == type ? type : nil)
        }
        return known.compactMapValues(\.self)
    }
}
