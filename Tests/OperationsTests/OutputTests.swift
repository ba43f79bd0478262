import Foundation
import Logging
@testable import Operations
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

@Suite("Output")
struct OutputTests {
    @Test("JSON keeps the order of keys and escapes what must be escaped")
    func json() throws {
        let value = JSONValue.object([
            ("z", .array([])), ("a", .string("\"\\\n\t\u{0}/é\u{2028}")), ("n", .double(.nan)),
            ("s", .seconds(1.23456)), ("i", .integer(.min)), ("o", .object([])),
        ])
        #expect(
            value.compact == #"{"z":[],"a":"\"\\\n\t\u0000/é"# + "\u{2028}"
                + #"","n":null,"s":1.235,"i":-9223372036854775808,"o":{}}"#)
        let back = try JSONSerialization.jsonObject(with: Data(value.compact.utf8))
        #expect((back as? [String: Any])?["a"] as? String == "\"\\\n\t\u{0}/é\u{2028}")
    }

    @Test(
        "Amounts are short",
        arguments: [
            (Units.bytes(512), "512 B"), (Units.bytes(1536), "1.5 kB"),
            (Units.bytes(10 << 30), "10.0 GB"), (Units.span(0.44), "0.4s"),
            (Units.span(12), "12s"), (Units.span(720), "12m"), (Units.span(90_000), "25h"),
            (Units.count(1_234_567), "1,234,567"), (Units.count(12), "12"),
            (Units.count(20_000_000_000), "20000 M"),
            (Units.time(microseconds: -1), "1969-12-31T23:59:59.999999Z"),
        ])
    func amounts(shown: String, expected: String) { #expect(shown == expected) }

    private func frame(_ rows: Int64) -> RunProgress {
        var frame = RunProgress()
        frame.tables = [
            .init(name: "public.live", state: .live, rows: 50, estimated: 50),
            .init(name: "public.orders", state: .loading, rows: rows, estimated: 10_050),
        ]
        frame.received = LogPosition(rawValue: 0x5F2)
        frame.applied = LogPosition(rawValue: 0x5E9)
        frame.lag = 1.8
        frame.waiting = "target cpu"
        return frame
    }

    @Test("The footer is the contract's")
    func footer() {
        var display = ProgressDisplay(hasColour: false)
        _ = display.footer(frame(0), now: 0)
        #expect(
            display.footer(frame(4_050), now: 1)
                == "copy 40% eta 1.5s | recv 0/5F2 | applied 0/5E9 | lag 1.8s | waiting: target cpu"
        )
        var idle = frame(0)
        idle.tables[1].state = .live
        idle.waiting = nil
        #expect(display.footer(RunProgress(), now: 3) == "preparing")
        #expect(display.footer(idle, now: 2) == "recv 0/5F2 | applied 0/5E9 | lag 1.8s")
    }

    @Test("Lines fit the width and the height; tables that load come first")
    func lines() {
        var display = ProgressDisplay(hasColour: false)
        _ = display.lines(frame(0), now: 0, height: 10)
        let lines = display.lines(frame(4_050), now: 1, height: 10)
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("public.orders"))
        #expect(lines[0].contains("4,050"))
        #expect(lines[0].contains("~10,050"))
        #expect(lines[0].contains("4,050/s"))
        #expect(lines.allSatisfy { $0.count <= 80 })
        let few = display.lines(frame(4_050), now: 2, height: 3)
        #expect(few.count == 3)
        #expect(few[1] == "... and 1 more tables")
    }

    @Test("Colours only where they are wanted")
    func colours() {
        var plain = ProgressDisplay(hasColour: false)
        var coloured = ProgressDisplay(hasColour: true)
        #expect(!plain.lines(frame(1), now: 0, height: 9).joined().contains("\u{1B}"))
        #expect(coloured.lines(frame(1), now: 0, height: 9).joined().contains("\u{1B}["))
        #expect(!Terminal(descriptor: -1, environment: ["TERM": "xterm"]).isTerminal)
    }

    @Test("Log lines scroll above the area, which is drawn again below them")
    func screen() {
        let written = Mutex("")
        let screen = Screen { text in written.withLock { $0 += text } }
        screen.redraw(["a", "b"])
        screen.scroll("log")
        #expect(written.withLock { $0 } == "a\nb\n\u{1B}[2A\r\u{1B}[Jlog\na\nb\n")
        screen.finish()
        written.withLock { $0 = "" }
        screen.scroll("end")
        #expect(written.withLock { $0 } == "end\n")
    }

    @Test("Log lines are one line each, as text or JSON")
    func log() throws {
        let written = Mutex<[String]>([])
        for format in LogOutput.Format.allCases {
            var logger = Logger(label: "martlet") { label in
                LogOutput(label: label, level: .info, format: format) { line in
                    written.withLock { $0.append(line) }
                }
            }
            logger[metadataKey: "pipeline"] = "shop"
            logger.debug("not shown")
            logger.warning("a\nb", metadata: ["why": "two words"])
        }
        let lines = written.withLock { $0 }
        #expect(lines.count == 2)
        #expect(lines[0].hasSuffix(" warning a; b pipeline=shop why=\"two words\""), "\(lines[0])")
        let json = try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: String]
        #expect(json?["level"] == "warning")
        #expect(json?["message"] == "a\nb")
        #expect(json?["why"] == "two words")
    }
}
