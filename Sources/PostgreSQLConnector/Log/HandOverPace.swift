/// How long whole transactions wait for more of their kind before they are handed over.
///
///     quiet      ..T            at once
///     a flood    TTTTTTTT  T    10 ms after the last batch: a consumer that keeps up would
///                               otherwise commit every few rows
///     filler     f  f  f        every 0.5 s: it only says that the log is read
///
/// Times are seconds on a clock that only runs forward.
struct HandOverPace {
    static let fillerSeconds = 0.5
    /// After a batch of this size more is on its way.
    static let floodChanges = 100
    static let floodSeconds = 0.01

    private var lastPut = 0.0
    private var lastPutChanges = 0
    private var lastFiller = 0.0

    /// The last batch was large: the next may be waited for.
    var isFlood: Bool { lastPutChanges >= Self.floodChanges }

    /// A batch was handed over.
    mutating func put(changes: Int, at now: Double) {
        lastPut = now
        lastPutChanges = changes
    }

    /// Nothing more had arrived when it was.
    mutating func putWhenDry(at now: Double) { lastFiller = now }

    /// Seconds for which the whole transactions that there are may still wait; none if not above 0.
    func delay(holdsOnlyFiller: Bool, at now: Double) -> Double {
        if holdsOnlyFiller { return Self.fillerSeconds - (now - lastFiller) }
        return isFlood ? Self.floodSeconds - (now - lastPut) : 0
    }
}
