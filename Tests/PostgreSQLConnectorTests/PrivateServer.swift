import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

/// A server of the test's own, because it is stopped, or has settings that would
/// stop every other test.
final class PrivateServer {
    let directory: String
    let port = Int.random(in: 56_000...59_000)

    init(_ settings: [String] = []) throws {
        directory = "/tmp/martlet-server-" + UUID().uuidString.prefix(8)
        try shell(
            "install -d -o postgres -m 755 \(directory)",
            asPostgres("initdb -D \(directory)/data -A trust -U postgres -N"))
        let all = ["wal_level=logical", "fsync=off", "max_wal_size=64MB"] + settings
        let options = all.map { "-c " + $0 }.joined(separator: " ")
        try shell(
            asPostgres(
                "pg_ctl -w -D \(directory)/data -l \(directory)/data/log "
                    + "-o \"-p \(port) -h '' -k \(directory) \(options)\" start"))
    }

    deinit {
        try? shell(asPostgres("pg_ctl -w -D \(directory)/data -m immediate stop || true"))
        try? FileManager.default.removeItem(atPath: directory)
    }

    var url: String { "postgres://postgres@/postgres?host=\(directory)&port=\(port)" }

    func connect() throws -> PGConnection {
        try PGConnection(url: url, password: nil, label: "test", purpose: .source)
    }

    func open(_ start: LogPosition) throws -> PGLogReader {
        try PGLogReader(
            url: url, password: nil, capture: CaptureNames(slot: "s", publication: "p"),
            start: start,
            spoolDirectory: directory + "/spool", spoolMax: 1 << 20, memoryShare: 1 << 20,
            senderTimeoutMilliseconds: 60_000)
    }

    func makeSlot() throws -> LogPosition {
        let connection = try connect()
        try connection.run(
            "CREATE TABLE public.t(a int PRIMARY KEY); CREATE PUBLICATION p FOR ALL TABLES")
        let slot = try connection.run(
            "SELECT lsn FROM pg_create_logical_replication_slot('s', 'pgoutput')")
        return try #require(slot.text(0, 0).flatMap { LogPosition(parsing: $0) })
    }

    func asPostgres(_ command: String) -> String {
        "PATH=/usr/lib/postgresql/15/bin:$PATH "
            + "setpriv --reuid postgres --regid postgres --clear-groups "
            + command
    }

    func shell(_ commands: String...) throws {
        for command in commands {
            let process = Process()
            // `waitUntilExit` waits for a descriptor that a server started here would inherit.
            let close =
                "for f in /proc/$$/fd/*; do n=${f##*/}; [ $n -le 2 ] || eval \"exec $n>&-\"; done"
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["-c", "\(close); cd /tmp && { \(command); } >/dev/null 2>&1"]
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "\(command)")
        }
    }
}
