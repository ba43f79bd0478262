package import ReplicationModel

/// A pipeline as it was asked for, checked: what `run`, `check` and the others work from.
package struct PipelineConfiguration: Sendable, Equatable {
    /// `existing`: target tables that hold rows and are not known to the pipeline.
    package enum Existing: String, Sendable { case refuse, truncate, merge }

    package var name: String
    package var source: ConnectionURL
    package var target: ConnectionURL
    package var sourcePrimary: ConnectionURL?
    package var tables = TableSelection()
    /// Source schema to target schema.
    package var schemaMap: [String: String] = [:]
    /// Made by somebody else; nil when Martlet makes its own.
    package var publication: String?
    package var slot: String?
    package var existing = Existing.refuse
    /// `ddl.unseen: mark`.
    package var marksUnseen = false
    package var lease = TimeSpan(seconds: 10)
    package var snapshotWorkers = 2
    package var chunkRows = 50_000
    package var applyWorkers = 2
    package var memoryLimit = ByteSize(bytes: 256 << 20)
    package var spoolDirectory = "./spool"
    package var spoolMax = ByteSize(bytes: 10 << 30)
    /// What is done to values that the target cannot hold.
    package var lossy = LossyConversions()
    package var transforms: [TransformRule] = []
    package var lookups: [LookupRule] = []
    /// Secrets of transforms, by name.
    package var keys: [String: Secret] = [:]
    /// What the reader should be told although nothing is wrong.
    package var notices: [String] = []

    package init(name: String, source: ConnectionURL, target: ConnectionURL) {
        self.name = name
        self.source = source
        self.target = target
    }

    /// `martlet_NAME`, in the letters that a slot may have.
    package var ownObjectName: String { Self.objectName("martlet_", name) }

    package static func objectName(_ prefix: String, _ name: String) -> String {
        let letters = name.lowercased().map { isSlotLetter($0) ? $0 : "_" }
        return String((prefix + String(letters)).prefix(63))
    }

    static func isSlotLetter(_ letter: Character) -> Bool {
        ("a"..."z").contains(letter) || ("0"..."9").contains(letter) || letter == "_"
    }
}
