internal import ReplicationModel

extension TableLoad.Unit {
    package var isPending: Bool { if case .pending = state { true } else { false } }
    package var isCopying: Bool { if case .copying = state { true } else { false } }
    /// Its worker waits until it may close.
    package var isRead: Bool {
        if case .copying(.some) = state { true } else { false }
    }
    package var isClosing: Bool { if case .closing = state { true } else { false } }
    var isInFlight: Bool { isCopying || isClosing }

    /// Whether the transaction is still to be applied to the unit's rows; nil: not known.
    func need(of mark: TransactionMark) -> SideNeed? {
        switch state {
        case .pending: SideNeed.none
        case .copying, .closing: snapshot?.need(of: mark.xid, at: mark.commitPosition)
        case .copied(let seal): seal.need(of: mark.xid, at: mark.commitPosition)
        }
    }

    func isPassed(by applied: LogPosition) -> Bool {
        guard case .copied(let seal) = state else { return false }
        return seal.position <= applied && seal.closedAt <= applied
    }

    mutating func void() {
        guard isCopying || isClosing && !isTaken else { return }
        state = .pending
        parked = ParkedChanges()
    }
}
