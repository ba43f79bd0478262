/// A statement that a session prepares when it is used first and keeps.
///
/// Parameter types are named by oid: the server then reads each parameter with the type's own
/// input function and no length or scale, so that nothing is cut before the column's own check.
package final class PGPrepared {
    let sql: String
    /// Name at the server; unique per session.
    let name: String
    let types: [UInt32]
    /// Sent to the server and not known to have failed.
    var isPrepared = false

    init(_ sql: String, name: String, types: [UInt32]) {
        self.sql = sql
        self.name = name
        self.types = types
    }
}
