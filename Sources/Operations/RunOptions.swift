package import Configuration
package import ReplicationEngine
package import ReplicationModel
import SQLTransform

/// What `run` was asked for beside the configuration.
package struct RunOptions: Sendable {
    package enum Snapshot: String, Sendable, CaseIterable { case initial, only, never }

    package enum Goal: Sendable, Equatable {
        case forever, caughtUp
        case position(LogPosition)
    }

    package var goal = Goal.forever
    package var snapshot = Snapshot.initial
    /// Follow from here: what is before is at the target already.
    package var startAt: LogStart?
    /// Forget everything and begin again.
    package var fresh = false
    package var drain = TimeSpan(seconds: 8)

    package init() {}

    /// `lsn:0/5F2` or `binlog:binlog.000042:1234`; what a position looks like also alone.
    ///
    /// - Throws: `.usage` for anything else.
    package static func position(parsing text: String, option: String) throws -> LogPosition {
        for (prefix, form) in [("lsn:", LogPosition.Form.lsn), ("binlog:", .binlog), ("", nil)] {
            guard text.hasPrefix(prefix) else { continue }
            let position = LogPosition(parsing: text.dropFirst(prefix.count))
            guard let position, form == nil || position.form == form else { break }
            return position
        }
        throw unreadable(text, option)
    }

    /// What `position` reads, or `gtid:` and a set.
    package static func start(parsing text: String, option: String) throws -> LogStart {
        guard text.hasPrefix("gtid:") else {
            return .position(try position(parsing: text, option: option))
        }
        guard let set = GTIDSet(parsing: text.dropFirst(5)), !set.isEmpty else {
            throw unreadable(text, option)
        }
        return .gtids(set)
    }

    private static func unreadable(_ text: String, _ option: String) -> ReplicationError {
        ReplicationError(
            .usage, "read the option \(option)", place: "option \(option)",
            why: "'\(text)' is not a log position",
            try: "\(option) lsn:0/16B3748, or \(option) binlog:binlog.000042:1234")
    }
}

/// Everything a run begins with; made into an engine by `Connectors`.
package struct RunPreparation: Sendable {
    package var scope: PipelineScope
    package var options: RunOptions
    package var prerequisites: [SchemaObject]
    /// Target tables that a pipeline now forgotten (`--fresh`) had filled: they may be emptied.
    package var formerTargets: Set<TableName> = []

    /// What must not change between runs: which table goes where, by which key.
    package var fixedConfiguration: String {
        let tables = scope.routes.map { route in
            let transforms = scope.transforms.filter { $0.source.source.id == route.source.id }
            return JSONValue.object(
                [
                    ("source", .string(route.source.name.description)),
                    ("target", .string(route.target.description)),
                    ("key", .array(route.keyColumns.map { .string($0.name) })),
                ] + Self.fixed(transforms))
        }
        return JSONValue.object([("tables", .array(tables))]).compact
    }

    private static func fixed(_ transforms: [Transform]) -> [(String, JSONValue)] {
        guard transforms.count > 1 else {
            return transforms.map { ("transform", .string($0.outline)) }
        }
        let list = transforms.map {
            JSONValue.string("\($0.target.target): \($0.outline)")
        }
        return [("transforms", .array(list))]
    }
}

/// A pipeline that can be run once: the engine as `run` sees it.
package protocol PipelineRun: Sendable {
    /// Blocks until the goal is reached or `drain` was called and has ended.
    func run() throws -> RunEnd
    /// Stops receiving, commits what is received whole within `timeout` seconds. Returns at once.
    func drain(timeout: Double)
    /// Cheap; from any thread.
    var progress: RunProgress { get }
}

package enum RunEnd: String, Sendable {
    case reachedGoal = "goal-reached"
    case drained
}

/// What a run shows of itself at one moment.
package struct RunProgress: Sendable {
    package struct Table: Sendable {
        package var name: String
        package var state: TableProgress.State
        package var rows: Int64
        package var estimated: Int64

        package init(
            name: String, state: TableProgress.State, rows: Int64, estimated: Int64
        ) {
            self.name = name
            self.state = state
            self.rows = rows
            self.estimated = estimated
        }
    }

    package var tables: [Table] = []
    package var received: LogPosition?
    package var applied: LogPosition?
    package var confirmed: LogPosition?
    /// Seconds, as `status` defines it.
    package var lag: Double?
    package var waiting: String?

    package init() {}
}
