internal import ReplicationModel

/// Types by their name in `information_schema`.
enum CatalogTypes {
    /// What the values are. TINYINT(1) is a number: that it means a boolean is a guess (A38).
    static func kind(_ dataType: String, declaration: String, isUnsigned: Bool, isJSON: Bool)
        -> ValueKind
    {
        switch dataType {
        case "tinyint": .int16
        case "smallint": isUnsigned ? .int32 : .int16
        case "mediumint": .int32
        case "int": isUnsigned ? .int64 : .int32
        case "bigint": isUnsigned ? .unsigned64 : .int64
        case "decimal": .numeric
        case "float": .float32
        case "double": .float64
        case "bit": .bits
        case "year": .year
        case "date": .date
        case "time": .duration
        case "datetime": .timestamp
        case "timestamp": .timestampWithZone
        case "char": .fixedText
        case "varchar", "tinytext", "text", "mediumtext": .text
        case "longtext": isJSON ? .json : .text
        case "json": .json
        case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob": .bytes
        case "enum": .enumeration
        case "set": .labelSet
        case "uuid": .uuid
        case "inet4", "inet6": .network
        case "vector": .vector
        case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring",
            "multipolygon", "geometrycollection", "geomcollection":
            .geometry
        default: .other
        }
    }

    /// The type's number in the log, and 0x100 if it is unsigned: what a change of the type is
    /// seen by. Source: `enum_field_types`, binlog type codes.
    static func id(
        _ dataType: String, declaration: String, isUnsigned: Bool, _ flavour: ServerFlavour
    ) -> UInt32 {
        let number = numbers[dataType] ?? 0
        // MariaDB's vectors (B58) and COMPRESSED columns (B59).
        switch (number, declaration.contains("COMPRESSED")) {
        case (242, _) where flavour == .mariadb: return 15
        case (15, true): return 141
        case (252, true): return 140
        default: break
        }
        // The log tells signs of integers only.
        return integers.contains(dataType) && isUnsigned ? number | ColumnTypeID.unsigned : number
    }

    private static let integers = ["tinyint", "smallint", "mediumint", "int", "bigint"]

    private static let numbers: [String: UInt32] = [
        "tinyint": 1, "smallint": 2, "int": 3, "float": 4, "double": 5, "timestamp": 17,
        "bigint": 8, "mediumint": 9, "date": 10, "time": 19, "datetime": 18, "year": 13,
        "varchar": 15, "varbinary": 15, "bit": 16, "vector": 242, "json": 245, "decimal": 246,
        "enum": 247, "set": 248, "tinytext": 252, "text": 252, "mediumtext": 252, "longtext": 252,
        "tinyblob": 252, "blob": 252, "mediumblob": 252, "longblob": 252, "char": 254,
        "binary": 254, "uuid": 254, "inet4": 254, "inet6": 254, "geometry": 255, "point": 255,
        "linestring": 255, "polygon": 255, "multipoint": 255, "multilinestring": 255,
        "multipolygon": 255, "geometrycollection": 255, "geomcollection": 255,
    ]
}
