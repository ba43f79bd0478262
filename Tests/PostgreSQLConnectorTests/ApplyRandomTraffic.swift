import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel

/// A model of a source: makes transactions that are valid there, as a batch and as SQL for schema
/// `plain`.
struct RandomTraffic {
    typealias Shape = ApplyDifferentialTests.Shape

    private let shapes: [Shape]
    private var rows: [[TestRow]]
    private var random: SeededGenerator
    private var builder = BatchBuilder([])
    private var sql: [String] = []
    /// Whether this batch touches the table whose unique values go from row to row at once.
    private var handsOn = false

    init(shapes: [Shape], seed: UInt64) {
        self.shapes = shapes
        rows = Array(repeating: [], count: shapes.count)
        random = SeededGenerator(seed: seed)
    }

    mutating func batch(_ routes: [TableRoute]) -> (ChangeBatch, [String]) {
        builder = BatchBuilder(routes)
        sql = []
        handsOn = below(4) == 0
        for _ in 0..<below(6) + 1 {
            for _ in 0..<below(12) + 1 { step() }
            builder.commit()
        }
        return (builder.batch, sql)
    }

    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    private mutating func step() {
        let table = below(shapes.count)
        if shapes[table].unique != nil, !shapes[table].uniqueIsDeferrable, !handsOn { return }
        if below(40) == 0 { return truncate(table) }
        guard !shapes[table].key.isEmpty else { return keyless(table) }
        guard !rows[table].isEmpty else { return insert(table) }
        switch below(10) {
        case 0, 1, 2: insert(table)
        case 3, 4, 5: update(table)
        case 6: changeKey(table)
        case 7: delete(table)
        case 8: deleteAndInsert(table)
        default: swapUnique(table)
        }
    }
}

// MARK: Values

extension RandomTraffic {
    private mutating func text() -> String? {
        let choices: [String?] = [
            nil, "", "a", "O'Hara", "back\\slash", "tab\tand\nline", "\\N", "{x,\"y\"}", "NULL",
            "ü€",
        ]
        return choices[below(choices.count)].map { below(2) == 0 ? $0 : $0 + String(below(50)) }
    }

    private mutating func value(_ table: Int, _ column: Int) -> String? {
        switch shapes[table].columns[column] {
        case "id": String(below(25))
        case "a" where shapes[table].name != "dup": String(below(25))
        case "k" where shapes[table].name == "flo": ["0.1", "1e+300", "2.5", "-3", "NaN"][below(5)]
        case "b" where shapes[table].name == "cmp": ["x", "y", "x y", "Z\\"][below(4)]
        case "email": below(8) == 0 ? nil : "e\(below(30))"
        case "k": below(8) == 0 ? nil : String(below(30))
        case "amount": below(5) == 0 ? nil : "\(below(100)).\(below(9))0"
        case "n": String(below(5))
        case "a": below(4) == 0 ? nil : String(below(2))
        case "f": [nil, "0.1", "-0", "NaN", "Infinity"][below(5)]
        case "j": [nil, "{\"a\": 1,  \"a\": 2}", "[]"][below(3)]
        case "b": [nil, "", "x"][below(3)]
        case "v" where !["ident", "ident2", "cmp"].contains(shapes[table].name): String(below(9))
        default: text()
        }
    }

    private func isFree(_ table: Int, _ column: Int, _ value: String?) -> Bool {
        value == nil || !rows[table].contains { $0[column] == value }
    }

    private func key(_ table: Int, _ row: TestRow) -> [String?] {
        shapes[table].key.map { row[$0] }
    }

    /// A row whose key and unique value nobody has; nil if luck ran out.
    private mutating func newRow(_ table: Int) -> TestRow? {
        for _ in 0..<20 {
            let row = shapes[table].columns.indices.map { value(table, $0) }
            let isNewKey = !rows[table].contains { key(table, $0) == key(table, row) }
            let isUnique = shapes[table].unique.map { isFree(table, $0, row[$0]) } ?? true
            if isNewKey && isUnique { return row }
        }
        return nil
    }

    private func oldKey(_ table: Int, _ row: TestRow) -> TestRow {
        row.indices.map { shapes[table].key.contains($0) ? row[$0] : nil }
    }
}

// MARK: Changes

extension RandomTraffic {
    private func name(_ table: Int) -> String { "plain.\(shapes[table].name)" }

    private func place(_ table: Int, _ row: TestRow) -> String {
        shapes[table].key.map { "\(shapes[table].columns[$0]) = \(row[$0].quotedLiteral)" }
            .joined(separator: " AND ")
    }

    private mutating func insert(_ table: Int) {
        if let row = newRow(table) { insert(table, row) }
    }

    private mutating func insert(_ table: Int, _ row: TestRow) {
        rows[table].append(row)
        builder.insert(table, row)
        let values = row.map(\.quotedLiteral).joined(separator: ", ")
        let columns = shapes[table].columns.joined(separator: ", ")
        sql.append("INSERT INTO \(name(table)) (\(columns)) VALUES (\(values))")
    }

    private mutating func delete(_ table: Int) {
        let index = below(rows[table].count)
        let row = rows[table].remove(at: index)
        builder.delete(table, oldKey(table, row))
        sql.append("DELETE FROM \(name(table)) WHERE \(place(table, row))")
    }

    private mutating func deleteAndInsert(_ table: Int) {
        let old = rows[table][below(rows[table].count)]
        let index = rows[table].firstIndex(of: old) ?? 0
        rows[table].remove(at: index)
        builder.delete(table, oldKey(table, old))
        sql.append("DELETE FROM \(name(table)) WHERE \(place(table, old))")
        var row = shapes[table].columns.indices.map { value(table, $0) }
        for column in shapes[table].key { row[column] = old[column] }
        if let unique = shapes[table].unique { row[unique] = old[unique] }
        insert(table, row)
        if below(3) == 0 {
            rows[table].removeLast()
            builder.delete(table, oldKey(table, row))
            sql.append("DELETE FROM \(name(table)) WHERE \(place(table, row))")
        }
    }

    private mutating func update(_ table: Int) {
        let index = below(rows[table].count)
        var row = rows[table][index]
        for column in row.indices where !shapes[table].key.contains(column) && below(2) == 0 {
            let new = value(table, column)
            if column != shapes[table].unique || isFree(table, column, new) { row[column] = new }
        }
        change(table, index, to: row)
    }

    private mutating func changeKey(_ table: Int) {
        guard let other = newRow(table) else { return }
        let index = below(rows[table].count)
        var row = rows[table][index]
        for column in shapes[table].key { row[column] = other[column] }
        change(table, index, to: row)
    }

    private mutating func change(_ table: Int, _ index: Int, to row: TestRow) {
        let old = rows[table][index]
        var logged = row
        if let large = shapes[table].large, row[large] == old[large], below(3) > 0 {
            logged[large] = BatchBuilder.unchanged
        }
        let keyChanges = key(table, old) != key(table, row)
        builder.update(
            table, old: keyChanges || below(4) == 0 ? oldKey(table, old) : nil, logged)
        let set = row.indices.map { "\(shapes[table].columns[$0]) = \(row[$0].quotedLiteral)" }
        sql.append(
            "UPDATE \(name(table)) SET \(set.joined(separator: ", ")) WHERE \(place(table, old))")
        rows[table][index] = row
    }

    /// Two rows exchange their unique values: at once where that may be deferred, else through
    /// NULL.
    private mutating func swapUnique(_ table: Int) {
        guard let unique = shapes[table].unique, rows[table].count > 1 else { return update(table) }
        let first = below(rows[table].count)
        let second = (first + 1) % rows[table].count
        var (a, b) = (rows[table][first], rows[table][second])
        (a[unique], b[unique]) = (b[unique], a[unique])
        if !shapes[table].uniqueIsDeferrable {
            var parked = a
            parked[unique] = nil
            change(table, first, to: parked)
        }
        if shapes[table].uniqueIsDeferrable {
            change(table, first, to: a)
            change(table, second, to: b)
        } else {
            change(table, second, to: b)
            change(table, first, to: a)
        }
    }

    private mutating func keyless(_ table: Int) {
        guard !rows[table].isEmpty, below(2) == 0 else {
            return insert(table, shapes[table].columns.indices.map { value(table, $0) })
        }
        let index = below(rows[table].count)
        let old = rows[table][index]
        let same = shapes[table].columns.indices.map {
            "\(shapes[table].columns[$0])::text IS NOT DISTINCT FROM \(old[$0].quotedLiteral)"
        }
        let place =
            "ctid = (SELECT min(ctid) FROM \(name(table)) WHERE \(same.joined(separator: " AND ")))"
        if below(2) == 0 {
            rows[table].remove(at: index)
            builder.delete(table, old, whole: true)
            return sql.append("DELETE FROM \(name(table)) WHERE \(place)")
        }
        var row = old
        let column = below(row.count)
        row[column] = value(table, column)
        rows[table][index] = row
        var logged = row
        if row[3] == old[3] { logged[3] = BatchBuilder.unchanged }
        builder.update(table, old: old, whole: true, logged)
        let set = row.indices.map { "\(shapes[table].columns[$0]) = \(row[$0].quotedLiteral)" }
        sql.append("UPDATE \(name(table)) SET \(set.joined(separator: ", ")) WHERE \(place)")
    }

    private mutating func truncate(_ table: Int) {
        let names = shapes.map(\.name)
        var tables = [table]
        if ["par", "chd"].contains(names[table]) {
            tables = ["par", "chd"].compactMap { names.firstIndex(of: $0) }
        }
        for table in tables { rows[table] = [] }
        builder.truncate(tables)
        sql.append("TRUNCATE " + tables.map { name($0) }.joined(separator: ", "))
    }
}
