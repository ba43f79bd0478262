import ArgumentParser
import Configuration
import Foundation

/// Which pipeline: a file, or both ends on the command line; and keys that override it.
struct PipelineArguments: ParsableArguments {
    @Argument(help: "Pipeline file (YAML).")
    var pipeline: String?

    @Option(help: ArgumentHelp("Source, instead of a file.", valueName: "url"))
    var from: String?

    @Option(help: ArgumentHelp("Target (default: sqlite:./NAME.db).", valueName: "url"))
    var to: String?

    @Option(
        help: ArgumentHelp("Table to replicate: schema.name with * and ?.", valueName: "pattern"))
    var table: [String] = []

    @Option(help: ArgumentHelp("Table to leave out.", valueName: "pattern"))
    var exclude: [String] = []

    @Option(help: "Name of the pipeline (default: the source's database).")
    var name: String?

    @OptionGroup(title: "Keys of the pipeline file")
    var keys: KeyOptions

    func validate() throws {
        guard pipeline != nil else { return }
        let short: [(String, Bool)] = [
            ("--from", from != nil), ("--to", to != nil), ("--table", !table.isEmpty),
            ("--exclude", !exclude.isEmpty), ("--name", name != nil),
        ]
        if let given = short.first(where: \.1) {
            throw ValidationError("\(given.0) stands for a pipeline file; give one of the two")
        }
    }

    func configuration() throws -> (PipelineConfiguration, PipelineInput) {
        let short: [PipelineInput.Option] = [
            .init(path: "source", option: "--from", values: from.map { [$0] } ?? []),
            .init(path: "target", option: "--to", values: to.map { [$0] } ?? []),
            .init(path: "tables.include", option: "--table", values: table),
            .init(path: "tables.exclude", option: "--exclude", values: exclude),
            .init(path: "name", option: "--name", values: name.map { [$0] } ?? []),
        ]
        let input = PipelineInput(
            file: pipeline, options: short + keys.options,
            environment: ProcessInfo.processInfo.environment)
        return (try input.configuration(), input)
    }
}

/// One option per key that a single value can say; they win over environment and file.
struct KeyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The primary of a standby source.", valueName: "url"))
    var sourcePrimary: String?

    @Option(help: "Publication made by somebody else.")
    var publication: String?

    @Option(help: "Name of the replication slot.")
    var slot: String?

    @Option(
        help: ArgumentHelp("Target tables with rows: refuse, truncate, merge.", valueName: "policy")
    )
    var existing: String?

    @Option(help: ArgumentHelp("Unexpected row at the target: error.", valueName: "policy"))
    var onConflict: String?

    @Option(help: ArgumentHelp("A table that cannot go on: wait.", valueName: "policy"))
    var onHold: String?

    @Option(help: ArgumentHelp("How long a silent process keeps the pipeline.", valueName: "time"))
    var lease: String?

    @Option(help: ArgumentHelp("Connections that copy.", valueName: "count"))
    var snapshotWorkers: String?

    @Option(help: ArgumentHelp("Rows per chunk.", valueName: "count"))
    var snapshotChunkRows: String?

    @Option(help: ArgumentHelp("Connections that apply.", valueName: "count"))
    var applyWorkers: String?

    @Option(help: ArgumentHelp("Memory of the process.", valueName: "size"))
    var memoryLimit: String?

    @Option(help: ArgumentHelp("Where large transactions wait.", valueName: "path"))
    var spoolDirectory: String?

    @Option(help: ArgumentHelp("Disk space of the spool.", valueName: "size"))
    var spoolMax: String?

    @Option(help: ArgumentHelp("Schema changes: apply, hold, stop.", valueName: "policy"))
    var ddlDefault: String?

    @Option(help: ArgumentHelp("DROP TABLE: apply, hold, stop.", valueName: "policy"))
    var ddlDropTable: String?

    @Option(help: ArgumentHelp("DROP COLUMN: apply, hold, stop.", valueName: "policy"))
    var ddlDropColumn: String?

    @Option(help: ArgumentHelp("Changes that the log does not explain: stop.", valueName: "policy"))
    var ddlUnseen: String?

    @Option(help: ArgumentHelp("Dates that are no days: null, epoch.", valueName: "policy"))
    var lossyZeroDate: String?

    @Option(help: ArgumentHelp("NUL bytes in texts: strip.", valueName: "policy"))
    var lossyNulByte: String?

    /// In the schema's words.
    var options: [PipelineInput.Option] {
        let values: [(String, String?)] = [
            ("source_primary", sourcePrimary), ("publication", publication), ("slot", slot),
            ("existing", existing), ("on_conflict", onConflict), ("on_hold", onHold),
            ("lease", lease), ("snapshot.workers", snapshotWorkers),
            ("snapshot.chunk_rows", snapshotChunkRows), ("apply.workers", applyWorkers),
            ("memory_limit", memoryLimit), ("spool.directory", spoolDirectory),
            ("spool.max", spoolMax), ("ddl.default", ddlDefault),
            ("ddl.drop_table", ddlDropTable), ("ddl.drop_column", ddlDropColumn),
            ("ddl.unseen", ddlUnseen), ("lossy.zero_date", lossyZeroDate),
            ("lossy.nul_byte", lossyNulByte),
        ]
        return values.compactMap { path, value in
            guard let value, let option = ConfigurationKey.named(path)?.option else { return nil }
            return PipelineInput.Option(path: path, option: option, values: [value])
        }
    }
}
