import ReplicationModel
import Testing

@Suite("Log positions")
struct LogPositionTests {
    @Test(
        "Text and value round-trip",
        arguments: [
            "0/0", "0/1", "16/B374D848", "FFFFFFFF/FFFFFFFF", "1/0", "0/FFFFFFFF", "A/ABCDEF01",
        ])
    func roundTrip(_ text: String) throws {
        let position = try #require(LogPosition(parsing: text))
        #expect(position.description == text)
        #expect(LogPosition(rawValue: position.rawValue) == position)
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
}
