import ReplicationModel
import Testing

@Suite("Log positions")
struct LogPositionTests {
    @Test(
        "Text and value round-trip",
        arguments: [
            "0/0", "0/1", "16/B374D848", "FFFFFFFF/FFFFFFFF", "1/0", "0/FFFFFFFF", "A/ABCDEF01",
            "000001:4", "999999:68719476735", "4194303:0@63", "000042:1234@1",
        ])
    func roundTrip(_ text: String) throws {
        let position = try #require(LogPosition(parsing: text))
        #expect(position.description == text)
    }

    @Test("Leading zeros and lower case are read")
    func lenient() {
        #expect(LogPosition(parsing: "00000001/0000000a") == LogPosition(rawValue: 1 << 32 | 10))
    }

    @Test(
        "Everything else is refused",
        arguments: [
            "", "/", "0/", "/0", "0", "0/0/0", "G/0", "0/-1", "+1/0", "0/+1", " 0/0", "0/0 ",
            "123456789/0", "0/123456789", "0x1/0",
            ":", "1:", ":1", "a:1", "000001:-1", "000001:+1", "000001:1@", "000001:1@64", "1:2:3",
            "000001:68719476736", "4194304:0", "binlog.:4", "1:4@1@1",
        ])
    func refused(_ text: String) {
        #expect(LogPosition(parsing: text) == nil)
    }

    @Test("Order is by value, not by text")
    func order() throws {
        let low = try #require(LogPosition(parsing: "9/FFFFFFFF"))
        let high = try #require(LogPosition(parsing: "10/0"))
        #expect(low < high)
        #expect(!(high < low))
        #expect(LogPosition.zero < low)
    }

    @Test("A binlog position may be written with the file's whole name (B13)")
    func fileName() throws {
        let position = try #require(LogPosition(parsing: "mysql-bin.x.000042:1234"))
        #expect(position.description == "000042:1234")
        #expect((position.file, position.offset, position.generation) == (42, 1234, 0))
    }

    @Test("B13: binlog files are ordered by number, and another server's come after")
    func binlogOrder() throws {
        let texts = ["999999:9", "1000000:4", "1000000:5", "000001:4@1", "000001:4@2"]
        let positions = try texts.map { try #require(LogPosition(parsing: $0)) }
        #expect(positions == positions.sorted())
    }
}
