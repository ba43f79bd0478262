internal import ReplicationModel

/// A table as the target's file has it. Names match as SQLite's do: without regard to ASCII case.
struct StoredTable {
    struct Column {
        var name: String
        var declaration: String
        var isNullable: Bool
        var isGenerated: Bool
        var hasDefault: Bool
        /// Place in the primary key, from 1; 0 outside of it.
        var keyPlace: Int
    }

    struct Index {
        var name: String
        var isUnique: Bool
        /// Made by PRIMARY KEY or UNIQUE in CREATE TABLE.
        var isPrimaryKey: Bool
        var isPartial: Bool
        /// Empty if it holds an expression.
        var columns: [String]
        /// Every column compares by bytes.
        var isBinary: Bool
    }

    var name: String
    var isTable: Bool
    var isStrict: Bool
    var hasRowID: Bool
    var columns: [Column]
    var indexes: [Index]

    /// Key columns in key order.
    var primaryKey: [String] {
        columns.filter { $0.keyPlace > 0 }.sorted { $0.keyPlace < $1.keyPlace }.map(\.name)
    }

    /// A single INTEGER PRIMARY KEY is the row id itself and has no index of its own.
    var isRowIDAlias: Bool {
        primaryKey.count == 1 && hasRowID && !indexes.contains(where: \.isPrimaryKey)
    }

    /// The sets of columns that no two rows share.
    var uniqueKeys: [[String]] {
        let keys = indexes.filter { $0.isUnique && !$0.isPartial && !$0.columns.isEmpty }
        return keys.filter { !$0.isPrimaryKey }.map(\.columns)
    }

    /// Whether these columns, compared by bytes, name one row.
    func hasKey(_ names: [String]) -> Bool {
        let wanted = Set(names.map(\.foldedASCII))
        if isRowIDAlias, Set(primaryKey.map(\.foldedASCII)) == wanted { return true }
        return indexes.contains {
            $0.isUnique && !$0.isPartial && $0.isBinary
                && Set($0.columns.map(\.foldedASCII)) == wanted
        }
    }

    /// What else makes rows unique, in words; empty if nothing does.
    func secondaryKeys(besides key: [String]) -> String {
        let wanted = Set(key.map(\.foldedASCII))
        let isRowID = isRowIDAlias && Set(primaryKey.map(\.foldedASCII)) != wanted
        let others = indexes.filter {
            $0.isUnique
                && ($0.isPartial || key.isEmpty || Set($0.columns.map(\.foldedASCII)) != wanted)
        }
        return ((isRowID ? ["its primary key"] : []) + others.map(\.name)).joined(separator: ", ")
    }

    func column(_ name: String) -> Column? {
        columns.first { $0.name.foldedASCII == name.foldedASCII }
    }

    /// A name of the row id that no column hides; nil if there is none.
    var rowIDName: String? {
        guard hasRowID else { return nil }
        return ["rowid", "_rowid_", "oid"].first { column($0) == nil }
    }
}

extension String {
    /// As SQLite compares identifiers: ASCII letters in lower case, everything else as it is.
    var foldedASCII: String {
        String(
            decoding: utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")) ~= $0 ? $0 | 0x20 : $0 },
            as: UTF8.self)
    }

    /// As a string literal.
    var quotedLiteral: String { "'" + replacing("'", with: "''") + "'" }
}

extension TableName {
    /// The name inside the file: there is one namespace, `main`.
    var inFile: String { "main." + name.quotedIdentifier }
}

extension SQLiteSession {
    /// What is stored under this name, table or view; nil if nothing.
    func storedTable(_ name: String) throws -> StoredTable? {
        let found = try rows(
            """
            SELECT name, type, strict, wr FROM pragma_table_list \
            WHERE schema = 'main' AND name = ? COLLATE NOCASE
            """, [.text(name)]
        ) { row in
            StoredTable(
                name: row.text(0) ?? "", isTable: row.text(1) == "table",
                isStrict: row.integer(2) == 1, hasRowID: row.integer(3) == 0, columns: [],
                indexes: [])
        }
        guard var table = found.first else { return nil }
        table.columns = try columns(of: table.name)
        table.indexes = try indexes(of: table.name)
        return table
    }

    private func columns(of table: String) throws -> [StoredTable.Column] {
        try rows(
            """
            SELECT name, type, "notnull", hidden, dflt_value IS NOT NULL, pk \
            FROM pragma_table_xinfo(?) ORDER BY cid
            """, [.text(table)]
        ) { row in
            StoredTable.Column(
                name: row.text(0) ?? "", declaration: row.text(1) ?? "",
                isNullable: row.integer(2) == 0, isGenerated: (row.integer(3) ?? 0) >= 2,
                hasDefault: row.integer(4) == 1, keyPlace: Int(row.integer(5) ?? 0))
        }
    }

    private func indexes(of table: String) throws -> [StoredTable.Index] {
        let heads = try rows(
            "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?) ORDER BY seq",
            [.text(table)]
        ) { row in
            StoredTable.Index(
                name: row.text(0) ?? "", isUnique: row.integer(1) == 1,
                isPrimaryKey: row.text(2) == "pk", isPartial: row.integer(3) == 1, columns: [],
                isBinary: true)
        }
        return try heads.map { head in
            var index = head
            let parts = try rows(
                "SELECT name, coll FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno",
                [.text(index.name)]
            ) { row in (name: row.text(0), collation: row.text(1)) }
            index.columns = parts.contains { $0.name == nil } ? [] : parts.compactMap(\.name)
            index.isBinary = parts.allSatisfy { $0.collation?.uppercased() == "BINARY" }
            return index
        }
    }
}
