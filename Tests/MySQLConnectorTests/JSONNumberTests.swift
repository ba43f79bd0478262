import Testing

@testable import MySQLConnector

/// The server is the oracle: is a document that it reads from the text the same text again?
@Suite("Numbers in documents")
struct JSONNumberTests {
    private static let numbers = [
        "0", "-0", "1", "-1", "1.0", "1.10", "0.1", "-0.5", "100.0", "1e3", "1e300", "1E-7", "1e22",
        "18446744073709551615", "18446744073709551616", "-9223372036854775808",
        "-9223372036854775809", "123456789012345678901234567890.5", "0.1000000000000000055",
        "123456789012345.0", "1234567890123456.0", "1e-15", "0.000000000000001", "1.5e-16",
        "5e-324", "1.7976931348623157e308", "0.30000000000000004",
    ]

    @Test("Are kept where the server shows the same text")
    func kept() throws {
        let connection = try TestServer.administrator("mysql97")
        for number in Self.numbers {
            let document = #"{"a": ["\"1.10", "# + number + #", "1.10\\"]}"#
            let shown = try connection.query(
                "SELECT CAST(CAST(\(SQLText.literal(document)) AS JSON) AS CHAR)"
            ).text(0, 0)
            let isKept = Array(document.utf8).withUnsafeBytes(JSONNumbers.areKept)
            #expect(isKept == (shown == document), "\(number): \(shown ?? "")")
        }
    }
}
