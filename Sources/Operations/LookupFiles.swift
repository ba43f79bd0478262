package import Configuration
import Foundation
import ReplicationModel
package import SQLTransform

/// From the pipeline file's lookups to rows at hand.
package enum LookupFiles {
    /// Reads every file whole; nil if there are none.
    ///
    /// - Throws: `.configuration` with file and line.
    package static func load(_ configuration: PipelineConfiguration) throws -> Lookups? {
        guard !configuration.lookups.isEmpty else { return nil }
        let files = try configuration.lookups.map { rule in
            (definition: try definition(rule), file: try open(rule))
        }
        defer { for (_, file) in files { try? file.close() } }
        var bytes: UInt64 = 0
        for (_, file) in files {
            bytes += try file.seekToEnd()
            try file.seek(toOffset: 0)
        }
        return try Lookups(
            storage(configuration, bytes: Int64(bytes)),
            files.map { entry in (entry.definition, { try read(entry.file, $0) }) })
    }

    /// A quarter of the memory is theirs. Rows of few bytes take three times what they take in the
    /// file: pages are not full, and each row and value has a head.
    private static func storage(
        _ configuration: PipelineConfiguration, bytes: Int64
    ) -> LookupStorage {
        let share = configuration.memoryLimit.bytes / 4
        return bytes <= share / 3
            ? .memory(Int(share))
            : .file(directory: configuration.spoolPath, Int(configuration.spoolMax.bytes))
    }

    private static func read(
        _ file: FileHandle, _ take: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        while let block = try file.read(upToCount: 1 << 20), !block.isEmpty {
            try block.withUnsafeBytes(take)
        }
    }

    private static func open(_ rule: LookupRule) throws -> FileHandle {
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: rule.csv, isDirectory: &isDirectory)
        guard exists, !isDirectory.boolValue, let file = FileHandle(forReadingAtPath: rule.csv)
        else {
            throw failure(
                rule, exists ? "the file \(rule.csv) cannot be read" : "there is no \(rule.csv)",
                try: "a path is looked for where the pipeline file is")
        }
        return file
    }

    private static func definition(_ rule: LookupRule) throws -> LookupDefinition {
        var result = LookupDefinition(name: rule.name, key: rule.key, file: rule.csv)
        result.place = rule.place
        result.types = try Transforming.types(rule.types, refused: [.bytes]) { text, remedy in
            failure(rule, "'\(text)' is no type of a lookup's column", try: remedy)
        }
        return result
    }

    private static func failure(
        _ rule: LookupRule, _ why: String, try remedy: String? = nil
    ) -> ReplicationError {
        ReplicationError(
            .configuration, "load the lookup \(rule.name)", place: rule.place, why: why,
            try: remedy)
    }
}
