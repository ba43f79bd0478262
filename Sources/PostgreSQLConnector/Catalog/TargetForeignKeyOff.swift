internal import ReplicationModel

/// Foreign keys of a table that is there already, where the role may not switch them off: they
/// would refuse the rows of one table while those of the other are not in. They are taken off
/// before the rows and put back when the target is consistent; until then `martlet.foreign_key`
/// has them.
extension ExistingTable {
    func takeOff(_ key: ForeignKey) -> [String] {
        let values =
            [String(oid), key.name, PGArray.literal(key.columns), key.referenced.schema]
            + [key.referenced.name, PGArray.literal(key.referencedColumns), key.definition]
        return [
            "INSERT INTO martlet.foreign_key (table_id, name, columns, referenced_schema, "
                + "referenced_name, referenced_columns, definition) "
                + "VALUES (\(values.map(\.quotedLiteral).joined(separator: ", ")))",
            "ALTER TABLE \(name.quoted) DROP CONSTRAINT \(key.name.quotedIdentifier)",
        ]
    }

    /// `isChecked` false: rows that are there already are not looked at.
    func putBack(_ key: ForeignKey, isChecked: Bool) -> [String] {
        let isMarked = isChecked || key.definition.hasSuffix("NOT VALID")
        return [
            "ALTER TABLE \(name.quoted) ADD CONSTRAINT \(key.name.quotedIdentifier) "
                + key.definition + (isMarked ? "" : " NOT VALID"),
            "DELETE FROM martlet.foreign_key WHERE table_id = \(oid) "
                + "AND name = \(key.name.quotedLiteral)",
        ]
    }
}
