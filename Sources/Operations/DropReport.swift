package import Configuration
import Foundation
package import ReplicationEngine
import ReplicationModel

/// What belongs to a pipeline and goes with it: slot, publication, state. The user's tables stay.
package struct DropReport: Report {
    package struct Item: Sendable, Equatable {
        package enum Kind: String, Sendable { case slot, publication, state }

        package var kind: Kind
        package var name: String
        package var detail: String
        /// Made by somebody else: named, and left alone.
        package var isLeft = false
    }

    package let pipeline: String
    package let items: [Item]
    let capture: CaptureNames
    /// What stood at the target, for `run --fresh`.
    package let stored: StoredPipeline?
    package private(set) var isDone = false

    /// Looks; changes nothing.
    package init(
        _ configuration: PipelineConfiguration, source: any ReplicationSource,
        target: any ReplicationTarget
    ) throws {
        pipeline = configuration.name
        stored = try target.load(pipeline: configuration.name)
        capture = stored?.setup.capture ?? configuration.capture
        var items: [Item] = []
        if let slot = try source.slotState(capture) {
            items.append(Item(kind: .slot, name: capture.slot, detail: Self.describe(slot)))
        }
        if source.keepsCapture {
            let detail = capture.publicationIsGiven ? "made by somebody else" : "if it is there"
            items.append(
                Item(
                    kind: .publication, name: capture.publication, detail: detail,
                    isLeft: capture.publicationIsGiven))
        }
        if let stored {
            items.append(
                Item(
                    kind: .state, name: configuration.name,
                    detail: "\(stored.tables.count) tables, epoch \(stored.epoch), at the target"))
        }
        self.items = items
    }

    private static func describe(_ slot: SlotState) -> String {
        "confirmed \(slot.confirmed), " + (slot.isActive ? "in use" : "not in use")
    }

    /// Removes what was listed. The state goes last: it holds the names, so that a drop that was
    /// interrupted can be run again.
    ///
    /// - Parameter isFresh: the pipeline begins again. A publication that another role installed is
    ///   then as good as a new one: the preflight has just looked at it.
    /// - Throws: `.fenced` while another process runs the pipeline.
    package mutating func drop(
        source: any ReplicationSource, target: any ReplicationTarget, isFresh: Bool = false
    ) throws {
        if let stored, stored.leaseIsValid, let holder = stored.holder, !holder.isDeadHere {
            throw ReplicationError(
                .fenced, "drop pipeline \(pipeline)",
                why: "process \(holder.pid) on \(holder.host) runs it",
                try: "stop it (kill -TERM \(holder.pid)), then drop again")
        }
        if items.contains(where: { $0.kind == .slot }) { try source.dropSlot(capture) }
        do { try source.dropPublication(capture) } catch let error as ReplicationError
            where isFresh && error.kind == .privilege
        {}
        if stored != nil { try target.drop(pipeline: pipeline) }
        isDone = true
    }

    /// Looks, asks, and removes.
    ///
    /// - Parameter confirm: handed the lines to show; throws if the answer is no.
    package static func drop(
        _ configuration: PipelineConfiguration, dryRun: Bool, confirm: ([String]) throws -> Void
    ) throws -> DropReport {
        let target = try Connectors.target(configuration)
        defer { target.close() }
        let source = try Connectors.source(configuration)
        var report = try DropReport(configuration, source: source, target: target)
        if dryRun { return report }
        try confirm(report.lines)
        try report.drop(source: source, target: target)
        return report
    }

    package var exitCode: Int32 { 0 }

    package var json: JSONValue {
        .object([
            ("schema", .integer(1)), ("pipeline", .string(pipeline)), ("dropped", .bool(isDone)),
            (
                "objects",
                .array(
                    items.map { item in
                        .object([
                            ("kind", .string(item.kind.rawValue)), ("name", .string(item.name)),
                            ("detail", .string(item.detail)), ("left", .bool(item.isLeft)),
                        ])
                    })
            ),
        ])
    }

    package var lines: [String] {
        let word = isDone ? "dropped" : "would drop"
        return items.map { item in
            "\(item.isLeft ? "left" : word) \(item.kind.rawValue) \(item.name) (\(item.detail))"
        } + ["the tables of pipeline \(pipeline) at the target stay"]
    }
}

extension Holder {
    /// A process of this machine that has gone without giving its lease back.
    var isDeadHere: Bool {
        host == ProcessInfo.processInfo.hostName && kill(pid, 0) == -1 && errno == ESRCH
    }
}
