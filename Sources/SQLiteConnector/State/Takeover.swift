internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// Who may take a pipeline over.
///
/// A file's holders are processes of one host (WAL needs shared memory), so a holder that is dead
/// can be told from one that is silent. A stopped process that holds SQLite's write lock cannot be
/// fenced: whoever comes waits for the lock and then fails, naming it (DESIGN I7).
enum Takeover {
    /// Throws `.fenced` while somebody else holds a running lease.
    static func check(_ stored: StoredPipeline, by newcomer: Holder, _ pipeline: String) throws {
        guard stored.leaseIsValid, let holder = stored.holder, holder != newcomer,
            !isDead(holder, seenBy: newcomer)
        else { return }
        throw ReplicationError(
            .fenced, "take over pipeline \(pipeline)",
            why: "process \(holder.pid) on \(holder.host) runs it and its lease has not ended",
            try: "end that process, or wait until its lease ends")
    }

    /// Whether the holder was a process of this host that is gone.
    static func isDead(_ holder: Holder, seenBy newcomer: Holder) -> Bool {
        guard holder.host == newcomer.host else { return false }
        // Our own id under another instance: a former process had it (always 1 in a container).
        if holder.pid == newcomer.pid { return holder.instance != newcomer.instance }
        return kill(holder.pid, 0) == -1 && errno == ESRCH
    }
}
