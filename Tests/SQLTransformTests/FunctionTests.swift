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

    static let answers: [Answer] = [
        // FIPS 180-2, appendix B.1.
        Answer(
            "sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        Answer("sha256(x'616263') = sha256('abc')", "t", "boolean"),
        Answer("sha256(NULL)", nil),
        // RFC 4231, test case 2.
        Answer(
            "hmac_sha256('what do ya want for nothing?', 'Jefe')",
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
            "decrypt_aes_gcm(encrypt_aes_gcm('secret', '0123456789abcdef'), '0123456789abcdef')",
            "secret"),
        Answer(
            "encrypt_aes_gcm('a', key('aes')) = encrypt_aes_gcm('a', key('aes'))", "t", "boolean"),
        Answer(
            "encrypt_aes_gcm('a', key('aes')) = encrypt_aes_gcm('b', key('aes'))", "f", "boolean"),
        Answer("length(tokenize('Ab-19', key('aes')))", "5", "bigint"),
        Answer("regexp_like(tokenize('Ab-19', 'k'), '^[A-Z][a-z]-[0-9]{2}$')", "t", "boolean"),
        Answer("tokenize('Ab-19', 'k') = tokenize('Ab-19', 'k')", "t", "boolean"),
    ]

    @Test("Every function gives its known answers", arguments: answers)
    func known(_ answer: Answer) throws {
        let keys = TransformKeys(["aes": Array("0123456789abcdef0123456789abcdef".utf8)])
        #expect(try evaluate(answer.expression, type: answer.type, keys: keys) == answer.result)
    }

    @Test(
        "A function refuses what it cannot do, and shows no value",
        arguments: [
            "mask('secret', -1, 0)", "split_part('secret', ',', 0)", "unbase64('secret!')",
            "encrypt_aes_gcm('secret', 'short')", "decrypt_aes_gcm('secret', '0123456789abcdef')",
            "regexp_like('secret', '(')", "hmac_sha256('secret', '')", "key('secret')",
            "uuid_v5('secret', 'nowhere')", "regexp_replace('secret', 'a', 'b', 'x')",
        ])
    func refused(_ expression: String) throws {
        let error = #expect(throws: ValueRefusal.self) { try evaluate(expression) }
        #expect(error?.why.contains("secret") == false)
    }

    @Test("Moments are written as SQLite reads them, before 1970 too")
    func moments() {
        #expect(Moment.text(0) == "1970-01-01 00:00:00+00:00")
        #expect(Moment.text(-1) == "1969-12-31 23:59:59.999999+00:00")
        // Seconds of 2024-02-29 12:34:56.5 UTC by `date -u -d ... +%s`.
        #expect(Moment.text(1_709_210_096_500_000) == "2024-02-29 12:34:56.5+00:00")
    }
}
