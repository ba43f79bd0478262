import Foundation

/// How long one row is computed on, in the thread's processor time: a machine that is busy and a
/// process that was suspended take nothing away. A row that needs more stops the pipeline: an
/// endless recursion, a regular expression that tries every way.
final class EvaluationTime {
    /// Steps of SQLite's machine between two looks.
    static let steps: Int32 = 1_000

    var limitSeconds = 10.0
    private var began: Double?
    private(set) var isOver = false

    /// Looks at no clock: most rows are done before the first look.
    func begin() {
        began = nil
        isOver = false
    }

    /// Whether the row may be computed on.
    func look() -> Bool {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        let now = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        let start = began ?? now
        began = start
        isOver = isOver || now - start > limitSeconds
        return !isOver
    }
}
