internal import ReplicationModel

/// What an event means for the group that is open.
extension BinlogDecoder {
    /// Every type that is known is here or in `decode`: what is neither decoded nor known to be
    /// safe is an error (I5).
    mutating func handle(
        _ header: EventHeader, _ body: UnsafeRawBufferPointer
    ) throws(MalformedEvent) -> Outcome {
        var reader = EventReader(body)
        switch EventType(rawValue: header.type) {
        case .gtid, .anonymousGTID, .taggedGTID: try mysqlGroup(header, &reader)
        case .mariadbGTID: return try mariadbGroup(header, &reader)
        case .query: return try statement(try QueryEvent(&reader), header)
        case .queryCompressed: return try compressedStatement(header, &reader)
        case .xid:
            _ = try reader.uint64()
            try reader.finish()
            return try endTransaction()
        case .xaPrepare:
            let prepare = try XAPrepareEvent(&reader)
            return prepare.isOnePhase ? try endTransaction() : try self.prepare(prepare.xid)
        case .tableMap: try tableMap(body)
        case .writeRowsV1, .updateRowsV1, .deleteRowsV1, .writeRows, .updateRows, .deleteRows,
            .writeRowsCompressedV1, .updateRowsCompressedV1, .deleteRowsCompressedV1,
            .writeRowsCompressed, .updateRowsCompressed, .deleteRowsCompressed:
            try changeRows(header, &reader)
        case .partialUpdateRows: throw .partialJSON
        case .incident: throw try IncidentEvent.refusal(&reader)
        case .beginLoadQuery, .executeLoadQuery: throw .statement("LOAD DATA")
        // Context of statements: the statement itself decides. Comments on the rows that follow.
        case .intvar, .rand, .userVar, .rowsQuery, .annotateRows: break
        // What the server notes for itself and for its replicas.
        case .previousGTIDs, .gtidList, .binlogCheckpoint, .startEncryption, .stop, .ignorable,
            .transactionContext, .viewChange:
            break
        case .formatDescription, .rotate, .heartbeat, .heartbeatV2, .transactionPayload:
            throw .outOfPlace
        case nil:
            guard header.isIgnorable else { throw .unknownEvent }
        }
        return .consumed
    }

    // MARK: Groups

    private mutating func mysqlGroup(
        _ header: EventHeader, _ reader: inout EventReader
    ) throws(MalformedEvent) {
        guard case .idle = phase else { throw .outOfPlace }
        let event =
            header.type == EventType.taggedGTID.rawValue
            ? try GTIDEvent(tagged: &reader)
            : try GTIDEvent(
                &reader, isAnonymous: header.type == EventType.anonymousGTID.rawValue)
        var group = Group(
            commit: try eventEnd(), gtid: event.gtid,
            time: event.commitTime > 0 ? event.commitTime : Int64(header.time) * 1_000_000)
        if let gtid = event.gtid { group.isApplied = try groups.pass(gtid) }
        phase = .group(group)
    }

    private mutating func mariadbGroup(
        _ header: EventHeader, _ reader: inout EventReader
    ) throws(MalformedEvent) -> Outcome {
        guard case .idle = phase else { throw .outOfPlace }
        let event = try MariaDBGTIDEvent(&reader, server: header.server)
        var group = Group(
            commit: try eventEnd(), gtid: event.gtid, time: Int64(header.time) * 1_000_000)
        // Not begun, or taken back: the commit brings the statement again (B23).
        group.isIgnored = event.alter == .start || event.alter == .rollback
        group.isApplied = try groups.pass(event.gtid)
        guard !event.isStandalone, !event.isCompletion else {
            phase = .group(group)
            return .consumed
        }
        begin(group)
        if event.isPrepare { builder.holdOpen() }
        return .consumed
    }

    private mutating func begin(_ group: Group) {
        phase = .transaction(group)
        // Not zero, which would mean no transaction.
        let xid = UInt32(truncatingIfNeeded: group.commit.rawValue) | 1
        builder.begin(xid: xid, position: group.commit, time: group.time, gtid: group.gtid)
    }

    mutating func endTransaction() throws(MalformedEvent) -> Outcome {
        guard case .transaction(let group) = phase else { throw .outOfPlace }
        phase = .idle
        tables.endStatement()
        guard !group.isApplied else {
            builder.dropOpen()
            return .passed
        }
        return .transactionEnded(inParts: builder.end(at: try eventEnd()))
    }

    /// The group of a statement that is not in one: of before GTIDs.
    private func group(_ header: EventHeader) throws(MalformedEvent) -> Group {
        Group(commit: try eventEnd(), time: Int64(header.time) * 1_000_000)
    }

    // MARK: Statements

    private mutating func compressedStatement(
        _ header: EventHeader, _ reader: inout EventReader
    ) throws(MalformedEvent) -> Outcome {
        var event = try QueryEvent(&reader)
        let text = try Inflation.event(event.text)
        return try text.reading { bytes throws(MalformedEvent) in
            event.text = bytes
            return try statement(event, header)
        }
    }

    private mutating func statement(
        _ event: QueryEvent, _ header: EventHeader
    ) throws(MalformedEvent) -> Outcome {
        // Nearly every one is this, and needs no conversion.
        if event.text.elementsEqual("BEGIN".utf8) { return try begin(header) }
        let text = try event.statement(converters)
        let kind = StatementKind(text, schema: event.schema, mode: event.mode)
        switch kind {
        case .begin: return try begin(header)
        case .commit: return try endTransaction()
        case .rollback: return try rollBack()
        case .savepoint(let name): builder.savepoint(name)
        case .release(let name): builder.release(name)
        case .rollbackTo(let name): try builder.rollBack(to: name)
        case .xa(let word, let xid): return try xa(word, xid, header)
        case .change(let word): throw .statement(word)
        case .unknown(let word): throw .unknownStatement(word)
        case .harmless, .truncate, .definition: return try define(kind, header)
        }
        return .consumed
    }

    /// MariaDB logs a transaction that was rolled back when it made or dropped a temporary table,
    /// or changed tables of engines without transactions. What it did to the others is undone.
    private mutating func rollBack() throws(MalformedEvent) -> Outcome {
        guard builder.dropChanges() else { throw .rolledBack("ROLLBACK") }
        return try endTransaction()
    }

    mutating func begin(_ header: EventHeader) throws(MalformedEvent) -> Outcome {
        switch phase {
        case .idle: begin(try group(header))
        case .group(let group): begin(group)
        case .transaction: throw .outOfPlace
        }
        return .consumed
    }

    /// DDL is a transaction of its own, unless it is inside one: CREATE TABLE ... SELECT (B22).
    private mutating func define(
        _ kind: StatementKind, _ header: EventHeader
    ) throws(MalformedEvent) -> Outcome {
        switch phase {
        case .transaction(let group):
            if group.counts { note(kind) }
            return .consumed
        case .group(let group): begin(group)
        case .idle: begin(try group(header))
        }
        if case .transaction(let group) = phase, group.counts { note(kind) }
        return try endTransaction()
    }

    /// What it does to tables that are followed; others are nobody's.
    private mutating func note(_ kind: StatementKind) {
        switch kind {
        case .truncate(let name):
            if let table = followed.described(name) { builder.truncate(table) }
        case .definition(let statement):
            let tables =
                statement.tables.compactMap { followed.described($0) }
                + (statement.schema.map { followed.described(in: $0) } ?? [])
            for table in tables { builder.define(table, what: statement.what) }
        default: break
        }
    }
}

// MARK: Rows

extension BinlogDecoder {
    private mutating func tableMap(_ body: UnsafeRawBufferPointer) throws(MalformedEvent) {
        guard case .transaction(let group) = try rowPhase() else { throw .outOfPlace }
        guard !isPassedOver(group) else { return }
        let id = try TableMapEvent.id(body)
        if tables.renew(id, body) { return }
        var reader = EventReader(body)
        let event = try TableMapEvent(&reader, isMariaDB: format?.isMariaDB ?? false)
        do throws(TableFault) {
            let map = try TableMap(
                event, source: Array(body), serial: tables.nextSerial,
                choice: followed.choice(event.name),
                converters)
            tables.define(id, map)
        } catch {
            note(table: event.name, column: error.column)
            throw error.event
        }
    }

    /// Rows that are applied need no description either: their tables may be others by now.
    private func isPassedOver(_ group: Group) -> Bool { group.isApplied && !builder.isHeld }

    /// A standalone group of MariaDB may hold rows: of sequences (B41).
    private mutating func rowPhase() throws(MalformedEvent) -> Phase {
        if case .group(let group) = phase { begin(group) }
        return phase
    }

    private mutating func changeRows(
        _ header: EventHeader, _ reader: inout EventReader
    ) throws(MalformedEvent) {
        guard case .transaction(let group) = phase else { throw .outOfPlace }
        guard !isPassedOver(group) else { return }
        guard let kind = RowsKind(header.type) else { throw .outOfPlace }
        let event = try RowsEvent(&reader, kind.form, version: kind.version)
        defer { if event.endsStatement { tables.endStatement() } }
        // Rows of tables that are nobody's are in no need of a description.
        if event.table == RowsEvent.dummyTable { return }
        let table = try tables.table(event.table)
        guard let plan = table.plan, !(options.leavesOutSkipped && header.isSkipped) else {
            return
        }
        do throws(MalformedEvent) {
            try rows.decode(
                event, table, plan, &reader, isCompressed: kind.isCompressed,
                allowsPartial: options.allowsPartialImages, into: &builder)
            try builder.checkHeld()
        } catch {
            let names = plan.names
            note(
                table: table.name,
                column: names.indices.contains(rows.column) ? names[rows.column] : nil)
            throw error
        }
    }
}

/// What the type of a row event says.
private struct RowsKind {
    var form: RowsEvent.Form
    var version: Int
    var isCompressed = false

    init?(_ type: UInt8) {
        switch EventType(rawValue: type) {
        case .writeRowsV1: (form, version) = (.write, 1)
        case .updateRowsV1: (form, version) = (.update, 1)
        case .deleteRowsV1: (form, version) = (.delete, 1)
        case .writeRows: (form, version) = (.write, 2)
        case .updateRows: (form, version) = (.update, 2)
        case .deleteRows: (form, version) = (.delete, 2)
        case .writeRowsCompressedV1: (form, version, isCompressed) = (.write, 1, true)
        case .updateRowsCompressedV1: (form, version, isCompressed) = (.update, 1, true)
        case .deleteRowsCompressedV1: (form, version, isCompressed) = (.delete, 1, true)
        case .writeRowsCompressed: (form, version, isCompressed) = (.write, 2, true)
        case .updateRowsCompressed: (form, version, isCompressed) = (.update, 2, true)
        case .deleteRowsCompressed: (form, version, isCompressed) = (.delete, 2, true)
        default: return nil
        }
    }
}
