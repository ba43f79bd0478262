import Configuration
import Foundation
import ReplicationModel
import Testing

/// Reads `yaml` as a pipeline file `shop.yaml` in a directory of its own.
func configuration(
    _ yaml: String, environment: [String: String] = [:], options: [PipelineInput.Option] = []
) throws -> PipelineConfiguration {
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let file = directory.appending(path: "shop.yaml")
    try Data(yaml.utf8).write(to: file)
    return try PipelineInput(file: file.path, options: options, environment: environment)
        .configuration()
}

func failure(_ yaml: String, environment: [String: String] = [:]) throws -> ReplicationError {
    let error = #expect(throws: ReplicationError.self) {
        try configuration(yaml, environment: environment)
    }
    return try #require(error)
}

let ends = "source: postgres://u@db1/shop\ntarget: sqlite:shop.db\n"

@Suite("Pipeline file")
struct PipelineFileTests {
    @Test("Every key of the contract is read")
    func everyKey() throws {
        let result = try configuration(
            """
            name: shop
            source: postgres://replicator@db1/shop
            target: postgres://martlet@db2/shop
            tables:
              include: ["public.*"]
              exclude: ["public.audit_*"]
            map:
              schemas: {public: shop}
            lookups: []
            transforms: []
            ddl: {default: apply, drop_table: hold, drop_column: hold}
            source_primary: postgres://p@db0/shop
            publication: pub
            slot: shop_slot
            existing: truncate
            on_conflict: error
            on_hold: wait
            lease: 20s
            lossy: {zero_date: "null", nul_byte: strip}
            snapshot: {workers: 3, chunk_rows: 1000}
            apply: {workers: 4}
            memory_limit: 512MB
            spool: {directory: /tmp/spool, max: 1GB}
            """)
        #expect(result.name == "shop")
        #expect(result.source.address == "postgres://replicator@db1/shop")
        #expect(result.target.engine == .postgres)
        #expect(result.sourcePrimary?.database == "shop")
        #expect(result.tables.include.map(\.description) == ["public.*"])
        #expect(result.tables.exclude.map(\.description) == ["public.audit_*"])
        #expect(result.schemaMap == ["public": "shop"])
        #expect(result.publication == "pub")
        #expect(result.slot == "shop_slot")
        #expect(result.existing == .truncate)
        #expect(result.lease.seconds == 20)
        #expect(result.lossy.zeroDate == .null && result.lossy.nulByte == .strip)
        #expect(result.snapshotWorkers == 3)
        #expect(result.chunkRows == 1000)
        #expect(result.applyWorkers == 4)
        #expect(result.memoryLimit.bytes == 512 << 20)
        #expect(result.spoolDirectory == "/tmp/spool")
        #expect(result.spoolMax.bytes == 1 << 30)
        #expect(result.notices.count == 2)
    }

    @Test("Defaults are those of the contract")
    func defaults() throws {
        let result = try configuration(ends)
        #expect(result.name == "shop")
        #expect(result.ownObjectName == "martlet_shop")
        #expect(result.existing == .refuse)
        #expect(result.lease == TimeSpan(seconds: 10))
        #expect(result.snapshotWorkers == 2)
        #expect(result.chunkRows == 50_000)
        #expect(result.applyWorkers == 2)
        #expect(result.memoryLimit == ByteSize(bytes: 256 << 20))
        #expect(result.spoolDirectory == "./spool")
        #expect(result.spoolMax == ByteSize(bytes: 10 << 30))
        #expect(result.notices.isEmpty)
    }

    @Test("An unknown key is refused with line, key and suggestion")
    func unknownKey() throws {
        let error = try failure(ends + "snapshot:\n  chunk_row: 5\n")
        #expect(error.kind == .configuration)
        #expect(error.exitCode == 2)
        #expect(error.place?.hasSuffix("shop.yaml:4, key snapshot.chunk_row") == true)
        #expect(error.remedy == "did you mean 'chunk_rows'?")
        let top = try failure("soruce: x\n" + ends)
        #expect(top.place?.hasSuffix("shop.yaml:1, key soruce") == true)
        #expect(top.remedy == "did you mean 'source'?")
        let moved = try failure(ends + "chunk_rows: 5\n")
        #expect(moved.remedy == "did you mean 'snapshot.chunk_rows'?")
        let far = try failure(ends + "banana: 5\n")
        #expect(far.remedy?.hasPrefix("keys allowed here: name, source,") == true)
    }

    @Test(
        "A wrong value is refused with its line and key",
        arguments: [
            ("apply:\n  workers: 0", "4, key apply.workers", "'0' is not a whole number from 1"),
            ("apply:\n  workers: many", "4, key apply.workers", "'many' is not a whole number"),
            ("memory_limit: 1", "3, key memory_limit", "1B is less than 32MB"),
            ("memory_limit: much", "3, key memory_limit", "'much' is not a size"),
            ("lease: 10", "3, key lease", "'10' is not a time with a unit"),
            ("lease: 1s", "3, key lease", "1s is not between 2s and 3600s"),
            ("existing: trunkate", "3, key existing", "'trunkate' is not a value"),
            ("tables:\n  include: [public.a, orders]", "4, key tables.include", "no schema"),
            ("tables: all", "3, key tables", "must be a map"),
            ("tables:\n  include: []", "4, key tables.include", "the list is empty"),
            ("map: {schemas: [a]}", "3, key map.schemas", "must be a map, not a list"),
            ("slot: My-Slot", "3, key slot", "lower-case"),
            ("name: a b", "3, key name", "1 to 50 letters"),
            ("source_primary: sqlite:x", "3, key source_primary", "postgres://"),
            ("source_primary: postgres://a:b@c/d", "3, key source_primary", "another one"),
            ("lossy: {nul_byte: keep}", "3, key lossy.nul_byte", "'keep' is not a value"),
            ("spool: {max: 10GB, directory: [a]}", "3, key spool.directory", "not a list"),
        ])
    func wrongValue(line: String, place: String, why: String) throws {
        let error = try failure(ends + line + "\n")
        #expect(error.place?.hasSuffix("shop.yaml:" + place) == true, "\(error)")
        #expect(error.why.contains(why), "\(error)")
        #expect(error.exitCode == 2)
    }

    @Test(
        "What a later version carries is refused by name, not ignored",
        arguments: [
            ("lookups: [{name: c, table: public.c, key: code}]", "lookups"),
            ("lookups: [{name: c, query: SELECT 1, key: code}]", "lookups"),
            ("lookups: [{name: c, csv: c.csv, key: code, refresh: restate}]", "lookups"),
            ("http: 127.0.0.1:7070", "http"),
            ("on_conflict: upsert", "on_conflict"), ("on_hold: detach", "on_hold"),
            ("ddl: {default: ignore}", "ddl.default"),
        ])
    func notYet(line: String, key: String) throws {
        let error = try failure(ends + line + "\n")
        #expect(error.why.contains("not supported yet by this version"), "\(error)")
        #expect(error.place?.contains("key \(key)") == true, "\(error)")
        #expect(error.place?.contains("shop.yaml:") == true, "\(error)")
    }

    @Test("A key without a value is refused, because it would mean everything")
    func missingValue() throws {
        let error = try failure(ends + "tables:\n  include:\n    # - public.a\n")
        #expect(error.why == "a value is missing")
        #expect(error.place?.hasSuffix("shop.yaml:4") == true, "\(error)")
    }

    @Test("A key that is there twice, and what is not YAML, name their line")
    func notYAML() throws {
        #expect(try failure("a: 1\na: 2\n").why.contains("the key a is there twice"))
        let broken = try failure(ends + "tables: [\"public.a\"\nname: x\n")
        #expect(broken.place?.contains("shop.yaml:") == true, "\(broken)")
        #expect(try failure("").why == "it is empty")
        #expect(try failure("- a\n- b\n").why == "it is not a map of keys")
    }

    @Test("Both ends are checked for what they can be")
    func bothEnds() throws {
        #expect(try failure("target: sqlite:a.db\n").why == "there is no source")
        #expect(try failure("source: postgres://a/b\n").why == "there is no target")
        let same = try failure("source: postgres://a/b\ntarget: postgres://a/b\n")
        #expect(same.why == "it is the same database as the source")
        let source = try failure("source: sqlite:a.db\ntarget: sqlite:b.db\n")
        #expect(source.why == "SQLite can be a target only")
    }

    @Test("A missing file is a configuration error")
    func missingFile() throws {
        let input = PipelineInput(file: "/nowhere/x.yaml", options: [], environment: [:])
        let error = #expect(throws: ReplicationError.self) { try input.configuration() }
        #expect(error?.why == "there is no such file")
        #expect(error?.exitCode == 2)
    }
}
