internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// What must hold at the target before rows are written. Changes nothing.
struct TargetPreflight {
    let catalog: TargetCatalog
    let place: StatePlace
    let routes: [TableRoute]

    private var connection: MySQLConnection { catalog.connection }

    func findings() throws -> [Finding] {
        var found = [version, writability] + durability
        found += try galera() + [try loading(), try packets()]
        let kept = TargetKeptRows(connection: connection, place: place)
        let problems = try TargetSchemaPlan.make(routes, catalog, kept).problems
        found += problems.map { problem in
            Finding(
                .refused, "target table \(problem.table?.description ?? "")", problem.why,
                table: problem.table, column: problem.column, try: problem.remedy)
        }
        if problems.isEmpty {
            found.append(Finding(.ok, "target tables", "every table and column fits"))
        }
        return found + (try privileges())
    }

    private var version: Finding {
        Finding(.ok, "target version", connection.facts.version)
    }

    private var writability: Finding {
        let facts = connection.facts
        // MariaDB has more than ON for it.
        let isReadOnly = !["OFF", "0", nil].contains(facts.variable("read_only")?.uppercased())
        guard isReadOnly || facts.isOn("super_read_only") else {
            return Finding(.ok, "target is writable", "read_only is off")
        }
        return Finding(
            .refused, "target is writable", "read_only is on: a replica?",
            try: "name the primary in the target's URL, or SET GLOBAL read_only = OFF")
    }

    /// The source is told to forget what the target has committed (A03). The settings are global:
    /// a session cannot mend them.
    private var durability: [Finding] {
        let wanted = [("innodb_flush_log_at_trx_commit", "1"), ("sync_binlog", "1")]
        return wanted.compactMap { name, value in
            if name == "sync_binlog", !connection.facts.isOn("log_bin") { return nil }
            let found = (try? connection.query("SELECT @@GLOBAL.\(name)").text(0, 0)) ?? nil
            guard found == value else {
                return Finding(
                    .warning, "target commits are durable",
                    "\(name) is \(found ?? "unknown"): a power failure can lose commits that the "
                        + "source was told to forget", try: "SET GLOBAL \(name) = \(value)")
            }
            return Finding(.ok, "target commits are durable", "\(name) is \(value)")
        }
    }

    /// A commit there may be refused after every statement of it was taken, and locking reads hold
    /// on one node only: the epoch check would not fence.
    private func galera() throws -> [Finding] {
        let value = try connection.query("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'").text(orNil: 1)
        guard let value, ["ON", "1"].contains(value.uppercased()) else { return [] }
        return [
            Finding(
                .refused, "target is one server",
                "wsrep_on: locks of a Galera node do not hold at "
                    + "the others", try: "use a target that is no Galera cluster")
        ]
    }

    private func loading() throws -> Finding {
        guard !connection.facts.isOn("local_infile") else {
            return Finding(.ok, "target takes bulk loads", "LOAD DATA LOCAL is allowed")
        }
        return Finding(
            .ok, "target takes bulk loads",
            "local_infile is off: rows are loaded by INSERT, which is slower")
    }

    private func packets() throws -> Finding {
        let bytes = connection.facts.variable("max_allowed_packet").flatMap { Int($0) } ?? 0
        return Finding(
            .ok, "target takes large rows",
            "max_allowed_packet is \(bytes / 1_048_576) MB: larger values are looked for")
    }

    /// Asked of the server, without doing it: only it knows what roles and patterns add up to.
    private func privileges() throws -> [Finding] {
        var found: [Finding] = []
        for route in routes {
            guard try catalog.table(route.target) != nil else { continue }
            let name = SQLText.name(route.target)
            let probes = [
                ("DELETE", "DELETE FROM \(name) WHERE 1 = 0"),
                ("INSERT", "INSERT INTO \(name) SELECT * FROM \(name) WHERE 1 = 0"),
            ]
            for (privilege, sql) in probes where try isDenied(sql) {
                found.append(
                    Finding(
                        .refused, "privileges on \(route.target)", "no \(privilege)",
                        table: route.target, try: "martlet check PIPELINE --print-grants"))
            }
        }
        return found
    }

    private func isDenied(_ sql: String) throws -> Bool {
        do { try connection.run("EXPLAIN " + sql) } catch let error as MySQLError.Server
            where [1044, 1142, 1143, 1227].contains(error.code)
        {
            return true
        } catch is MySQLError.Server { return false }
        return false
    }
}

extension MySQLResult {
    /// A column of the first row; nil if there is none.
    func text(orNil column: Int) -> String? { rowCount > 0 ? text(0, column) : nil }
}
