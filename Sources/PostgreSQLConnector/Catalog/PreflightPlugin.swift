import Foundation
internal import ReplicationModel

/// Whether the server loads pgoutput: newer ones only load what `output_plugin_libraries` names
/// (P69), and show that setting to few roles.
extension Preflight {
    private static let check = "output_plugin_libraries"
    private static let probeTimeout = "2s"

    func plugin() throws -> [Finding] {
        do {
            let row = try connection.query("SELECT current_setting($1, true)", [Self.check])
            return row.text(0, 0).map { [listed($0)] } ?? []
        } catch let error as PGError.Server where error.sqlState == "42501" {
            return try probe()
        }
    }

    private func listed(_ list: String) -> Finding {
        let names = list.split(separator: ",").map { $0.trimmingPrefix(" ").trimmingPrefix("\"") }
        guard !names.contains(where: { $0.hasPrefix("pgoutput") || $0 == "*" }) else {
            return Finding(.ok, Self.check, list)
        }
        return refused("pgoutput is not in the list")
    }

    private func refused(_ why: String) -> Finding {
        Finding(
            .refused, Self.check, why,
            try: "ALTER SYSTEM SET output_plugin_libraries = 'pgoutput, test_decoding'; "
                + "SELECT pg_reload_conf()")
    }

    /// A temporary slot: the server looks at the list first and then waits for open transactions,
    /// so that one which still waits has passed. It is gone when this returns.
    private func probe() throws -> [Finding] {
        let name = "martlet_check_\(ProcessInfo.processInfo.processIdentifier)"
        do {
            try connection.run("SET statement_timeout = '\(Self.probeTimeout)'")
            defer { _ = try? connection.run("SET statement_timeout = 0") }
            try connection.query(
                "SELECT pg_create_logical_replication_slot($1, 'pgoutput', true)", [name])
            try connection.query("SELECT pg_drop_replication_slot($1)", [name])
            return [Finding(.ok, Self.check, "pgoutput is accepted")]
        } catch let error as PGError.Server {
            return finding(error)
        }
    }

    private func finding(_ error: PGError.Server) -> [Finding] {
        switch error.sqlState {
        case "57014": return [Finding(.ok, Self.check, "pgoutput is accepted")]
        // May not replicate: said by another finding.
        case "42501" where !error.message.contains("pgoutput"): return []
        case _ where error.message.contains("pgoutput"): return [refused(error.message)]
        default:
            return [
                Finding(
                    .warning, Self.check,
                    "\(role) may not see it, and no slot could be made to try: \(error.message)",
                    try: "GRANT pg_read_all_settings TO \(role.quotedIdentifier)")
            ]
        }
    }
}
