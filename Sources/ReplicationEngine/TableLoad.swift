package import ReplicationModel

/// The chunks of one table while it is loaded: what is copied, what is being copied, what is not.
///
/// Chunks partition (-infinity, +infinity) and are cut lazily from the left; a key above the last
/// cut is not yet copied. A key-chunk overrides the chunk around it (DESIGN 6.7).
package struct TableLoad: Sendable {
    /// One chunk or key-chunk.
    package struct Unit: Sendable {
        package var id: Int64
        package var range: KeyRange
        package var state: State = .pending
        package var parked = ParkedChanges()
        package var rows: Int64 = 0
        /// Its worker knows that it is closing. The stream closes staged units, whose workers may
        /// still wait for it.
        var isTaken = false
        /// What is being copied, as soon as it is known.
        var snapshot: SourceSnapshot?
        /// The `claims` of the table when a worker took it last.
        var claim = 0

        package init(id: Int64, range: KeyRange, state: State = .pending) {
            self.id = id
            self.range = range
            self.state = state
        }
    }

    package enum State: Sendable {
        case pending
        /// A worker reads it; its changes are parked. `readAt`: the chunk position, once its rows
        /// are read and the worker waits until it may close.
        case copying(readAt: LogPosition?)
        /// The worker takes the parked changes and commits; changes wait for that commit. `at`: the
        /// last position judged before.
        case closing(at: LogPosition)
        case copied(ChunkSeal)
    }

    /// Which unit a key belongs to.
    package enum Place: Hashable, Sendable {
        /// Above the last cut.
        case uncut
        case chunk(Int64)
        case key(Key)
    }

    package let route: TableRoute
    package let order: KeyOrder
    /// Ascending, without gaps from -infinity on.
    package internal(set) var chunks: [Unit] = []
    var sortableCuts: [[UInt8]] = []
    package internal(set) var keyChunks: [Key: Unit] = [:]
    /// Units that are being copied or closing: a few among very many.
    private var inFlight: Set<Place> = []
    /// The load starts again: no unit may start until that is committed (DESIGN 6.10).
    package var isHeld = false
    /// Rows go through a staging table, because the target's table has unique keys besides the
    /// chunk key (DESIGN 6.11).
    package var isStaged = false
    /// Of the key that changes find rows by.
    package enum TargetKey: Sendable {
        /// The target's table has it, or the table has none.
        case made
        /// It comes behind the rows, or before the first change that needs it.
        case awaited
        case making
    }

    package var targetKey = TargetKey.made
    /// Counts units that workers took, so that a worker notices that its unit is no longer its own.
    var claims = 0
    /// The plain indexes are made, or being made.
    package var isIndexed = false
    /// One worker looks for the next cut.
    package var isCutting = false
    /// One worker merges neighbours in the journal.
    package var isMerging = false
    /// No cut may be added while the stream asks the source where keys lie.
    package var cutsAreFrozen = false
    /// Who reads which part of a table without a key.
    var parts: SharedParts?
    /// What the source said about keys whose order only it knows; valid while cuts are frozen.
    package var located: [Key: Int] = [:]
    /// Counts restarts, so that a worker notices that its unit is gone.
    package private(set) var generation = 0
    var nextID: Int64 = 1

    package init(route: TableRoute) {
        self.route = route
        order = KeyOrder(route.keyColumns, route.source.dialect)
    }

    mutating func append(_ unit: Unit) {
        if chunks.isEmpty { sortableCuts = [] }
        chunks.append(unit)
        if let upper = unit.range.upper, let cut = order.sortable(upper) {
            sortableCuts.append(cut)
        }
        nextID = max(nextID, unit.id + 1)
    }

    package var isFullyCut: Bool { chunks.last.map { $0.range.upper == nil } ?? false }
    package var lastCut: Key? { chunks.last?.range.upper }
    package var cuts: [Key] { chunks.compactMap(\.range.upper) }
    package var rowsCopied: Int64 {
        chunks.reduce(0) { $0 + $1.rows } + keyChunks.values.reduce(0) { $0 + $1.rows }
    }
    package var units: [Unit] { chunks + keyChunks.values }

    /// Nobody knows whether some unit has what the transaction did: it was read in between, or is
    /// about to be.
    ///
    /// - Parameter moves: keys change, and with them units: then all must have it.
    func isInDoubt(of mark: TransactionMark, moves: Bool) -> Bool {
        units.contains { unit in
            guard let need = unit.need(of: mark) else { return true }
            return need == .idempotent || moves && need != .none
        }
    }

    /// Every unit is copied; nil otherwise. The value is the position that the applied stream must
    /// have passed before every later transaction applies whole: the newest chunk position, and the
    /// newest `closedAt`, because a chunk may hold a parked transaction that the stream, killed
    /// before its commit, brings once more.
    package var completePosition: LogPosition? {
        guard isFullyCut, !isHeld else { return nil }
        var newest = LogPosition.zero
        for unit in units {
            guard case .copied(let seal) = unit.state else { return nil }
            newest = max(newest, seal.position, seal.closedAt)
        }
        return newest
    }

    /// The unit of a key. nil when the source has to be asked first.
    package func place(of key: Key) -> Place? {
        if !keyChunks.isEmpty, keyChunks[key] != nil { return .key(key) }
        guard let index = chunkIndex(of: key) else { return nil }
        return index < chunks.count ? .chunk(chunks[index].id) : .uncut
    }

    /// The number of cuts strictly below the key.
    private func chunkIndex(of key: Key) -> Int? {
        if route.isKeyless || chunks.isEmpty || chunks[0].range == .everything { return 0 }
        guard case .here = order else { return located[key] }
        guard let sortable = order.sortable(key) else { return nil }
        var (low, high) = (0, sortableCuts.count)
        while low < high {
            let middle = (low + high) / 2
            if sortableCuts[middle].precedes(sortable) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package var asksSource: Bool {
        if case .source = order, !route.isKeyless { return true }
        return false
    }

    package subscript(place: Place) -> Unit? {
        get {
            switch place {
            case .uncut: nil
            case .key(let key): keyChunks[key]
            case .chunk(let id): position(of: id).map { chunks[$0] }
            }
        }
        set {
            switch place {
            case .uncut: return
            case .key(let key): keyChunks[key] = newValue
            case .chunk(let id):
                if let newValue, let at = position(of: id) { chunks[at] = newValue }
            }
            if newValue?.isInFlight ?? false {
                inFlight.insert(place)
            } else {
                inFlight.remove(place)
            }
        }
    }

    /// Parks in place, without copying the unit's parked changes.
    package mutating func park(
        _ change: Change, at place: Place, sides: ChangeSides, of mark: TransactionMark,
        in batch: ChangeBatch
    ) {
        switch place {
        case .uncut: break
        case .key(let key): keyChunks[key]?.parked.park(change, sides: sides, of: mark, in: batch)
        case .chunk(let id):
            guard let at = position(of: id) else { return }
            chunks[at].parked.park(change, sides: sides, of: mark, in: batch)
        }
    }

    /// The units that workers have, with their places.
    package var unitsInFlight: [(Place, Unit)] {
        inFlight.compactMap { place in self[place].map { (place, $0) } }
    }
    package var hasClosing: Bool {
        inFlight.contains { self[$0]?.isClosing ?? false }
            || parts.map { $0.committing > 0 } ?? false
    }

    mutating func takeForSpool(_ place: Place) -> (index: Int, piece: ParkedChanges.Piece)? {
        switch place {
        case .uncut: nil
        case .key(let key): keyChunks[key]?.parked.takeForSpool()
        case .chunk(let id): position(of: id).flatMap { chunks[$0].parked.takeForSpool() }
        }
    }

    mutating func settle(_ place: Place, _ index: Int, _ entry: ParkedSpool.Entry) {
        switch place {
        case .uncut: break
        case .key(let key): keyChunks[key]?.parked.settle(index, entry)
        case .chunk(let id):
            if let at = position(of: id) { chunks[at].parked.settle(index, entry) }
        }
    }

    /// The chunk of this id, or the one that it was merged into: merged chunks keep the first id.
    private func position(of id: Int64) -> Int? {
        var (low, high) = (0, chunks.count)
        while low < high {
            let middle = (low + high) / 2
            if chunks[middle].id <= id { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }

    // MARK: Changes of the partition

    /// A pending unit; key-chunks first, since the stream made them and nobody else has their rows.
    package func firstPending() -> Place? {
        if let key = keyChunks.first(where: { $0.value.isPending })?.key { return .key(key) }
        return chunks.first(where: \.isPending).map { .chunk($0.id) }
    }

    /// Adds the next chunk, up to `upper` (nil: the last one), in state copying.
    package mutating func addChunk(through upper: Key?) -> Place {
        let unit = Unit(
            id: nextID, range: KeyRange(after: lastCut, through: upper),
            state: .copying(readAt: nil))
        append(unit)
        inFlight.insert(.chunk(unit.id))
        return .chunk(unit.id)
    }

    /// The id under which a key-chunk is journaled: its own if there is one, else a new one.
    package mutating func keyChunkID(_ key: Key) -> Int64 {
        if let unit = keyChunks[key] { return unit.id }
        defer { nextID += 1 }
        return nextID
    }

    package mutating func setKeyChunk(_ key: Key, id: Int64) {
        self[.key(key)] = Unit(id: id, range: KeyRange(after: key, through: key))
    }

    /// Stops chunks that are being copied; their workers notice by `generation`. Those that close
    /// finish.
    package mutating func hold() {
        isHeld = true
        generation += 1
        voidUnits()
    }

    /// The target's table gets its key. Chunks that are being copied hold the table there, and may
    /// wait for the stream, which waits for the key: they are given up and read again. Those that
    /// close finish.
    mutating func beginKey() {
        targetKey = .making
        voidUnits()
    }

    private mutating func voidUnits() {
        for (place, unit) in unitsInFlight {
            var unit = unit
            unit.void()
            self[place] = unit
        }
    }

    /// The table is empty at the target and the journal knows nothing of it: start from the left.
    package mutating func restart() {
        generation += 1
        isHeld = false
        isMerging = false
        isCutting = false
        chunks = []
        sortableCuts = []
        keyChunks = [:]
        inFlight = []
        parts = nil
        located = [:]
    }
}
