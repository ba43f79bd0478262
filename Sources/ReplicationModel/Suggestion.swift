/// The nearest of some known words, for "did you mean".
package enum Suggestion {
    /// The candidate with the smallest edit distance to `word`, if it is near enough to be meant:
    /// at most a third of the letters differ.
    package static func nearest(to word: String, among candidates: [String]) -> String? {
        let folded = word.lowercased()
        let ranked = candidates.map { ($0, distance(folded, $0.lowercased())) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }) else { return nil }
        return best.1 <= max(2, word.count / 3) && best.1 < word.count ? best.0 : nil
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
    package static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a), b = Array(b)
        var before: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    best = min(best, before[j - 1] + 1)
                }
                row.append(best)
            }
            (before, last) = (last, row)
        }
        return last[b.count]
    }
}
