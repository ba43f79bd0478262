package import ReplicationModel

/// The right to write for one pipeline: its name and the epoch this process took (I7).
///
/// Every target transaction runs `sql` first. The row lock makes whoever takes over wait for the
/// transaction to end, or end it; once the epoch is bumped the check finds no row.
package struct PGFence: Sendable, Equatable {
    package let pipeline: String
    package let epoch: Int64

    package init(pipeline: String, epoch: Int64) {
        self.pipeline = pipeline
        self.epoch = epoch
    }

    /// Returns one row while the epoch is ours, none when it is not. Parameters: `parameters`.
    package static let sql =
        "SELECT 1 FROM martlet.pipeline WHERE name = $1 AND epoch = $2::bigint FOR SHARE"

    package var parameters: [String?] { [pipeline, String(epoch)] }

    /// Runs `sql` in the transaction that is open on `connection`; throws `.fenced` without a row.
    package func check(_ connection: PGConnection) throws {
        guard try connection.query(Self.sql, parameters).rowCount == 1 else { throw violation }
    }

    /// What to throw when `sql`, or a statement that names the epoch, found no row.
    package var violation: ReplicationError {
        ReplicationError(
            .fenced, "write for pipeline '\(pipeline)'",
            why:
                "another process took the pipeline over, or it was dropped; "
                + "epoch \(epoch) has ended",
            try: "martlet status \(pipeline)")
    }
}
