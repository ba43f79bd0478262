import Foundation
import PostgreSQLConnector
import ReplicationModel
import Testing

@Suite("Rows of the log", .serialized) struct LogRowTests {
    @Test("I, U and D arrive as they were made", arguments: TestDatabase.servers)
    func plainRows(server: String) throws {
        let lab = try LogLab(on: server, "CREATE TABLE t(id int PRIMARY KEY, a text, b int)")
        let reader = try lab.open()
        try lab.run(
            """
            BEGIN; INSERT INTO t VALUES (1,'x',NULL),(2,'',7);
            UPDATE t SET b = 8 WHERE id = 2; COMMIT
            """,
            "UPDATE t SET id = 3 WHERE id = 1", "DELETE FROM t WHERE id = 3")
        #expect(
            try lab.lines(reader) == [
                ["I t[1,x,-]", "I t[2,,7]", "U t->[2,,8]"], ["U t[1,-,-]->[3,x,-]"], ["D t[3,-,-]"],
            ])
    }

    @Test(
        "P01, P02: an unchanged out-of-line value is unchanged, not NULL",
        arguments: TestDatabase.servers)
    func unchangedToast(server: String) throws {
        let lab = try LogLab(
            on: server,
            """
            CREATE TABLE t(id int PRIMARY KEY, a text, b int);
            ALTER TABLE t ALTER a SET STORAGE external
            """)
        let reader = try lab.open()
        try lab.run(
            "INSERT INTO t VALUES (1, repeat('x', 9000), 1)", "UPDATE t SET b = 2",
            "UPDATE t SET id = 2")
        let large = String(repeating: "x", count: 9000)
        #expect(
            try lab.lines(reader) == [
                ["I t[1,\(large),1]"], ["U t->[1,~,2]"], ["U t[1,-,-]->[2,~,2]"],
            ])
    }

    @Test(
        "P04, P09: under FULL the new row is filled from the old one",
        arguments: TestDatabase.servers)
    func fullIdentity(server: String) throws {
        let lab = try LogLab(
            on: server,
            """
            CREATE TABLE t(id int PRIMARY KEY, a text, b int);
            ALTER TABLE t ALTER a SET STORAGE external;
            INSERT INTO t VALUES (1, repeat('x', 9000), 1)
            """)
        let reader = try lab.open()
        try lab.run(
            "UPDATE t SET b = 2", "ALTER TABLE t REPLICA IDENTITY FULL", "UPDATE t SET b = 3",
            "DELETE FROM t")
        let large = String(repeating: "x", count: 9000)
        #expect(
            try lab.lines(reader) == [
                ["U t->[1,~,2]"], ["U t(1,\(large),2)->[1,\(large),3]"], ["D t(1,\(large),3)"],
            ])
    }

    @Test("P02: an unchanged out-of-line value of the key is filled from the old key")
    func toastedKey() throws {
        let lab = try LogLab(
            on: "pg17",
            """
            CREATE TABLE t(id int, k text, PRIMARY KEY (id, k));
            ALTER TABLE t ALTER k SET STORAGE external;
            INSERT INTO t VALUES (1, repeat('k', 2100))
            """)
        let reader = try lab.open()
        try lab.run("UPDATE t SET id = 2")
        let key = String(repeating: "k", count: 2100)
        #expect(try lab.lines(reader) == [["U t[1,\(key)]->[2,\(key)]"]])
    }

    @Test("P05: a DELETE under FULL is one row of equal ones")
    func equalRows() throws {
        let lab = try LogLab(
            on: "pg17", "CREATE TABLE n(a int, b text); ALTER TABLE n REPLICA IDENTITY FULL")
        let reader = try lab.open()
        try lab.run(
            "INSERT INTO n VALUES (1,'x'),(1,'x')",
            "DELETE FROM n WHERE ctid = (SELECT min(ctid) FROM n)")
        #expect(try lab.lines(reader) == [["I n[1,x]", "I n[1,x]"], ["D n(1,x)"]])
    }

    @Test("P52: the tables of a TRUNCATE share its statement", arguments: TestDatabase.servers)
    func truncate(server: String) throws {
        let lab = try LogLab(
            on: server,
            """
            CREATE TABLE par(id int PRIMARY KEY);
            CREATE TABLE chd(id int PRIMARY KEY, p int REFERENCES par);
            CREATE TABLE s(id serial PRIMARY KEY)
            """)
        let reader = try lab.open()
        try lab.run(
            "TRUNCATE par CASCADE", "BEGIN; TRUNCATE s RESTART IDENTITY; TRUNCATE par, chd; COMMIT")
        #expect(
            try lab.lines(reader) == [["Tc#1 par", "Tc#1 chd"], ["Tr#2 s", "T#3 par", "T#3 chd"]])
    }

    @Test(
        "P48, P51: rows follow their table through renames and ALTERs",
        arguments: TestDatabase.servers)
    func renames(server: String) throws {
        let lab = try LogLab(
            on: server,
            "CREATE TABLE a(id int PRIMARY KEY); CREATE TABLE b(id int PRIMARY KEY, x int)")
        let reader = try lab.open()
        try lab.run(
            "INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (1, 1)",
            """
            BEGIN; ALTER TABLE a RENAME TO tmp; ALTER TABLE b RENAME TO a;
            ALTER TABLE tmp RENAME TO b; COMMIT
            """,
            "INSERT INTO a VALUES (2, 2)", "INSERT INTO b VALUES (2)",
            """
            BEGIN; INSERT INTO b VALUES (3); ALTER TABLE b ADD c int;
            INSERT INTO b VALUES (4, 4); COMMIT
            """,
            "ALTER TABLE b DROP COLUMN id", "INSERT INTO b VALUES (5)")
        #expect(
            try lab.lines(reader) == [
                ["I a[1]"], ["I b[1,1]"], ["I a[2,2]"], ["I b[2]"], ["I b[3]", "I b[4,4]"],
                ["I b[5]"],
            ])
    }

    @Test("P54: the role's own settings do not change values")
    func settingsOfTheRole() throws {
        let lab = try LogLab(
            on: "pg17", "CREATE TABLE t(id int PRIMARY KEY, d timestamptz, i interval, b bytea)")
        try lab.run(
            "ALTER DATABASE \(lab.database.name) SET datestyle = 'German'",
            "ALTER DATABASE \(lab.database.name) SET intervalstyle = 'sql_standard'",
            "ALTER DATABASE \(lab.database.name) SET bytea_output = 'escape'",
            "ALTER DATABASE \(lab.database.name) SET timezone = 'Asia/Kolkata'")
        let reader = try lab.open()
        try lab.run(
            "INSERT INTO t VALUES (1, '2024-03-04 05:06:07Z', '-1 mon +3 days -04:05:06', '\\377')")
        #expect(
            try lab.lines(reader) == [
                ["I t[1,2024-03-04 05:06:07+00,-1 mons +3 days -04:05:06,\\xff]"]
            ])
    }

    @Test("P69: a publication's name may hold quotes and commas")
    func oddNames() throws {
        let lab = try LogLab(
            on: "pg18", publication: "odd \"'p',\\",
            "CREATE TABLE \"T \"\"x\"(\"Ä\" int PRIMARY KEY)")
        let reader = try lab.open()
        try lab.run("INSERT INTO \"T \"\"x\" VALUES (1)")
        #expect(try lab.lines(reader) == [["I T \"x[1]"]])
    }
}
