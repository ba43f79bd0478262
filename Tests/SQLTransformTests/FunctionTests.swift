import Testing

@testable import SQLTransform

/// Known answers; the source of each stands beside it.
@Suite("Functions of transforms")
struct FunctionTests {
    struct Answer: Sendable, CustomTestStringConvertible {
        var expression: String
        var result: String?
        var type: String
        var testDescription: String { expression }

        init(_ expression: String, _ result: String?, _ type: String = "text") {
            (self.expression, self.result, self.type) = (expression, result, type)
        }
    }

    static let keys = TransformKeys([
        "aes": Array("0123456789abcdef0123456789abcdef".utf8), "jefe": Array("Jefe".utf8),
        "empty": [], "short": Array("short".utf8),
    ])

    static let answers: [Answer] = [
        // FIPS 180-2, appendix B.1.
        Answer(
            "sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        Answer("sha256(x'616263') = sha256('abc')", "t", "boolean"),
        Answer("sha256(NULL)", nil),
        // RFC 4231, test case 2.
        Answer(
            "hmac_sha256('what do ya want for nothing?', key('jefe'))",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        // RFC 9562, appendix A.4.
        Answer("uuid_v5('www.example.com', 'dns')", "2ed6657d-e927-568b-95e1-2665a8aea6a2", "uuid"),
        // RFC 4648, section 10.
        Answer("base64('foobar')", "Zm9vYmFy"), Answer("base64('fo')", "Zm8="),
        Answer("unbase64('Zm8=')", "\\x666f", "bytea"),
        Answer("mask('4111111111111111', 4, 2)", "4111**********11"),
        Answer("mask('abc', 2, 2)", "***"), Answer("mask('', 0, 0)", ""),
        // PostgreSQL 17: SELECT split_part('abc~@~def~@~ghi', '~@~', 2), and so on.
        Answer("split_part('abc~@~def~@~ghi', '~@~', 2)", "def"),
        Answer("split_part('abc,def,ghi,jkl', ',', -2)", "ghi"),
        Answer("split_part('a,b', ',', 3)", ""),
        Answer("initcap('hi THOMAS o''neil 3rd')", "Hi Thomas O'Neil 3rd"),
        Answer("regexp_replace('Thomas', '.[mN]a.', 'M')", "ThM"),
        Answer("regexp_replace('foobarbaz', 'b(..)', 'X\\1Y', 'g')", "fooXarYXazY"),
        Answer("regexp_replace('foobarbaz', 'b..', 'X')", "fooXbaz"),
        Answer("regexp_replace('a$b', 'b', '$1\\&')", "a$$1b"),
        Answer("regexp_like('Hello World', 'world$', 'i')", "t", "boolean"),
        Answer("regexp_like('Hello World', 'world$')", "f", "boolean"),
        Answer("source_name()", "shop"), Answer("operation()", "load"),
        Answer("commit_time()", nil, "timestamptz"), Answer("commit_position()", nil),
        Answer(
            "decrypt_aes_gcm(encrypt_aes_gcm('plain', key('aes')), key('aes'))", "plain"),
        Answer(
            "encrypt_aes_gcm('a', key('aes')) = encrypt_aes_gcm('a', key('aes'))", "t", "boolean"),
        Answer(
            "encrypt_aes_gcm('a', key('aes')) = encrypt_aes_gcm('b', key('aes'))", "f", "boolean"),
        Answer("length(tokenize('Ab-19', key('aes')))", "5", "bigint"),
        Answer(
            "regexp_like(tokenize('Ab-19', key('jefe')), '^[A-Z][a-z]-[0-9]{2}$')", "t", "boolean"),
        Answer("tokenize('Ab-19', key('jefe')) = tokenize('Ab-19', key('jefe'))", "t", "boolean"),
    ]

    /// PostgreSQL 17: the same with +, -, *, round and their names.
    static let numbers: [Answer] = [
        ("decimal_add('1234567890.1234567890', '0.00000000001')", "1234567890.12345678901"),
        ("decimal_sub('9999999999999999999999.99', '10000000000000000000000')", "-0.01"),
        (
            "decimal_mul('1234567890.1234567890', '9876543210.987654321')",
            "12193263113702179522.3746380111126352690"
        ),
        ("decimal_mul(-1.5, '0.0')", "0.00"), ("decimal_div(10.0, 3, 4)", "3.3333"),
        ("decimal_div(-1, 6, 3)", "-0.167"), ("decimal_round(2.5, 0)", "3"),
        ("decimal_round(-2.5, 0)", "-3"), ("decimal_round(0.05, 1)", "0.1"),
        ("decimal_round('0.005', 1)", "0.0"), ("decimal_round(1, 3)", "1.000"),
        // Python's decimal, with 80 digits.
        (
            "decimal_div('1234567890123456789012345678901234567890', 7, 20)",
            "176366841446208112716049382700176366841.42857142857142857143"
        ), ("decimal_div(2, '0.003', 2)", "666.67"), ("decimal_div('0.02', '300', 6)", "0.000067"),
        ("decimal_add(0.1, decimal_mul(0.1, 2))", "0.3"),
    ].map { Answer($0.0, $0.1, "numeric") }

    /// PostgreSQL 17, in UTC.
    static let dates: [Answer] = [
        ("date_trunc('week', '2024-02-29 12:34:56.789')", "2024-02-26 00:00:00", "timestamp"),
        ("date_trunc('quarter', '2024-02-29 12:34:56.789')", "2024-01-01 00:00:00", "timestamp"),
        ("date_trunc('week', '1969-12-31 00:00:00')", "1969-12-29 00:00:00", "timestamp"),
        ("date_trunc('decade', '2024-02-29 12:34:56')", "2020-01-01 00:00:00", "timestamp"),
        (
            "date_trunc('milliseconds', '2024-02-29 12:34:56.7899')", "2024-02-29 12:34:56.789",
            "timestamp"
        ),
        (
            "at_time_zone('2024-07-01 12:00:00+00', 'Europe/Berlin')", "2024-07-01 14:00:00",
            "timestamp"
        ),
        (
            "at_time_zone('2024-07-01 12:00:00', 'America/New_York')", "2024-07-01 16:00:00+00",
            "timestamptz"
        ),
        (
            "at_time_zone('2024-10-27 02:30:00', 'Europe/Berlin')", "2024-10-27 01:30:00+00",
            "timestamptz"
        ),
        (
            "at_time_zone('2024-03-31 02:30:00', 'Europe/Berlin')", "2024-03-31 01:30:00+00",
            "timestamptz"
        ), ("to_timestamp(1284352323.5)", "2010-09-13 04:32:03.5+00", "timestamptz"),
        ("to_timestamp(-0.5)", "1969-12-31 23:59:59.5+00", "timestamptz"),
        (
            "to_timestamp('05122000 101112', 'DDMMYYYY HH24MISS')", "2000-12-05 10:11:12+00",
            "timestamptz"
        ),
    ].map { Answer($0.0, $0.1, $0.2) }

    @Test("Every function gives its known answers", arguments: answers + numbers + dates)
    func known(_ answer: Answer) throws {
        #expect(
            try evaluate(answer.expression, type: answer.type, keys: Self.keys) == answer.result)
    }

    @Test(
        "A function refuses what it cannot do, and shows no value",
        arguments: [
            "mask('secret', -1, 0)", "split_part('secret', ',', 0)", "unbase64('secret!')",
            "decimal_add('secret', 1)", "decimal_div(1, 0, 2)",
            "date_trunc('secret', '2024-01-01')",
            "date_trunc('day', 'secret')", "at_time_zone('2024-01-01', 'secret')",
            "to_timestamp('secret', 'YYYY')", "to_timestamp('secret')",
            "date_trunc('day', '2023-02-29')", "encrypt_aes_gcm('secret', key('short'))",
            "decrypt_aes_gcm('secret', key('aes'))",
            "regexp_like('secret', '(')", "hmac_sha256('secret', key('empty'))",
            "uuid_v5('secret', 'nowhere')", "regexp_replace('secret', 'a', 'b', 'x')",
        ])
    func refused(_ expression: String) throws {
        let error = #expect(throws: ValueRefusal.self) {
            try evaluate(expression, keys: Self.keys)
        }
        #expect(error?.why.contains("secret") == false)
        let name = expression.prefix { $0 != "(" }
        #expect(error?.why.hasPrefix("\(name)(): ") == true, "\(error?.why ?? "")")
    }

    @Test("Moments are written as SQLite reads them, before 1970 too")
    func moments() {
        #expect(Moment.text(0) == "1970-01-01 00:00:00+00:00")
        #expect(Moment.text(-1) == "1969-12-31 23:59:59.999999+00:00")
        // Seconds of 2024-02-29 12:34:56.5 UTC by `date -u -d ... +%s`.
        #expect(Moment.text(1_709_210_096_500_000) == "2024-02-29 12:34:56.5+00:00")
    }
}
