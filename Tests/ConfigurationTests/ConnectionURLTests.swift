import Configuration
import ReplicationModel
import Testing

@Suite("Database URLs")
struct ConnectionURLTests {
    @Test(
        "The password is taken out and never shown",
        arguments: [
            (
                "postgres://u:p%40ss@h:5/db?sslmode=require", "p@ss",
                "postgres://u@h:5/db?sslmode=require"
            ),
            ("postgresql://u@h/db?password=geheim&x=1", "geheim", "postgres://u@h/db?x=1"),
            ("postgres://u:a?b@h/db", "a?b", "postgres://u@h/db"),
            ("postgres://postgres@/DB?host=/run/pg&port=54317", nil, nil),
        ] as [(String, String?, String?)])
    func password(text: String, password: String?, address: String?) throws {
        let url = try ConnectionURL(parsing: text)
        #expect(url.password?.text == password)
        #expect(url.address == address ?? text)
        if let password {
            for shown in ["\(url)", String(reflecting: url), url.redacted, url.address] {
                #expect(!shown.contains(password), "\(shown)")
            }
        }
    }

    @Test("A password from elsewhere wins over the URL's, an empty one does not")
    func otherPassword() throws {
        let url = try ConnectionURL(parsing: "postgres://u:one@h/db")
        #expect(url.with(password: "two").password?.text == "two")
        #expect(url.with(password: "").password?.text == "one")
        #expect(url.with(password: nil).password?.text == "one")
    }

    @Test(
        "The database's name is found where libpq looks for it",
        arguments: [
            ("postgres://h/shop", "shop"), ("postgres://h/a%20b", "a b"),
            ("postgres://h?dbname=shop", "shop"), ("postgres://h", nil), ("sqlite:/a/b.db", "b"),
            ("sqlite:///a/b.db", "b"),
        ] as [(String, String?)])
    func database(text: String, name: String?) throws {
        #expect(try ConnectionURL(parsing: text).database == name)
    }

    @Test("SQLite takes a path as it is")
    func sqlite() throws {
        #expect(try ConnectionURL(parsing: "sqlite:./shop.db").address == "./shop.db")
        #expect(try ConnectionURL(parsing: "sqlite:///abs/x.db").address == "/abs/x.db")
    }

    @Test(
        "A malformed URL is refused without being repeated",
        arguments: [
            "postgres://u:geheim", "postgres://u:ge/heim@h/db", "postgres://u:ge@heim@h/db",
            "host=x password=geheim", "postgres:geheim", "geheim://x", "sqlite:", "sqlite::memory:",
            "postgres://u:%zz@h/geheim",
        ])
    func malformed(text: String) {
        let error = #expect(throws: ReplicationError.self) { try ConnectionURL(parsing: text) }
        #expect(error?.kind == .configuration)
        let shown = error?.description ?? ""
        #expect(!shown.contains("heim") || text == "geheim://x", "\(shown)")
    }
}
