import Configuration
import Foundation
import Operations
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("status")
struct StatusTests {
    private func take(
        _ stored: StoredPipeline?, _ source: Result<SourceReport, ReplicationError>? = nil,
        maxLag: TimeSpan? = nil
    ) throws -> StatusReport {
        let fake = FakeSource([])
        if let source { fake.set(\.report, source) }
        let target = FakeTarget()
        target.set(\.stored, stored)
        return try StatusReport.take(
            try configuration(), target: target, source: { fake }, maxLag: maxLag)
    }

    private static let silence = ReplicationError(
        .unreachable, "connect to PostgreSQL at db1:5432", why: "no answer")

    @Test("The JSON has every field of the contract, in its order")
    func shape() throws {
        let text = try take(stored()).output(json: true)
        #expect(
            text == """
                {"schema":1,"pipeline":"shop","state":"streaming","running":true,"epoch":3,\
                "source":{"position":"0/5F2","retained_bytes":1234},\
                "received":"0/5F0","applied":"0/5E9","confirmed":"0/5D0",\
                "lag_seconds":1.8,"why":null,"lag_bytes":9,"pending_transactions":null,\
                "last_progress_age_seconds":0.4,"waiting":null,\
                "tables":[{"source":"public.a","target":"a","state":"live","rows_copied":10,\
                "rows_estimated":10,"inserts":1,"updates":2,"deletes":3,"unproven":false}],\
                "conflicts":{},"lossy":{},"held_ddl":[],"errors":[]}

                """)
    }

    @Test("What was received is never shown behind what is applied")
    func received() throws {
        var late = stored()
        late.report?.received = LogPosition(rawValue: 0x5E0)
        let output = try take(late).output(json: true)
        #expect(output.contains(#""received":"0/5E9","applied":"0/5E9""#))
        #expect(output.contains(#""pending_transactions":0"#))
    }

    @Test("A table whose rewrite the log does not explain is unproven, in text and JSON")
    func unproven() throws {
        var marked = stored()
        marked.tables[0].fingerprint = "shape.2.unproven"
        #expect(try take(marked).output(json: true).contains(#""unproven":true"#))
        #expect(try take(marked).output(json: false).contains("unproven"))
        #expect(try !take(stored()).output(json: false).contains("unproven"))
    }

    @Test("Lag is the source's clock less the newest heartbeat less one second, never below zero")
    func lag() throws {
        func lag(_ heartbeat: Int64?, now: Int64) throws -> Double? {
            let report = SourceReport(position: .zero, retainedBytes: nil, now: now)
            return try take(stored(heartbeat: heartbeat), .success(report)).lagSeconds
        }
        #expect(try lag(10_000_000, now: 11_500_000) == 0.5)
        #expect(try lag(10_000_000, now: 10_200_000) == 0)
        #expect(try lag(10_000_000, now: 9_000_000) == 0)
        #expect(try lag(10_000_000, now: 70_000_000) == 59)
        #expect(try lag(nil, now: 70_000_000) == nil)
    }

    @Test("The lag rises although run is stopped")
    func lagWhileStopped() throws {
        let down = stored(valid: false)
        let first = try #require(try take(down).lagSeconds)
        let later = SourceReport(position: .zero, retainedBytes: nil, now: 130_000_000)
        let second = try #require(try take(down, .success(later)).lagSeconds)
        #expect(abs(second - first - 30) < 0.001)
    }

    @Test(
        "The state is what the process said, as long as its lease runs",
        arguments: [
            (.streaming, true, "streaming"), (.streaming, false, "stopped"),
            (.loading, true, "loading"), (.loading, false, "stopped"),
            (.starting, true, "streaming"), (.starting, false, "stopped"),
            (.paused, true, "paused"), (.stopped, false, "stopped"), (.failed, false, "failed"),
            (.fenced, true, "fenced"),
        ] as [(RunReport.State, Bool, String)])
    func state(report: RunReport.State, valid: Bool, expected: String) throws {
        let status = try take(stored(report, valid: valid))
        #expect(status.state == expected)
        #expect(status.isRunning == valid)
    }

    @Test("A source that does not answer leaves a lag of null with the reason")
    func silentSource() throws {
        let status = try take(stored(), .failure(Self.silence))
        #expect(status.lagSeconds == nil)
        let json = try object(status)
        #expect(json["lag_seconds"] is NSNull)
        #expect(json["why"] as? String == "connect to PostgreSQL at db1:5432: no answer")
        #expect(json["applied"] as? String == "0/5E9")
        #expect((json["source"] as? [String: Any])?["position"] is NSNull)
        #expect(status.exitCode == 0)
    }

    @Test("--max-lag ends with 8 above the threshold, and when the lag is not known")
    func maxLag() throws {
        #expect(try take(stored(), maxLag: TimeSpan(seconds: 2)).exitCode == 0)
        #expect(try take(stored(), maxLag: TimeSpan(seconds: 1.7)).exitCode == 8)
        let silent = try take(stored(), .failure(Self.silence), maxLag: TimeSpan(seconds: 60))
        #expect(silent.exitCode == 8)
    }

    @Test("A pipeline that never ran is stopped and says so")
    func neverRan() throws {
        let json = try object(try take(nil))
        #expect(json["state"] as? String == "stopped")
        #expect(json["running"] as? Bool == false)
        #expect(json["epoch"] as? Int == 0)
        #expect((json["tables"] as? [Any])?.isEmpty == true)
        #expect(json["why"] as? String == "nothing is stored for this pipeline: it never ran")
    }

    @Test("The rows of a table that loads are those of its chunks that are in")
    func rowsWhileLoading() throws {
        func chunk(_ table: UInt32, _ id: Int64, _ rows: Int64, sealed: Bool) -> ChunkRecord {
            let seal = ChunkSeal(snapshot: nil, position: .zero, closedAt: .zero)
            return ChunkRecord(
                table: table, id: id, range: .everything, isKeyChunk: false,
                seal: sealed ? seal : nil, rows: rows)
        }
        let loading = stored(.loading) { stored in
            stored.tables[0].rowsCopied = 0
            stored.chunks = [
                chunk(1, 1, 100, sealed: true), chunk(1, 2, 20, sealed: true),
                chunk(1, 3, 7, sealed: false), chunk(2, 4, 1000, sealed: true),
            ]
        }
        let tables = try #require(try object(try take(loading))["tables"] as? [[String: Any]])
        // One without a seal is copied in part: those rows are in.
        #expect(tables[0]["rows_copied"] as? Int == 127)
    }

    @Test("An error is shown in its four parts")
    func error() throws {
        let failed = stored(.failed, valid: false) { stored in
            stored.report?.error =
                ReplicationError(
                    .rowMissing, "apply UPDATE", position: LogPosition(rawValue: 9),
                    table: TableName(schema: "public", name: "a"), why: "no row", try: "verify"
                ).description
        }
        let json = try object(try take(failed))
        let errors = try #require(json["errors"] as? [[String: String]])
        #expect(
            errors == [
                [
                    "error": "apply UPDATE", "where": "position 0/9, table public.a",
                    "why": "no row", "try": "verify",
                ]
            ])
    }

    @Test("The text fits 80 columns and names what matters")
    func text() throws {
        let lines = try take(stored()).lines
        #expect(lines[0] == "pipeline shop: streaming, running, epoch 3")
        #expect(lines[2].hasPrefix("lag 1.8s, 9 B"))
        #expect(lines.last?.contains("public.a") == true)
        #expect(lines[4...].allSatisfy { $0.count <= 80 })
    }
}
