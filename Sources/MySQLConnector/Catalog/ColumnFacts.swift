internal import ReplicationModel

/// One column as `information_schema.columns` has it.
struct ColumnFacts {
    let column: Column
    /// MySQL's name of the character set; nil for columns that are no text.
    let characterSet: String?
    let isUnsigned: Bool

    static func query(where place: String) -> String {
        """
        SELECT table_schema, table_name, column_name, column_default, is_nullable, data_type,
        column_type, character_maximum_length, numeric_precision, numeric_scale,
        datetime_precision, character_set_name, collation_name, extra, generation_expression
        FROM information_schema.columns WHERE \(place)
        ORDER BY table_schema, table_name, ordinal_position
        """
    }

    /// - Parameter row: of `query`, without schema and table.
    init(_ row: [String?], _ flavour: ServerFlavour, checks: [CheckConstraint]) {
        let name = row[0] ?? ""
        let dataType = (row[3] ?? "").lowercased()
        let declaration = row[4] ?? ""
        let extra = (row[11] ?? "").uppercased()
        isUnsigned = declaration.lowercased().contains(" unsigned")
        characterSet = row[9]
        var type = ColumnType(
            declaration: declaration, castName: dataType, id: 0, modifier: -1,
            kind: CatalogTypes.kind(
                dataType, declaration: declaration, isUnsigned: isUnsigned,
                isJSON: Self.isJSON(name, checks)))
        type.id = CatalogTypes.id(
            dataType, declaration: declaration, isUnsigned: isUnsigned, flavour)
        type.size = Self.size(row, dataType, declaration)
        if type.kind == .fixedText { type.modifier = Int32(type.size.length ?? -1) }
        var column = Column(
            name: name, type: type, isNullable: row[2] == "YES",
            defaultExpression: Self.defaultExpression(
                row[1], type.kind, flavour, isExpression: extra.contains("DEFAULT_GENERATED")),
            generated: Self.isGenerated(extra) ? row[12] : nil,
            identity: extra.contains("AUTO_INCREMENT") ? .byDefault : nil, collation: row[10])
        column.isFolding = Self.isFolding(row[10], type.kind)
        column.isAmbiguous = row[9].map(Converters.isAmbiguous) ?? false
        self.column = column
    }

    /// Every collation but the binary ones folds letters, accents or spellings. Of those, most take
    /// 'a' and 'a ' for equal; CHAR has no blanks at its end to tell them apart (B48).
    private static func isFolding(_ collation: String?, _ kind: ValueKind) -> Bool {
        guard let collation else { return false }
        switch kind {
        case .fixedText: return !collation.hasSuffix("_bin")
        default: return !collation.hasSuffix("_0900_bin") && !collation.hasSuffix("_nopad_bin")
        }
    }

    private static func isGenerated(_ extra: String) -> Bool {
        ["VIRTUAL GENERATED", "STORED GENERATED", "PERSISTENT"].contains { extra.contains($0) }
    }

    /// MariaDB's JSON is a text with a check (B56).
    private static func isJSON(_ name: String, _ checks: [CheckConstraint]) -> Bool {
        checks.contains { $0.definition == "CHECK (json_valid(\(SQLText.name(name))))" }
    }

    private static func size(_ row: [String?], _ dataType: String, _ declaration: String)
        -> TypeSize
    {
        var size = TypeSize()
        switch dataType {
        case "decimal", "bit":
            size.precision = row[6].flatMap { Int($0) }
            size.scale = row[7].flatMap { Int($0) }
            if dataType == "bit" { size = Self.bits(size) }
        case "datetime", "timestamp", "time": size.scale = row[8].flatMap { Int($0) }
        case "enum", "set": size.labels = Self.labels(declaration)
        default: size.length = row[5].flatMap { Int($0) }
        }
        return size
    }

    /// In `enum('a','b''c')`.
    private static func labels(_ declaration: String) -> [String] {
        let list = DefinitionPiece.split(declaration).compactMap(\.group).first ?? ""
        return DefinitionPiece.split(list).compactMap(\.string)
    }

    private static func bits(_ size: TypeSize) -> TypeSize {
        var bits = TypeSize()
        bits.length = size.precision
        return bits
    }

    /// MariaDB gives an expression. MySQL gives a literal's text without quotes, or an expression
    /// and says so.
    private static func defaultExpression(
        _ text: String?, _ kind: ValueKind, _ flavour: ServerFlavour, isExpression: Bool
    ) -> String? {
        guard let text, flavour == .mysql || text != "NULL" else { return nil }
        if flavour == .mariadb || text.hasPrefix("b'") { return text }
        if isExpression { return text.hasPrefix("CURRENT_TIMESTAMP") ? text : "(\(text))" }
        switch kind {
        case .int16, .int32, .int64, .unsigned64, .numeric, .float32, .float64, .year: return text
        default: return SQLText.literal(text)
        }
    }
}
