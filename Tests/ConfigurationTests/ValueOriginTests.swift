import Configuration
import Foundation
import ReplicationModel
import Testing

@Suite("Where values come from")
struct ValueOriginTests {
    @Test("The environment overrides the file, options override the environment")
    func precedence() throws {
        let yaml = ends + "apply: {workers: 1}\nsnapshot: {workers: 1}\n"
        let environment = ["MARTLET_APPLY_WORKERS": "4", "MARTLET_SNAPSHOT_WORKERS": "5"]
        let option = PipelineInput.Option(
            path: "snapshot.workers", option: "--snapshot-workers", values: ["6"])
        let result = try configuration(yaml, environment: environment, options: [option])
        #expect(result.applyWorkers == 4)
        #expect(result.snapshotWorkers == 6)
    }

    @Test("A wrong override names the variable")
    func wrongOverride() throws {
        let error = try failure(ends, environment: ["MARTLET_LEASE": "soon"])
        #expect(error.place == "environment variable MARTLET_LEASE, key lease")
    }

    @Test("Lists and maps can be overridden too")
    func structuredOverrides() throws {
        let result = try configuration(
            ends,
            environment: [
                "MARTLET_TABLES_INCLUDE": "public.a, public.b",
                "MARTLET_TABLES_EXCLUDE": "[public.c]", "MARTLET_MAP_SCHEMAS": "public: shop",
            ])
        #expect(result.tables.include.map(\.description) == ["public.a", "public.b"])
        #expect(result.tables.exclude.map(\.description) == ["public.c"])
        #expect(result.schemaMap == ["public": "shop"])
        let error = try failure(ends, environment: ["MARTLET_LOOKUPS": "[{name: c}]"])
        #expect(error.why.contains("a lookup has"))
    }

    @Test("Every key has a variable of its own")
    func variables() {
        let names = ConfigurationKey.all.map(\.variable)
        #expect(Set(names).count == names.count)
        #expect(ConfigurationKey.named("apply.workers")?.variable == "MARTLET_APPLY_WORKERS")
    }

    @Test("A variable that is nearly a key's is told")
    func strayVariable() {
        let input = PipelineInput(
            file: nil, options: [],
            environment: [
                "MARTLET_APPLY_WORKER": "4", "MARTLET_LAB": "/x", "MARTLET_SOURCE_PASSWORD": "p",
                "MARTLET_APPLY_WORKERS": "2",
            ])
        #expect(input.strayVariables.map(\.name) == ["MARTLET_APPLY_WORKER"])
        #expect(input.strayVariables.first?.meant == "MARTLET_APPLY_WORKERS")
    }

    @Test("Variables and files are put in; missing ones are errors")
    func substitution() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data("geheim\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let yaml = """
            source: postgres://${USER}:${file:\(file.path)}@db1/shop
            target: sqlite:$${x}.db
            """
        let result = try configuration(yaml, environment: ["USER": "anna"])
        #expect(result.source.address == "postgres://anna@db1/shop")
        #expect(result.source.password?.text == "geheim")
        #expect(result.target.address == "${x}.db")
        let missing = try failure(yaml)
        #expect(missing.why == "the environment variable USER is not set")
        #expect(missing.place?.hasSuffix("shop.yaml:1") == true)
        let noFile = try failure("source: postgres://a:${file:/nowhere}@b/c\ntarget: sqlite:x\n")
        #expect(noFile.why == "the file /nowhere cannot be read")
        #expect(try failure("source: ${A\ntarget: sqlite:x\n").why.contains("not closed"))
    }

    @Test("Without a file the target and the name come from the source's database")
    func simpleCase() throws {
        func read(_ options: [(String, String, [String])]) throws -> PipelineConfiguration {
            try PipelineInput(
                file: nil,
                options: options.map { .init(path: $0.0, option: $0.1, values: $0.2) },
                environment: [:]
            ).configuration()
        }
        let result = try read([
            ("source", "--from", ["postgres://u@h/My-Shop"]),
            ("tables.include", "--table", ["public.a", "public.b"]),
        ])
        #expect(result.name == "my_shop")
        #expect(result.target.address == "./my_shop.db")
        #expect(result.tables.include.count == 2)
        let named = try read([
            ("source", "--from", ["postgres://u@h"]), ("name", "--name", ["x-1"]),
        ])
        #expect(named.target.address == "./x-1.db")
        #expect(named.ownObjectName == "martlet_x_1")
        let error = #expect(throws: ReplicationError.self) {
            try read([("source", "--from", ["postgres://u@h"])])
        }
        #expect(error?.why.contains("names no database") == true)
    }
}
