internal import CZstd

/// TRANSACTION_PAYLOAD_EVENT: the events of a transaction, compressed (B06).
struct TransactionPayloadEvent {
    /// As long as the decoder needs it: the event itself is gone by then.
    var data: [UInt8]
    var isCompressed: Bool

    init(_ reader: inout EventReader) throws(MalformedEvent) {
        var size: Int?
        var method: UInt64 = 255
        fields: while true {
            let field = try reader.lengthEncoded()
            guard field != 0 else { break fields }
            var value = EventReader(try reader.take(try reader.count()))
            switch field {
            case 1: size = try value.count()
            case 2: method = try value.lengthEncoded()
            default: continue  // 3: the size before compression
            }
        }
        guard let size else { throw .invalid("a payload without size") }
        guard method == 0 || method == 255 else { throw .compression("method \(method)") }
        data = Array(try reader.take(size))
        isCompressed = method == 0
        try reader.finish()
    }
}

/// Hands out the events of a payload one after the other; only one is in memory at a time (I6).
final class PayloadEvents {
    private let payload: TransactionPayloadEvent
    private var taken = 0
    private let context: OpaquePointer
    private var event: [UInt8] = []

    init(_ payload: TransactionPayloadEvent) throws(MalformedEvent) {
        guard let context = ZSTD_createDCtx() else { throw .compression("zstd did not start") }
        self.context = context
        self.payload = payload
    }

    deinit { ZSTD_freeDCtx(context) }

    /// The next event, header included; nil after the last.
    func next() throws(MalformedEvent) -> [UInt8]? {
        event.removeAll(keepingCapacity: event.capacity < 1 << 20)
        guard try read(EventHeader.size) > 0 else { return nil }
        let length = try event.reading { bytes throws(MalformedEvent) in
            var reader = EventReader(bytes)
            return try EventHeader(&reader).length
        }
        guard length >= EventHeader.size, length <= Inflation.limit else {
            throw .invalid("an event of \(length) bytes")
        }
        let body = length - EventHeader.size
        guard try read(body) == body else { throw .truncated(needs: body, has: 0) }
        return event
    }

    /// Appends `count` bytes to `event`, or none at the end of the payload.
    private func read(_ count: Int) throws(MalformedEvent) -> Int {
        let read = payload.isCompressed ? try decompress(count) : copy(count)
        guard read == count || read == 0 else { throw .truncated(needs: count, has: read) }
        return read
    }

    private func copy(_ count: Int) -> Int {
        let end = min(taken + count, payload.data.count)
        event.append(contentsOf: payload.data[taken..<end])
        defer { taken = end }
        return end - taken
    }

    private func decompress(_ count: Int) throws(MalformedEvent) -> Int {
        let start = event.count
        event.append(contentsOf: repeatElement(0, count: count))
        var output = ZSTD_outBuffer(dst: nil, size: count, pos: 0)
        var failure: String?
        event.withUnsafeMutableBytes { room in
            payload.data.withUnsafeBytes { data in
                var input = ZSTD_inBuffer(src: data.baseAddress, size: data.count, pos: taken)
                output.dst = room.baseAddress?.advanced(by: start)
                failure = fill(&output, &input)
                taken = input.pos
            }
        }
        if let failure { throw .compression(failure) }
        event.removeLast(count - output.pos)
        return output.pos
    }

    private func fill(_ output: inout ZSTD_outBuffer, _ input: inout ZSTD_inBuffer) -> String? {
        while output.pos < output.size {
            let (before, inputBefore) = (output.pos, input.pos)
            let code = ZSTD_decompressStream(context, &output, &input)
            if ZSTD_isError(code) != 0 { return String(cString: ZSTD_getErrorName(code)) }
            // Nothing left, in the data or in the decompressor.
            if output.pos == before, input.pos == inputBefore { break }
        }
        return nil
    }
}
