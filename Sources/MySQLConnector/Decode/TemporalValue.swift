/// Dates and times, today's forms (big-endian, with fractions) and those of before MySQL 5.6.
///
/// Invalid and zero dates are written as they are (`0000-00-00`, `2024-02-00`): what to do with
/// them is the target's question (B53).
extension RowText {
    // MARK: Writing

    @inline(__always)
    private mutating func putDate(year: Int, month: Int, day: Int) {
        putDigits(year, width: 4)
        put(UInt8(ascii: "-"))
        putTwo(month)
        put(UInt8(ascii: "-"))
        putTwo(day)
    }

    @inline(__always)
    private mutating func putTime(hour: Int, minute: Int, second: Int) {
        if hour > 99 { putDigits(hour, width: 3) } else { putTwo(hour) }
        put(UInt8(ascii: ":"))
        putTwo(minute)
        put(UInt8(ascii: ":"))
        putTwo(second)
    }

    /// `.1234`: without zeros at the end, as PostgreSQL prints it; nothing if it is zero.
    @inline(__always)
    private mutating func putFraction(microseconds: Int) {
        guard microseconds > 0 else { return }
        put(UInt8(ascii: "."))
        var (rest, width) = (microseconds, 6)
        while rest % 10 == 0 { (rest, width) = (rest / 10, width - 1) }
        putDigits(rest, width: width)
    }

    /// Room for the longest date and time, sign, fraction and zone.
    private static let room = 40

    // MARK: Reading

    @inline(__always)
    mutating func date(_ reader: inout EventReader) throws(MalformedEvent) {
        try reserve(Self.room)
        let value = Int(try reader.unsigned(3))
        putDate(year: value >> 9, month: value >> 5 & 15, day: value & 31)
    }

    /// Digits behind the second take a byte for each two, unused ones zero.
    @inline(__always)
    private static func bytes(ofFraction digits: Int) -> Int { (digits + 1) / 2 }

    @inline(__always)
    private static func microseconds(_ value: Int, bytes: Int) -> Int {
        switch bytes {
        case 1: value * 10_000
        case 2: value * 100
        default: value
        }
    }

    @inline(__always)
    private mutating func readFraction(
        _ reader: inout EventReader, digits: Int
    ) throws(MalformedEvent) -> Int {
        let size = Self.bytes(ofFraction: digits)
        guard size > 0 else { return 0 }
        let value = Self.microseconds(Int(try reader.bigEndian(size)), bytes: size)
        guard value < 1_000_000 else { throw .invalid("a fraction of a second of \(value) us") }
        return value
    }

    /// DATETIME2: sign, year * 13 + month, day, hour, minute, second in 1, 17, 5, 5, 6, 6 bits.
    @inline(__always)
    mutating func datetime(
        _ reader: inout EventReader, fraction: Int
    ) throws(MalformedEvent) {
        try reserve(Self.room)
        let packed = Int(try reader.bigEndian(5)) - 1 << 39
        guard packed >= 0 else { throw .invalid("a negative DATETIME") }
        let microseconds = try readFraction(&reader, digits: fraction)
        putPacked(packed)
        putFraction(microseconds: microseconds)
    }

    @inline(__always)
    private mutating func putPacked(_ packed: Int) {
        let month = packed >> 22
        putDate(year: month / 13, month: month % 13, day: packed >> 17 & 31)
        put(UInt8(ascii: " "))
        putTime(hour: packed >> 12 & 31, minute: packed >> 6 & 63, second: packed & 63)
    }

    /// TIMESTAMP2: seconds since 1970, unsigned: MariaDB goes to 2106. Zero is the zero date.
    @inline(__always)
    mutating func timestamp(
        _ reader: inout EventReader, fraction: Int
    ) throws(MalformedEvent) {
        try reserve(Self.room)
        let seconds = Int(try reader.bigEndian(4))
        putTimestamp(seconds, try readFraction(&reader, digits: fraction))
    }

    /// TIMESTAMP of before MySQL 5.6.
    mutating func oldTimestamp(_ reader: inout EventReader) throws(MalformedEvent) {
        try reserve(Self.room)
        putTimestamp(Int(try reader.uint32()), 0)
    }

    @inline(__always)
    private mutating func putTimestamp(_ seconds: Int, _ microseconds: Int) {
        if seconds == 0, microseconds == 0 {
            put("0000-00-00 00:00:00")
        } else {
            let (day, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
            let date = CivilDate(daysSince1970: day)
            putDate(year: date.year, month: date.month, day: date.day)
            put(UInt8(ascii: " "))
            putTime(hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60)
            putFraction(microseconds: microseconds)
        }
        put("+00")
    }

    /// TIME2: hour, minute, second in 10, 6, 6 bits, then the fraction, the whole of it negated and
    /// moved by half its range.
    @inline(__always)
    mutating func time(
        _ reader: inout EventReader, fraction: Int
    ) throws(MalformedEvent) {
        try reserve(Self.room)
        let extra = Self.bytes(ofFraction: fraction)
        let value = Int(try reader.bigEndian(3 + extra)) - 1 << (23 + 8 * extra)
        let size = value.magnitude
        let part = Int(size & (1 << (8 * UInt(extra)) - 1))
        let microseconds = Self.microseconds(part, bytes: extra)
        guard microseconds < 1_000_000 || extra == 0 else { throw .invalid("a fraction of TIME") }
        putTime(
            Int(size >> (8 * UInt(extra))), extra == 0 ? 0 : microseconds, isNegative: value < 0)
    }

    @inline(__always)
    private mutating func putTime(_ packed: Int, _ microseconds: Int, isNegative: Bool) {
        if isNegative { put(UInt8(ascii: "-")) }
        putTime(hour: packed >> 12 & 1023, minute: packed >> 6 & 63, second: packed & 63)
        putFraction(microseconds: microseconds)
    }

    /// TIME of before MySQL 5.6: the decimal number hhmmss.
    mutating func oldTime(_ reader: inout EventReader) throws(MalformedEvent) {
        try reserve(Self.room)
        let value = Int(try reader.signed(3))
        if value < 0 { put(UInt8(ascii: "-")) }
        let size = abs(value)
        putTime(hour: size / 10_000, minute: size / 100 % 100, second: size % 100)
    }

    /// DATETIME of before MySQL 5.6: the decimal number YYYYMMDDhhmmss.
    mutating func oldDatetime(_ reader: inout EventReader) throws(MalformedEvent) {
        try reserve(Self.room)
        let value = try reader.uint64()
        guard value < 100_000_000_000_000 else { throw .invalid("a DATETIME of 15 digits") }
        let (date, time) = Int(value).quotientAndRemainder(dividingBy: 1_000_000)
        putDate(year: date / 10_000, month: date / 100 % 100, day: date % 100)
        put(UInt8(ascii: " "))
        putTime(hour: time / 10_000, minute: time / 100 % 100, second: time % 100)
    }

    // MARK: Inside JSON

    /// A temporal value of a JSON document: always with six digits.
    ///
    /// - Parameter packed: as DATETIME2 and TIME2, but with 24 bits of microseconds.
    mutating func packedTemporal(_ packed: Int64, type: UInt8) throws(MalformedEvent) {
        try reserve(Self.room)
        let size = Int(packed.magnitude & UInt64(Int64.max))
        let (whole, fraction) = (size >> 24, size & 0xFF_FFFF)
        guard fraction < 1_000_000, whole >> 22 / 13 < 10_000 else {
            throw .invalid("a temporal value in JSON")
        }
        switch type {
        case 10:
            let month = whole >> 22
            putDate(year: month / 13, month: month % 13, day: whole >> 17 & 31)
            return
        case 11:
            if packed < 0 { put(UInt8(ascii: "-")) }
            putTime(hour: whole >> 12 & 1023, minute: whole >> 6 & 63, second: whole & 63)
        default: putPacked(whole)
        }
        put(UInt8(ascii: "."))
        putDigits(fraction, width: 6)
    }
}

/// A day of the Gregorian calendar.
struct CivilDate: Equatable {
    var year: Int
    var month: Int
    var day: Int

    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`;
    /// years begin in March.
    @inline(__always)
    init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}
