import ReplicationModel

/// A line of a file of values with commas, or several lines where a quoted value has line breaks.
struct CSVRecord {
    /// The line it begins in, from 1.
    var line = 1
    var bytes: [UInt8] = []
    /// Byte ranges of the fields; nil for NULL, which is nothing at all, while `""` is a text.
    var fields: [Range<Int>?] = []
}

/// Why a file of values with commas cannot be read; says nothing of its values (I9).
struct CSVFault: Error, Equatable {
    var line: Int
    var why: String
}

/// Reads values with commas block by block.
///
/// Source: RFC 4180, and the NULL of PostgreSQL's `COPY ... (FORMAT csv)`. Whatever is written in
/// another way is refused, not guessed.
struct CSVReader {
    private enum State { case start, plain, quoted, closed, carriageReturn }

    private var state = State.start
    private var record = CSVRecord()
    private var fieldStart = 0
    private var line = 1
    private var mark: [UInt8] = []
    private var isPastMark = false

    /// A record takes that many bytes at most (I6).
    private static let recordBytes = 16 << 20
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// - Parameter take: is handed each record that is whole.
    mutating func read(
        _ block: UnsafeRawBufferPointer, _ take: (CSVRecord) throws -> Void
    ) throws {
        for byte in block {
            if !isPastMark, try passesMark(byte, take) { continue }
            try step(byte, take)
        }
    }

    /// Bytes in front of the first record that say nothing but that it is UTF-8.
    private mutating func passesMark(
        _ byte: UInt8, _ take: (CSVRecord) throws -> Void
    ) throws -> Bool {
        if byte == Self.byteOrderMark[mark.count] {
            mark.append(byte)
            isPastMark = mark.count == Self.byteOrderMark.count
            return true
        }
        isPastMark = true
        for byte in mark { try step(byte, take) }
        return false
    }

    mutating func finish(_ take: (CSVRecord) throws -> Void) throws {
        switch state {
        case .quoted: throw CSVFault(line: record.line, why: "a quote is not closed")
        case .carriageReturn: throw fault("a carriage return stands alone")
        case .start where record.fields.isEmpty: break
        case .start, .plain, .closed: try endRecord(take)
        }
    }

    private func fault(_ why: String) -> CSVFault { CSVFault(line: line, why: why) }

    private mutating func step(_ byte: UInt8, _ take: (CSVRecord) throws -> Void) throws {
        switch (state, byte) {
        case (.quoted, UInt8(ascii: "\"")): state = .closed
        case (.quoted, _): try append(byte)
        case (.closed, UInt8(ascii: "\"")):
            try append(byte)
            state = .quoted
        case (.carriageReturn, UInt8(ascii: "\n")): try endRecord(take)
        case (.carriageReturn, _): throw fault("a carriage return stands alone")
        case (_, UInt8(ascii: ",")): endField()
        case (_, UInt8(ascii: "\n")): try endRecord(take)
        case (_, UInt8(ascii: "\r")):
            endField()
            state = .carriageReturn
        case (.start, UInt8(ascii: "\"")): state = .quoted
        case (.start, _), (.plain, _):
            guard byte != UInt8(ascii: "\"") else {
                throw fault("a quote stands in a value that does not begin with one")
            }
            try append(byte)
            state = .plain
        case (.closed, _): throw fault("text follows a closing quote")
        }
    }

    private mutating func append(_ byte: UInt8) throws {
        guard byte != 0 else { throw fault("it has a NUL byte") }
        guard record.bytes.count < Self.recordBytes else {
            throw CSVFault(line: record.line, why: "a line is longer than 16 MB")
        }
        if byte == UInt8(ascii: "\n") { line += 1 }
        record.bytes.append(byte)
    }

    private mutating func endField() {
        let end = record.bytes.count
        record.fields.append(state == .start ? nil : fieldStart..<end)
        fieldStart = end
        state = .start
    }

    private mutating func endRecord(_ take: (CSVRecord) throws -> Void) throws {
        if state != .carriageReturn { endField() }
        guard String(validating: record.bytes, as: UTF8.self) != nil else {
            throw CSVFault(line: record.line, why: "it is not UTF-8")
        }
        try take(record)
        line += 1
        record.line = line
        record.bytes.removeAll(keepingCapacity: record.bytes.count < 1 << 20)
        record.fields.removeAll(keepingCapacity: true)
        (fieldStart, state) = (0, .start)
    }
}
