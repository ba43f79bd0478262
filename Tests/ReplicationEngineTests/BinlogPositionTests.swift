import ReplicationEngine
import ReplicationModel
import Testing

/// A binlog's commit positions are of first events: what is passed is where transactions end.
@Suite("Positions of a binlog")
struct BinlogPositionTests {
    private static func position(_ offset: Int) -> LogPosition {
        LogPosition(file: 1, offset: offset) ?? .zero
    }

    private static func mark(_ commit: Int, _ end: Int) -> TransactionMark {
        TransactionMark(
            xid: 1, commitPosition: position(commit), endPosition: position(end), commitTime: 0,
            changes: 0..<0)
    }

    @Test("A53: a transaction that the position cuts is not through")
    func cut() {
        var batch = ChangeBatch()
        batch.transactions = [Self.mark(110, 200), Self.mark(210, 400)]
        #expect(batch.through(Self.position(300)).transactions.count == 1)
        #expect(batch.through(Self.position(400)).transactions.count == 2)
    }

    @Test("Behind the last transaction of an idle source the log's end is passed")
    func idle() throws {
        let binlog = Checkpoint(position: Self.position(200), commitPosition: Self.position(110))
        #expect(binlog.passed == Self.position(200))
        let wal = Checkpoint(
            position: LogPosition(rawValue: 200), commitPosition: LogPosition(rawValue: 110))
        #expect(wal.passed == LogPosition(rawValue: 110))
        var ledger = MergeLedger(
            tables: [], unseen: [], lastJudged: Self.position(100), kind: .window)
        var judged = JudgedBatch()
        try ledger.judge(ChangeBatch(), Self.mark(110, 200), routes: [], into: &judged)
        #expect(ledger.lastJudged == Self.position(200))
    }
}
