/// Whether the net change is worth trying. One batch that has to be run again one by one costs
/// little; a workload of which every batch does (values of unique columns in a ring) would apply
/// everything twice. From the second failure in a row on, 1, 2, 4 ... up to 64 batches are not
/// tried; what works ends that at once.
struct NetBackOff {
    static let most = 64

    private var failures = 0
    private var left = 0

    /// Asked once per batch.
    mutating func mayTry() -> Bool {
        guard left > 0 else { return true }
        left -= 1
        return false
    }

    mutating func worked() { failures = 0 }

    mutating func fellBack() {
        failures += 1
        guard failures > 1 else { return }
        left = min(Self.most, 1 << min(failures - 2, 10))
    }
}
