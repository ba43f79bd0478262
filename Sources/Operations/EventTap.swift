package import Configuration
import Foundation
package import Logging
package import ReplicationEngine
import ReplicationModel
import Synchronization

/// `events`: reads a source's log and writes its transactions as JSON lines. No target.
///
/// Without a slot given, slot and publication are made at the start and dropped at the end, however
/// it ends short of a kill. With one, the slot is kept and what was written is confirmed, so that
/// the next call goes on behind it; a line may come twice after a crash, none is left out.
package final class EventTap: Sendable {
    package struct Options: Sendable {
        package var tables = TableSelection()
        package var slot: String?
        package var publication: String?
        /// Ends after this many transactions.
        package var limit: Int?

        package init() {}
    }

    private let source: any ReplicationSource
    private let options: Options
    private let logger: Logger
    private let isStopping = Atomic(false)

    package init(_ source: any ReplicationSource, options: Options, logger: Logger) {
        self.source = source
        self.options = options
        self.logger = logger
    }

    /// Ends `run` after the line that is being written. Safe from any thread.
    package func stop() { isStopping.store(true, ordering: .releasing) }

    /// Blocks until `stop`, the limit, or `write` returning false (nobody reads any more).
    package func run(write: (String) throws -> Bool) throws {
        let names = try options.tables.select(from: source.listTables())
        let tables = try source.describe(names)
        let capture = self.capture()
        let start = try begin(capture, names)
        do {
            try follow(capture, tables, start, write)
        } catch {
            end(capture)
            throw error
        }
        end(capture)
    }

    private func capture() -> CaptureNames {
        let random = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let name = options.slot ?? "martlet_events_\(random)"
        return CaptureNames(
            slot: name, publication: options.publication ?? name,
            publicationIsGiven: options.publication != nil)
    }

    private func begin(_ capture: CaptureNames, _ names: [TableName]) throws -> LogPlace {
        if options.slot != nil, let slot = try source.slotState(capture) {
            return LogPlace(position: slot.confirmed)
        }
        let start = try source.createCapture(capture, tables: names)
        if source.keepsCapture {
            logger.info("slot created", metadata: ["slot": "\(capture.slot)"])
        }
        return start.place
    }

    private func follow(
        _ capture: CaptureNames, _ tables: [TableSchema], _ start: LogPlace,
        _ write: (String) throws -> Bool
    ) throws {
        let source = self.source
        var encoder = EventEncoder(
            source: try source.identity().database,
            directory: EventDirectory(tables) { name in
                // A table that is gone has no description; its last changes are shown as text.
                try? source.describe([name]).first
            })
        let routes = tables.map {
            TableRoute(source: $0, target: $0.name, columns: $0.columns, key: [])
        }
        let log = try source.openLog(capture, routes: routes, from: start)
        defer { log.close() }
        var left = options.limit ?? Int.max
        do {
            while left > 0, !isStopping.load(ordering: .acquiring) {
                guard let batch = try log.next(timeout: 0.2) else { continue }
                let end = try encoder.encode(batch, limit: &left) { line in
                    guard try write(line) else { throw ReaderGone() }
                }
                if let end { log.confirm(end) }
            }
        } catch is ReaderGone {
            return
        }
    }

    /// Nobody reads the lines any more; not a failure.
    private struct ReaderGone: Error {}

    /// What is left behind keeps the source's log: it is said with the statement that removes it.
    private func end(_ capture: CaptureNames) {
        guard options.slot == nil else { return }
        do {
            try source.dropSlot(capture)
            try source.dropPublication(capture)
        } catch {
            logger.error(
                "the slot could not be dropped and keeps the source's log",
                metadata: [
                    "slot": "\(capture.slot)",
                    "why": "\(ReplicationError(wrapping: error, "drop the slot").why)",
                    "try": "SELECT pg_drop_replication_slot('\(capture.slot)')",
                ])
        }
    }
}
