import ReplicationEngine
import ReplicationModel
import Testing

@Suite("Fingerprint watch")
struct FingerprintWatchTests {
    private var watch = FingerprintWatch([Self.route], stored: ["shape.1"])

    private var marked: [Int] = []

    private static let route = TableRoute(
        source: TableSchema(
            id: 7, name: TableName(schema: "lab", name: "t"), columns: [],
            replicaIdentity: .primaryKey),
        target: TableName(schema: "lab", name: "t"), columns: [], key: [])

    /// One look that finds `file`; `before` and `now` are TRUNCATEs passed before and after it.
    private mutating func look(
        _ file: String, before: Int = 0, now: Int? = nil, behind: UInt64 = 100, passed: UInt64 = 0
    ) throws {
        marked = try watch.take(
            .init(
                found: [7: "shape.\(file)"], truncates: [0: before],
                position: LogPosition(rawValue: behind)),
            truncates: [0: now ?? before], passed: LogPosition(rawValue: passed))
    }

    @Test("P47: A TRUNCATE far back in the log is waited for, however long it takes")
    mutating func waits() throws {
        for _ in 0..<20 { try look("2", behind: 100, passed: 50) }
        #expect(watch.isInDoubt)
        try look("2", before: 1, passed: 100)
        #expect(!watch.isInDoubt)
        #expect(watch.takeNews().map(\.fingerprint) == ["shape.2"])
    }

    @Test("P45: A new file that the stream passes without a TRUNCATE is an unseen change")
    mutating func unseen() throws {
        try look("2", behind: 100, passed: 50)
        #expect(throws: ReplicationError.self) { try look("2", behind: 300, passed: 100) }
    }

    @Test("A TRUNCATE that comes while a look is taken is no unseen change")
    mutating func meanwhile() throws {
        try look("2", before: 0, now: 1, behind: 100, passed: 200)
        try look("2", before: 1, passed: 300)
        #expect(!watch.isInDoubt)
    }

    @Test("P45: What two TRUNCATEs explained at once does not excuse a later rewrite")
    mutating func leftOver() throws {
        // The stream has brought the first of two; the file is the second's.
        try look("3", before: 1, passed: 100)
        try look("3", before: 2, passed: 200)
        try look("3", before: 2, passed: 300)
        try look("4", before: 2, behind: 350, passed: 300)
        #expect(throws: ReplicationError.self) { try look("4", before: 2, passed: 400) }
    }

    @Test("P47: After a TRUNCATE that was applied before a crash any file is explained, once")
    mutating func afterCrash() throws {
        watch = FingerprintWatch(
            [Self.route], stored: [Fingerprint("shape.1").withAnyFile.description])
        try look("2", passed: 500)
        #expect(watch.takeNews().map(\.fingerprint) == ["shape.2"])
        try look("3", behind: 600, passed: 500)
        #expect(throws: ReplicationError.self) { try look("3", passed: 600) }
    }

    @Test("P47: A fingerprint accepted before another TRUNCATE was applied is not stored after it")
    mutating func olderNews() throws {
        try look("2", before: 1, passed: 100)
        watch.truncated(0)
        #expect(!watch.hasNews)
    }

    @Test("P45: To be marked, an unexplained file is accepted as unproven until a TRUNCATE")
    mutating func marks() throws {
        watch = FingerprintWatch([Self.route], stored: ["shape.1"], marks: true)
        try look("2", behind: 100, passed: 50)
        #expect(watch.isInDoubt && marked == [])
        try look("2", behind: 300, passed: 100)
        #expect(!watch.isInDoubt && marked == [0])
        #expect(watch.takeNews().map(\.fingerprint) == ["shape.2.unproven"])
        try look("2", behind: 400, passed: 300)
        #expect(marked == [] && !watch.hasNews)
        watch = FingerprintWatch([Self.route], stored: ["shape.2.unproven"], marks: true)
        try look("2", behind: 500, passed: 500)
        #expect(!watch.hasNews)
        try look("3", before: 1, behind: 600, passed: 600)
        #expect(watch.takeNews().map(\.fingerprint) == ["shape.3"])
        #expect(Fingerprint("shape.2.unproven").withAnyFile.description == "shape.*")
    }

    @Test("P45: Another shape stops, also where unseen changes are to be marked")
    mutating func shapes() throws {
        watch = FingerprintWatch([Self.route], stored: ["other.1"], marks: true)
        #expect(throws: ReplicationError.self) { try look("1") }
    }
}
