internal import ReplicationEngine
internal import ReplicationModel

/// The SQL of a table's statements with the types of their parameters.
///
/// A single-row statement has one parameter per value, of the column's own type (a domain's base
/// type), so that the type's input function reads it without length or scale and the assignment to
/// the column checks both. A net statement has one array per column.
extension AppliedTable {
    typealias Text = (sql: String, types: [UInt32])

    func text(of statement: Statement) -> Text {
        switch statement {
        case .insert: insertText
        case .delete: (deletePrefix + whereKey(from: 1), keyTypes)
        case .update(let shape, let keys): updateText(shape, keys: keys)
        case .replace(let shape): replaceText(shape)
        case .updateWholeRow(let shape): updateWholeRowText(shape)
        case .deleteWholeRow: (deletePrefix + whereWholeRow(from: 1), columns.map(\.type))
        case .netInsert: netInsertText
        case .netDelete: netDeleteText
        case .netUpdate(let shape): netUpdateText(shape)
        }
    }

    private var key: [AppliedColumn] { route.key.map { columns[$0] } }
    private var keyTypes: [UInt32] { key.map(\.type) }
    private var deletePrefix: String { "DELETE FROM \(relation) AS t" }
    var columnList: String { columns.map(\.quoted).joined(separator: ", ") }

    /// Without it a GENERATED ALWAYS identity column refuses values (A31).
    var overriding: String {
        columns.contains(where: \.isAlwaysIdentity) ? " OVERRIDING SYSTEM VALUE" : ""
    }

    // MARK: One row

    private var insertText: Text {
        guard !columns.isEmpty else { return ("INSERT INTO \(place) DEFAULT VALUES", []) }
        let list = columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        return (
            "INSERT INTO \(place) (\(columnList))\(overriding) VALUES (\(list))",
            columns.map(\.type)
        )
    }

    private func whereKey(from number: Int) -> String {
        let terms = key.enumerated().map { offset, column in
            equal("t.\(column.quoted)", "$\(number + offset)", column)
        }
        return " WHERE " + terms.joined(separator: " AND ")
    }

    func equal(_ left: String, _ right: String, _ column: AppliedColumn) -> String {
        if let equality = column.equality { return "\(left) \(equality) \(right)" }
        return "\(Self.output(of: left)) = \(Self.output(of: right))"
    }

    /// What the type's output function writes; a cast to text is something else for boolean, inet
    /// and char(n). NULL becomes the empty text.
    private static func output(of expression: String) -> String {
        "(pg_catalog.concat(\(expression)) COLLATE \"C\")"
    }

    private func columnsToSet(_ shape: Int, keys: Bool) -> [Int] {
        columns.indices.filter {
            shapes[shape][$0] && !columns[$0].isAlwaysIdentity && (keys || !route.key.contains($0))
        }
    }

    /// The columns whose values are the parameters of an update, before those of the key.
    func parameters(of statement: Statement) -> [Int] {
        switch statement {
        case .insert, .netInsert: Array(columns.indices)
        case .update(let shape, let keys): columnsToSet(shape, keys: keys)
        case .netUpdate(let shape): columnsToSet(shape, keys: false)
        case .replace(let shape): columns.indices.filter { shapes[shape][$0] }
        case .updateWholeRow(let shape): columnsToSet(shape, keys: true)
        case .delete, .netDelete, .deleteWholeRow: []
        }
    }

    private func updateText(_ shape: Int, keys: Bool) -> Text {
        let set = columnsToSet(shape, keys: keys)
        let types = set.map { columns[$0].type } + keyTypes
        // Nothing to set: still exactly one such row must be there.
        guard !set.isEmpty else {
            return ("SELECT 1 FROM \(relation) AS t" + whereKey(from: 1), types)
        }
        return (
            "UPDATE \(relation) AS t SET " + assignments(set) + whereKey(from: set.count + 1), types
        )
    }

    private func assignments(_ set: [Int]) -> String {
        set.enumerated().map { "\(columns[$1].quoted) = $\($0 + 1)" }.joined(separator: ", ")
    }

    /// An identity column that only INSERT can set: the row moves, with what the log did not
    /// repeat.
    private func replaceText(_ shape: Int) -> Text {
        let new = parameters(of: .replace(shape: shape))
        let kept = columns.indices.filter { !shapes[shape][$0] }.map { columns[$0].quoted }
        let old = kept + extraColumns.map(\.quotedIdentifier)
        let list = new.map { columns[$0].quoted } + old
        let values = new.indices.map { "$\($0 + 1)" } + old.map { "old.\($0)" }
        return (
            "WITH old AS (\(deletePrefix)\(whereKey(from: new.count + 1)) RETURNING t.*) "
                + "INSERT INTO \(place) (\(list.joined(separator: ", ")))\(overriding) "
                + "SELECT \(values.joined(separator: ", ")) FROM old",
            new.map { columns[$0].type } + keyTypes
        )
    }

    // MARK: One row of a table without a key

    /// Exactly one of several equal rows (P05). `ctid` alone is not unique in a partitioned table.
    private func whereWholeRow(from number: Int) -> String {
        let terms = columns.indices.map { isSame(columns[$0], "$\(number + $0)") }
        return
            " WHERE (t.tableoid, t.ctid) = (SELECT o.tableoid, o.ctid FROM \(relation) AS o WHERE "
            + terms.joined(separator: " AND ") + " LIMIT 1)"
    }

    private func isSame(_ column: AppliedColumn, _ parameter: String) -> String {
        let name = "o.\(column.quoted)"
        let equal =
            column.isComparedByValue
            ? self.equal(name, parameter, column)
            : "\(Self.output(of: name)) = \(Self.output(of: parameter))"
        // IS NULL is also true for a row of NULLs, which is another value.
        return "CASE WHEN \(parameter) IS NOT DISTINCT FROM NULL "
            + "THEN \(name) IS NOT DISTINCT FROM NULL "
            + "ELSE \(name) IS DISTINCT FROM NULL AND \(equal) END"
    }

    private func updateWholeRowText(_ shape: Int) -> Text {
        let set = columnsToSet(shape, keys: true)
        let types = set.map { columns[$0].type } + columns.map(\.type)
        let row = whereWholeRow(from: set.count + 1)
        guard !set.isEmpty else { return ("SELECT 1 FROM \(relation) AS t" + row, types) }
        return ("UPDATE \(relation) AS t SET " + assignments(set) + row, types)
    }

    // MARK: Many rows

    /// The arrays side by side. `unnest` of several arrays has no qualified name.
    private static func rows(_ count: Int) -> String {
        let arrays = (1...count).map { "pg_catalog.unnest($\($0))" }.joined(separator: ", ")
        let names = (0..<count).map { "c\($0)" }.joined(separator: ", ")
        return "ROWS FROM (\(arrays)) AS u(\(names))"
    }

    private func arrayTypes(_ list: [Int]) -> [UInt32] { list.map { columns[$0].lane.arrayType } }

    private var netInsertText: Text {
        let values = columns.indices.map { columns[$0].value(of: "u.c\($0)") }
        return (
            "INSERT INTO \(place) (\(columnList))\(overriding) "
                + "SELECT \(values.joined(separator: ", ")) FROM \(Self.rows(columns.count))",
            arrayTypes(Array(columns.indices))
        )
    }

    private func joinKey(from number: Int) -> String {
        let terms = key.enumerated().map { offset, column in
            equal("t.\(column.quoted)", column.value(of: "u.c\(number + offset)"), column)
        }
        return " WHERE " + terms.joined(separator: " AND ")
    }

    /// Finds a value of `list` that two rows have; `list` empty: never used.
    func duplicatesText(of list: [Int]) -> String {
        guard !list.isEmpty else { return "SELECT 1 WHERE false" }
        let names = list.indices.map { "k.c\($0)" }.joined(separator: ", ")
        let values = list.enumerated().map {
            "\(columns[$1].value(of: "u.c\($0)")) AS c\($0)"
        }
        let terms = list.enumerated().map {
            equal("t.\(columns[$1].quoted)", "k.c\($0)", columns[$1])
        }
        return "SELECT 1 FROM \(relation) AS t, (SELECT DISTINCT \(values.joined(separator: ", ")) "
            + "FROM \(Self.rows(list.count))) AS k WHERE \(terms.joined(separator: " AND ")) "
            + "GROUP BY \(names) HAVING count(*) > 1 LIMIT 1"
    }

    private var netDeleteText: Text {
        (
            deletePrefix + " USING \(Self.rows(route.key.count))" + joinKey(from: 0),
            arrayTypes(route.key)
        )
    }

    private func netUpdateText(_ shape: Int) -> Text {
        let set = parameters(of: .netUpdate(shape: shape))
        let types = arrayTypes(set + route.key)
        let rows = Self.rows(types.count)
        guard !set.isEmpty else {
            return ("SELECT 1 FROM \(relation) AS t, \(rows)" + joinKey(from: 0), types)
        }
        let list = set.enumerated().map {
            "\(columns[$1].quoted) = \(columns[$1].value(of: "u.c\($0)"))"
        }
        return (
            "UPDATE \(relation) AS t SET \(list.joined(separator: ", ")) FROM \(rows)"
                + joinKey(from: set.count), types
        )
    }
}
