import ReplicationEngine
import ReplicationModel

@testable import SQLTransform

/// A table of PostgreSQL's: `id:int32!` is a key column, `name:text` another one.
func table(
    _ name: String = "customers", _ columns: String..., identity: ReplicaIdentity = .primaryKey,
    dialect: Dialect = .postgresql
) -> TableRoute {
    var key: [Int] = []
    let made = columns.enumerated().map { index, text -> Column in
        let parts = text.split(separator: ":")
        if text.hasSuffix("!") { key.append(index) }
        let kind = ValueKind(rawValue: parts[1].filter { $0 != "!" }) ?? .other
        let type = ColumnType(
            declaration: kind.rawValue, castName: "pg_catalog.\"\(kind)\"", id: 1000, modifier: -1,
            kind: kind)
        return Column(name: String(parts[0]), type: type, isNullable: !text.hasSuffix("!"))
    }
    let source = TableName(schema: "public", name: name)
    var schema = TableSchema(id: 7, name: source, columns: made, replicaIdentity: identity)
    schema.dialect = dialect
    return TableRoute(source: schema, target: source, columns: made, key: key)
}

let customers = table(
    "customers", "id:int32!", "name:text", "email:text", "country:text", "price:numeric",
    "tags:jsonBinary", "photo:bytes", "made:timestampWithZone", "active:boolean", "big:int64",
    identity: .full)

func compile(
    _ sql: String, _ route: TableRoute = customers, key: [String]? = nil,
    types: [String: String] = [:], nondeterministic: Set<String> = [],
    keys: TransformKeys = TransformKeys(["pii": Array("secret".utf8)]), lookups: Lookups? = nil,
    mode: TableMode? = nil
) throws -> Transform {
    var definition = TransformDefinition(
        table: route.source.name, target: TableName(schema: "public", name: "target"), sql: sql)
    definition.key = key
    definition.types = types.compactMapValues(OutputType.init(parsing:))
    definition.nondeterministic = nondeterministic
    definition.mode = mode
    definition.place = "shop.yaml:9"
    return try TransformCompiler.compile(definition, route, keys: keys, lookups: lookups)
}

/// What compiling refuses.
func refusal(
    _ sql: String, _ route: TableRoute = customers, key: [String]? = nil,
    types: [String: String] = [:], lookups: Lookups? = nil
) -> ReplicationError? {
    do {
        _ = try compile(sql, route, key: key, types: types, lookups: lookups)
        return nil
    } catch { return error as? ReplicationError }
}

/// Evaluates one expression over a row of texts; nil is NULL.
func evaluate(
    _ expression: String, _ row: [String: String] = [:], type: String = "text",
    keys: TransformKeys = TransformKeys(["pii": Array("secret".utf8)]), seconds: Double = 10
) throws -> String? {
    let transform = try compile(
        "SELECT id, \(expression) AS x FROM customers", types: ["x": type], keys: keys)
    let evaluator = try RowEvaluator(transform, keys: keys, sourceName: "shop")
    evaluator.context.time.limitSeconds = seconds
    var bytes: [UInt8] = []
    let fields = transform.source.columns.map { Array((row[$0.name] ?? "").utf8) }
    let isPresent = transform.source.columns.map { row[$0.name] != nil }
    let all = fields.flatMap { $0 }
    return try all.withUnsafeBytes { memory -> String? in
        var starts = [0]
        for field in fields { starts.append(starts[starts.count - 1] + field.count) }
        do throws(RowRefusal) {
            _ = try evaluator.begin { column in
                isPresent[column]
                    ? RowField(
                        start: memory.baseAddress.map { $0 + starts[column] },
                        length: fields[column].count)
                    : .null
            }
        } catch { throw error.why }
        defer { evaluator.abandon() }
        guard try evaluator.append(1, to: &bytes) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Loads lookups out of texts, in blocks of a few bytes.
func lookups(
    _ files: (name: String, key: [String], csv: String)..., types: [String: OutputType] = [:],
    storage: LookupStorage = .memory(1 << 20)
) throws -> Lookups { try lookups(files, types: types, storage: storage) }

func lookups(
    _ files: [(name: String, key: [String], csv: String)], types: [String: OutputType] = [:],
    storage: LookupStorage = .memory(1 << 20)
) throws -> Lookups {
    try Lookups(
        storage,
        files.map { file in
            var definition = LookupDefinition(
                name: file.name, key: file.key, file: "\(file.name).csv")
            definition.types = types
            definition.place = "shop.yaml:4"
            let bytes = Array(file.csv.utf8)
            return (
                definition,
                { take in
                    for start in stride(from: 0, to: bytes.count, by: 3) {
                        try Array(bytes[start..<min(start + 3, bytes.count)])
                            .withUnsafeBytes(take)
                    }
                }
            )
        })
}

/// Transforms rows of COPY text, as a load does; NULL is `\N`.
func load(_ transform: Transform, _ rows: [String]) throws -> [String] {
    let keys = TransformKeys(["pii": Array("secret".utf8)])
    var copy = RowCopyTransform(try RowEvaluator(transform, keys: keys, sourceName: "shop"))
    defer { copy.close() }
    var made: [UInt8] = []
    try Array(rows.map { $0 + "\n" }.joined().utf8).withUnsafeBytes { block in
        try copy.take(block) { made += $0 }
    }
    return String(decoding: made, as: UTF8.self).split(separator: "\n").map(String.init)
}
