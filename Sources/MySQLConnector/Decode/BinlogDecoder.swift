internal import ReplicationModel

/// Decodes the binlog of MySQL and MariaDB, version 4.
///
/// Source: MySQL Internals, "The Binary Log"; MariaDB Knowledge Base, "MariaDB Replication
/// Protocol".
///
/// Handed: one event after the other, as the server sends them, without the packet's status byte.
/// Hands on: transactions in `builder`, and an outcome that says what else is to be done. No I/O.
///
///     idle --GTID--> group --BEGIN--> transaction --XID, COMMIT--> idle
///                      \--DDL--> idle   \--SAVEPOINT, ROLLBACK TO--> transaction
///     Without GTIDs (MySQL 5.6) a BEGIN leads from idle to transaction. MariaDB has no BEGIN: its
///     GTID says whether more than one event follows. A payload goes through the same states.
///
/// Positions are counted by the lengths of events: what an event says of its end may be missing
/// (B10) or wrapped (B12). Where the server passed over transactions that were not asked for, what
/// it says moves the count forward. Made-up events move nothing (B11).
struct BinlogDecoder: ~Copyable {
    struct Options: Sendable {
        var limits: BatchLimits
        /// Failovers before this one, for positions.
        var generation = 0
        /// Whether rows may lack columns (`binlog_row_image`); these are `Value.unchanged`.
        var allowsPartialImages = false
        /// Whether changes marked by `@@skip_replication` of MariaDB are left out (B02).
        var leavesOutSkipped = false
    }

    enum Outcome: Equatable {
        case consumed
        /// - inParts: it was the last part of a transaction that is delivered in several batches.
        case transactionEnded(inParts: Bool)
        /// A group ended that is applied already.
        case passed
        /// A compressed transaction: call `decodePayload` until it returns nil.
        case payload
        case heartbeat
    }

    struct Group {
        /// What its transaction is ordered by: the end of its first event. Not its start, which is
        /// the end of the group before: whoever has seen the log up to there has not seen this.
        var commit: LogPosition
        var gtid: GTID?
        var time: Int64
        /// It comes again, and only what is prepared in it counts (`PassedGroups`).
        var isApplied = false
        /// MariaDB, ALTER TABLE in two phases: only one of its two groups means something.
        var isIgnored = false

        /// Whether what it does to tables is to be noted.
        var counts: Bool { !isApplied && !isIgnored }
    }

    enum Phase {
        case idle
        case group(Group)
        case transaction(Group)
    }

    var builder: BatchBuilder
    var phase = Phase.idle
    var tables = TableMaps()
    var rows: RowsDecoder
    let converters = Converters()
    let options: Options
    let followed: FollowedTables
    var groups: PassedGroups
    private(set) var place = EventPlace()
    /// Where the next event begins.
    private(set) var file = 0
    private(set) var offset = 0
    private var start = 0
    private(set) var format: FormatDescriptionEvent?
    private var payload: PayloadEvents?

    init(_ options: Options, _ followed: FollowedTables, _ groups: PassedGroups) {
        self.options = options
        self.followed = followed
        self.groups = groups
        builder = BatchBuilder(limits: options.limits)
        rows = RowsDecoder(converters)
    }

    var isIdle: Bool {
        if case .idle = phase { return payload == nil }
        return false
    }

    // MARK: Events

    mutating func decode(_ event: UnsafeRawBufferPointer) throws(MalformedEvent) -> Outcome {
        guard payload == nil else { throw .outOfPlace }
        var reader = EventReader(event)
        let header = try EventHeader(&reader)
        place = EventPlace(type: header.type)
        guard header.length == event.count else {
            throw .length(says: header.length, has: event.count)
        }
        try advance(header)
        place.position = try? position(start)
        let body = try body(header, event)
        switch EventType(rawValue: header.type) {
        case .formatDescription: try describe(body)
        case .rotate: try rotate(header, body)
        case .heartbeat, .heartbeatV2: return .heartbeat
        case .transactionPayload:
            guard case .group = phase else { throw .outOfPlace }
            var reader = EventReader(body)
            payload = try PayloadEvents(try TransactionPayloadEvent(&reader))
            return .payload
        default: return try handle(header, body)
        }
        return .consumed
    }

    /// Decodes the next event of a compressed transaction; nil after the last.
    mutating func decodePayload() throws(MalformedEvent) -> Outcome? {
        guard let payload else { return nil }
        guard let event = try payload.next() else {
            self.payload = nil
            guard case .idle = phase else { throw .outOfPlace }
            return nil
        }
        return try event.reading { bytes throws(MalformedEvent) in
            var reader = EventReader(bytes)
            let header = try EventHeader(&reader)
            place.type = header.type
            return try handle(header, reader.rest())
        }
    }

    /// What is between header and checksum, after the checksum was compared.
    private func body(
        _ header: EventHeader, _ event: UnsafeRawBufferPointer
    ) throws(MalformedEvent) -> UnsafeRawBufferPointer {
        let body = UnsafeRawBufferPointer(rebasing: event[EventHeader.size...])
        if header.type == EventType.formatDescription.rawValue { return body }
        let checksum = Checksum(event)
        switch format?.hasChecksum {
        case true where checksum.isRight:
            return UnsafeRawBufferPointer(rebasing: body.dropLast(4))
        // Before the first description, and in the rotation between files with and without.
        case nil where checksum.isRight, false where header.isArtificial && checksum.isRight:
            return UnsafeRawBufferPointer(rebasing: body.dropLast(4))
        case true where !header.isArtificial: throw .checksum
        case true where header.type != EventType.rotate.rawValue: throw .checksum
        case true, false, nil: return body
        }
    }

    private mutating func describe(_ body: UnsafeRawBufferPointer) throws(MalformedEvent) {
        guard case .idle = phase else { throw .outOfPlace }
        format = try FormatDescriptionEvent(body)
        // Ids of tables are the server's, and may be new after its start.
        tables.endStatement()
    }

    // MARK: Positions

    /// Moves to the end of this event.
    private mutating func advance(_ header: EventHeader) throws(MalformedEvent) {
        start = offset
        guard !isMadeUp(header) else { return }
        offset += header.length
        guard header.nextPosition != 0 else { return }
        let ahead = header.nextPosition &- UInt32(truncatingIfNeeded: offset)
        // A jump of more than 3 GB forward is one back: no server passes over so much in a file.
        guard ahead < 0xC000_0000 else {
            throw .position(expected: offset, said: header.nextPosition)
        }
        start += Int(ahead)
        offset += Int(ahead)
    }

    private func isMadeUp(_ header: EventHeader) -> Bool {
        switch EventType(rawValue: header.type) {
        case .heartbeat, .heartbeatV2: true
        case .rotate, .formatDescription, .gtidList, .startEncryption:
            header.isArtificial || header.nextPosition == 0
        default: header.isArtificial
        }
    }

    private mutating func rotate(
        _ header: EventHeader, _ body: UnsafeRawBufferPointer
    ) throws(MalformedEvent) {
        var reader = EventReader(body)
        let event = try RotateEvent(&reader)
        guard case .idle = phase else { throw .outOfPlace }
        guard let number = event.number, let next = Int(exactly: event.offset) else {
            throw .invalid("a file without a number")
        }
        let isReal = !isMadeUp(header)
        let before = isReal ? try position(start) : nil
        (file, offset) = (number, next)
        if let before { builder.filler(from: before, to: try position(next)) }
    }

    func position(_ offset: Int) throws(MalformedEvent) -> LogPosition {
        guard
            let position = LogPosition(
                file: file, offset: offset, generation: options.generation)
        else { throw .tooLarge("the binlog position") }
        return position
    }

    func eventStart() throws(MalformedEvent) -> LogPosition { try position(start) }
    func eventEnd() throws(MalformedEvent) -> LogPosition { try position(offset) }

    /// For errors.
    mutating func note(table: TableName, column: String? = nil) {
        (place.table, place.column) = (table, column)
    }
}
