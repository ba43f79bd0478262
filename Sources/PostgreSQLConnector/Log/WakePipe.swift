import Foundation
internal import ReplicationModel

/// Ends another thread's `poll`. Any number of calls before the wait are one wake.
final class WakePipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw ReplicationError(
                .internalFault, "open a pipe", why: String(cString: strerror(errno)))
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func wake() {
        var byte: UInt8 = 0
        // A full pipe wakes as well.
        _ = write(writeEnd, &byte, 1)
    }

    /// Waits for a wake, or for `descriptor` to become readable (and writable, if asked).
    ///
    /// - Parameter descriptor: nil waits for a wake alone.
    func wait(_ descriptor: Int32?, alsoWritable: Bool = false, milliseconds: Int32) {
        var entries = [pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)]
        if let descriptor {
            let events = Int16(POLLIN) | (alsoWritable ? Int16(POLLOUT) : 0)
            entries.append(pollfd(fd: descriptor, events: events, revents: 0))
        }
        guard poll(&entries, nfds_t(entries.count), max(0, milliseconds)) > 0 else { return }
        if entries[0].revents != 0 { drain() }
    }

    private func drain() {
        var sink = [UInt8](repeating: 0, count: 64)
        while read(readEnd, &sink, sink.count) > 0 {}
    }
}
