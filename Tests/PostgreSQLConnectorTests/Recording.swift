import ReplicationModel
import Testing

@testable import PostgreSQLConnector

/// One recording, message by message, with the decoder as it was before each of them.
struct Recording: CustomTestStringConvertible, Sendable {
    static let all = [
        Recording(version: 15, text: DecodeFixtures.version15),
        Recording(version: 17, text: DecodeFixtures.version17),
        Recording(version: 18, text: DecodeFixtures.version18),
    ]

    var version: Int
    var messages: [[UInt8]]
    var testDescription: String { "version \(version)" }

    init(version: Int, text: String) {
        self.version = version
        messages = text.split(separator: "\n").map { hexBytes(String($0)) }
    }

    static func decoder(changes: Int = 10_000) -> LogDecoder {
        LogDecoder(
            start: .zero, streaming: .on, limits: BatchLimits(bytes: 1 << 20, changes: changes))
    }

    /// Decodes all of it. Streamed messages are kept in memory and replayed at their commit.
    ///
    /// - Parameter visit: called before each message is decoded or replayed.
    func decode(
        _ decoder: inout LogDecoder,
        visit: (_ message: [UInt8], _ before: LogDecoder, _ isReplay: Bool) throws -> Void = {
            _, _, _ in
        }
    ) throws {
        var stored: [(subxid: UInt32, arrival: UInt32, message: [UInt8])] = []
        var aborted: Set<UInt32> = []
        for message in messages {
            try visit(message, decoder, false)
            switch try message.withUnsafeBytes({ try decoder.decode($0) }) {
            case .streamed(let subxid, let type, let body):
                stored.append((subxid, decoder.arrivals, [type] + Array(body)))
            case .streamAborted(let abort): aborted.insert(abort.subxid)
            case .streamCommitted(let commit):
                decoder.beginReplay(commit)
                for record in stored where !aborted.contains(record.subxid) {
                    try visit(record.message, decoder, true)
                    try record.message.withUnsafeBytes {
                        try decoder.replay($0, arrival: record.arrival)
                    }
                }
                _ = decoder.endReplay()
            case .consumed, .transactionEnded, .streamStarted, .streamStopped: break
            }
        }
    }
}

/// Hex digits, and `(76*2100)` for a byte that repeats.
func hexBytes(_ hex: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = hex[...]
    while let first = rest.first {
        if first == "(", let end = rest.firstIndex(of: ")") {
            let run = rest[..<end].dropFirst().split(separator: "*")
            let byte = UInt8(run[0], radix: 16) ?? 0
            bytes += Array(repeating: byte, count: Int(run[1]) ?? 0)
            rest = rest[end...].dropFirst()
        } else {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
    }
    return bytes
}

/// Calls `body` with memory of exactly these bytes, so that a read beyond them is one of foreign
/// memory.
func withExactBytes<R>(_ bytes: ArraySlice<UInt8>, _ body: (UnsafeRawBufferPointer) throws -> R)
    rethrows -> R
{
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    return try body(UnsafeRawBufferPointer(memory))
}
