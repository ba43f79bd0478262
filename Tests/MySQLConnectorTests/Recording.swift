import Foundation
import ReplicationModel

@testable import MySQLConnector

/// A file that Recordings/record.py wrote.
enum Recording {
    static let servers = ["mariadb1011", "mariadb118", "mysql97"]

    static func data(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let packed = [UInt8](
            try Data(contentsOf: folder.appending(path: "Recordings/\(name).z")))
        let size = packed.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        return try packed.withUnsafeBytes { bytes in
            try Inflation.whole(UnsafeRawBufferPointer(rebasing: bytes[4...]), size: size)
        }
    }

    /// The events of a binlog file, each as the server would send it.
    static func events(_ name: String) throws -> [[UInt8]] {
        let file = try data("\(name).binlog")
        var events: [[UInt8]] = []
        var at = 4
        while at < file.count {
            let length = Int(file[at + 9]) | Int(file[at + 10]) << 8 | Int(file[at + 11]) << 16
            events.append(Array(file[at..<at + length]))
            at += length
        }
        return events
    }

    /// What a dump begins with: the file and the place, made up by the server.
    static func rotation(_ file: String = "binlog.000001", offset: UInt64 = 4) -> [UInt8] {
        event(.rotate, Event.little(offset, 8) + Array(file.utf8), flags: 0x20, next: 0)
    }

    static func event(
        _ type: EventType, _ body: [UInt8], flags: UInt16 = 0, next: UInt32 = 0,
        time: UInt32 = 0
    ) -> [UInt8] {
        let length = EventHeader.size + body.count
        return Event.little(UInt64(time), 4) + [type.rawValue] + Event.little(1, 4)
            + Event.little(UInt64(length), 4) + Event.little(UInt64(next), 4)
            + Event.little(UInt64(flags), 2) + body
    }
}

enum Event {
    static func little(_ value: UInt64, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}

/// Feeds events and collects what comes of them.
struct Feeder: ~Copyable {
    var decoder: BinlogDecoder
    var batches: [ChangeBatch] = []

    init(
        partial: Bool = false, changes: Int = 1_000_000, skipped: Bool = false,
        _ followed: FollowedTables = .all,
        groups: PassedGroups = PassedGroups(applied: GTIDSet(), start: GTIDSet())
    ) {
        decoder = BinlogDecoder(
            BinlogDecoder.Options(
                limits: BatchLimits(bytes: 64 << 20, changes: changes),
                allowsPartialImages: partial, leavesOutSkipped: skipped),
            followed, groups)
    }

    mutating func feed(_ event: [UInt8]) throws {
        switch try event.withUnsafeBytes({ try decoder.decode($0) }) {
        case .payload:
            while try decoder.decodePayload() != nil { take() }
        default: break
        }
        take()
    }

    /// What the reader of the log does.
    private mutating func take() {
        guard decoder.builder.isFull else { return }
        if decoder.builder.isInLaterPart && !decoder.builder.hasOpen
            || decoder.builder.hasWholeTransactions
        {
            batches.append(decoder.builder.takeWhole())
        }
        if decoder.builder.isFull || decoder.builder.isInLaterPart {
            batches.append(decoder.builder.takePart())
        }
    }

    mutating func finish() -> [ChangeBatch] {
        batches.append(decoder.builder.takeWhole())
        return batches
    }

    /// A whole recording, in one batch.
    static func decode(
        _ name: String, partial: Bool = false, skipped: Bool = false,
        _ followed: FollowedTables = .all
    ) throws -> ChangeBatch {
        var feeder = Feeder(partial: partial, skipped: skipped, followed)
        try feeder.feed(Recording.rotation())
        for event in try Recording.events(name) { try feeder.feed(event) }
        return feeder.finish()[0]
    }
}
