import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

/// A transaction as a test looks at it: one line for each change.
///
/// `I t[1,x]`, `U t[1,-]->[2,~]`, `D t[1,-]`, `T#1 a`: NULL is `-`, unchanged `~`, a whole old row
/// `(...)`, a message `M text` (after the changes).
struct ReadTransaction {
    var mark: TransactionMark
    var lines: [String] = []
    var parts = 1
}

/// A database with a publication `p` of everything and a slot, and readers of it.
final class LogLab {
    let database: TestDatabase
    let connection: PGConnection
    let names: CaptureNames
    let start: LogPosition
    let spool: String
    private var fences = 0

    /// - Parameter streaming: the server streams what is above 64 kB.
    init(on server: String, streaming: Bool = false, publication: String = "p", _ sql: String)
        throws
    {
        database = try TestDatabase(on: server)
        connection = try database.connect()
        try connection.run("SET search_path = public; SET client_min_messages = error")
        if streaming {
            try connection.run(
                "ALTER DATABASE \(database.name) SET logical_decoding_work_mem = '64kB'")
        }
        try connection.run(sql)
        try connection.run("CREATE PUBLICATION \(publication.quotedIdentifier) FOR ALL TABLES")
        names = CaptureNames(slot: database.name, publication: publication)
        let slot = try connection.query(
            "SELECT lsn FROM pg_create_logical_replication_slot($1, 'pgoutput')", [names.slot])
        start = try #require(slot.text(0, 0).flatMap { LogPosition(parsing: $0) })
        spool = NSTemporaryDirectory() + "martlet-" + database.name
    }

    deinit { try? FileManager.default.removeItem(atPath: spool) }

    func open(
        from position: LogPosition? = nil, spoolMax: Int64 = 1 << 30, memoryShare: Int = 32 << 20,
        timeout: Int = 10_000, statusSeconds: Double = 1
    ) throws -> PGLogReader {
        try PGLogReader(
            url: database.url, password: nil, capture: names, start: position ?? start,
            spoolDirectory: spool, spoolMax: spoolMax, memoryShare: memoryShare,
            senderTimeoutMilliseconds: timeout, statusSeconds: statusSeconds)
    }

    /// Another session of the same database.
    func connect() throws -> PGConnection {
        let other = try database.connect()
        try other.run("SET search_path = public; SET client_min_messages = error")
        return other
    }

    func run(_ statements: String...) throws { for sql in statements { try connection.run(sql) } }

    /// Writes a message and reads until it comes; the transactions before it, empty ones left out.
    /// In a batch with it, marks of an idle log may follow: other databases write too.
    func read(_ reader: PGLogReader, confirming: Bool = true) throws -> [ReadTransaction] {
        fences += 1
        let fence = "fence \(fences)"
        try connection.run("SELECT pg_logical_emit_message(true, 'martlet', '\(fence)')")
        var collector = Collector()
        let deadline = Date().addingTimeInterval(120)
        let isFence = { (transaction: ReadTransaction) in transaction.lines == ["M " + fence] }
        while !collector.transactions.contains(where: isFence) {
            try #require(deadline.timeIntervalSinceNow > 0, "no fence after 120 s")
            guard let batch = try reader.next(timeout: 1) else { continue }
            try collector.add(batch)
            if confirming, let end = collector.transactions.last?.mark.endPosition {
                reader.confirm(end)
            }
        }
        return collector.transactions.filter { !$0.lines.isEmpty && !isFence($0) }
    }

    /// Lines only, one list for each transaction.
    func lines(_ reader: PGLogReader) throws -> [[String]] { try read(reader).map(\.lines) }

    var confirmed: LogPosition {
        get throws {
            let state = try connection.query(
                "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = $1",
                [names.slot])
            return try #require(state.text(0, 0).flatMap { LogPosition(parsing: $0) })
        }
    }

    /// Waits until `condition` holds.
    func wait(_ what: String, seconds: Double = 15, _ condition: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(seconds)
        while try !condition() {
            try #require(deadline.timeIntervalSinceNow > 0, "\(what): not after \(seconds) s")
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    var spoolFiles: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: spool)) ?? []
    }
}

/// Puts transactions together from batches and checks what `ChangeBatch` promises.
struct Collector {
    var transactions: [ReadTransaction] = []
    private var isOpen = false

    mutating func add(_ batch: ChangeBatch) throws {
        for (index, mark) in batch.transactions.enumerated() {
            #expect(mark.isFirstPart == !isOpen)
            if !mark.isFirstPart || !mark.isLastPart { #expect(batch.transactions.count == 1) }
            var lines = batch.changes[mark.changes].map { line($0, batch) }
            lines += batch.messages.filter { $0.transaction == index }.map { "M " + $0.content }
            if mark.isFirstPart {
                if let last = transactions.last?.mark {
                    #expect(last.commitPosition < mark.commitPosition)
                    #expect(last.endPosition <= mark.commitPosition || mark.xid == 0)
                }
                transactions.append(ReadTransaction(mark: mark, lines: lines))
            } else {
                let last = transactions.count - 1
                #expect(transactions[last].mark.xid == mark.xid)
                transactions[last].lines += lines
                transactions[last].parts += 1
                transactions[last].mark.endPosition = mark.endPosition
            }
            isOpen = !mark.isLastPart
            if mark.isLastPart { #expect(mark.endPosition > mark.commitPosition) }
        }
    }

    private func line(_ change: Change, _ batch: ChangeBatch) -> String {
        let table = batch.tables[Int(change.table)]
        func row(_ start: Int32) -> String {
            batch.values[Int(start)..<Int(start) + table.columns.count].map {
                $0.isUnchanged ? "~" : batch.text(of: $0) ?? "-"
            }.joined(separator: ",")
        }
        let old = change.oldRow < 0 ? "" : row(change.oldRow)
        let before = change.oldRow < 0 ? "" : change.oldIsWhole ? "(\(old))" : "[\(old)]"
        switch change.operation {
        case .insert: return "I \(table.name.name)[\(row(change.newRow))]"
        case .update:
            return "U \(table.name.name)\(before)->[\(row(change.newRow))]"
        case .delete: return "D \(table.name.name)\(before)"
        case .truncate:
            let flags = (change.cascades ? "c" : "") + (change.restartsIdentity ? "r" : "")
            return "T\(flags)#\(change.statement) \(table.name.name)"
        }
    }
}
