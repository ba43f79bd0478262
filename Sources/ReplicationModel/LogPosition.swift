/// A place in the source's log: an LSN of PostgreSQL, or a place in a binlog of MySQL or MariaDB.
///
/// Transactions are ordered and deduplicated by *commit* position only (I4): positions of single
/// changes are not ordered between transactions (P12).
///
/// A binlog position is a file's number and an offset in it, ordered by number, not by name: file
/// `.999999` is before `.1000000` (B13). Another server has files of its own: after a failover the
/// `generation` is one higher, so that what it sends comes after everything before, and where to go
/// on is said by the GTID set beside the position (`LogPlace`).
package struct LogPosition: Hashable, Comparable, Sendable {
    package enum Form: UInt8, Sendable { case lsn, binlog }

    package var rawValue: UInt64
    package let form: Form

    package static let zero = LogPosition(rawValue: 0)

    /// An LSN: bytes since the start of the WAL.
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
        form = .lsn
    }

    /// nil beyond 4 million files, 64 GB a file or 63 failovers.
    package init?(file: Int, offset: Int, generation: Int = 0) {
        guard (0...Self.lastFile).contains(file), (0...Self.lastOffset).contains(offset),
            (0...Self.lastGeneration).contains(generation)
        else { return nil }
        rawValue = UInt64(generation) << 58 | UInt64(file) << 36 | UInt64(offset)
        form = .binlog
    }

    private static let lastGeneration = 1 << 6 - 1
    private static let lastFile = 1 << 22 - 1
    private static let lastOffset = 1 << 36 - 1

    /// Of a binlog position; bytes since the start of the file, as the server counts them.
    package var offset: Int { Int(rawValue & UInt64(Self.lastOffset)) }
    package var file: Int { Int(rawValue >> 36) & Self.lastFile }
    package var generation: Int { Int(rawValue >> 58) }

    package static func < (a: LogPosition, b: LogPosition) -> Bool { a.rawValue < b.rawValue }
}

extension LogPosition: CustomStringConvertible {
    /// Parses PostgreSQL's form `16/B374D848`, or a binlog position `000042:1234`, `:1234` after a
    /// whole file name (`binlog.000042:1234`) too; nil if `text` is neither.
    package init?(parsing text: some StringProtocol) {
        if text.contains(":") {
            self.init(parsingBinlog: text)
        } else {
            self.init(parsingLSN: text)
        }
    }

    private init?(parsingLSN text: some StringProtocol) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, (1...8).contains(halves[0].count),
            (1...8).contains(halves[1].count),
            // `UInt32` would also read a sign.
            halves.allSatisfy({ $0.allSatisfy(\.isHexDigit) }),
            let high = UInt32(halves[0], radix: 16), let low = UInt32(halves[1], radix: 16)
        else { return nil }
        self.init(rawValue: UInt64(high) << 32 | UInt64(low))
    }

    private init?(parsingBinlog text: some StringProtocol) {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        guard halves.count == 2, let number = halves[0].split(separator: ".").last else {
            return nil
        }
        let ends = halves[1].split(separator: "@", omittingEmptySubsequences: false)
        guard (1...2).contains(ends.count), let file = Self.number(number),
            let offset = Self.number(ends[0]),
            let generation = ends.count == 1 ? 0 : Self.number(ends[1])
        else { return nil }
        self.init(file: file, offset: offset, generation: generation)
    }

    /// `Int` would also read a sign.
    private static func number(_ text: some StringProtocol) -> Int? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
    }

    package var description: String {
        switch form {
        case .lsn:
            let high = String(rawValue >> 32, radix: 16, uppercase: true)
            let low = String(rawValue & 0xFFFF_FFFF, radix: 16, uppercase: true)
            return high + "/" + low
        case .binlog:
            let number = String(file)
            let padded = String(repeating: "0", count: max(0, 6 - number.count)) + number
            return "\(padded):\(offset)" + (generation == 0 ? "" : "@\(generation)")
        }
    }
}

/// Where the log is read on: a position in this server's log, and what makes it good for another
/// server of the same history.
package struct LogPlace: Hashable, Sendable {
    package var position: LogPosition
    /// Everything that is applied. nil for PostgreSQL, and for a server that writes no GTIDs.
    package var gtids: GTIDSet?
    /// Where the log must be read from to have the rows of XA transactions that were prepared and
    /// have not ended (B20): what `gtids` was before the oldest of them. nil: there are none.
    package var readFrom: GTIDSet?

    package init(position: LogPosition, gtids: GTIDSet? = nil, readFrom: GTIDSet? = nil) {
        self.position = position
        self.gtids = gtids
        self.readFrom = readFrom
    }
}

/// What a target that somebody else filled holds already: where a run is told to begin.
package enum LogStart: Hashable, Sendable {
    /// What commits up to it.
    case position(LogPosition)
    case gtids(GTIDSet)
}
