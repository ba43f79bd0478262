/// ROTATE_EVENT: the next event is in another file. At the end of a file, and made up by the server
/// at the start of a dump.
struct RotateEvent: Equatable {
    var offset: UInt64
    var file: String

    init(_ reader: inout EventReader) throws(MalformedEvent) {
        offset = try reader.uint64()
        file = try reader.text(reader.left)
    }

    /// The number behind the last dot; names are compared by it, not as text (B13).
    var number: Int? {
        guard let digits = file.split(separator: ".").last, digits.allSatisfy(\.isNumber) else {
            return nil
        }
        return Int(digits)
    }
}
