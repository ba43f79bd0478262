import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

/// Random transactions go to the target and to a model in memory. After every batch both hold the
/// same rows, and nothing had to be run one by one: what a source can do, nets.
@Suite("Applying random batches to MySQL and MariaDB")
struct TargetDifferentialTests {
    struct Row: Equatable {
        var key: Int
        var unique: String?
        var large: String?
    }

    /// Key, a unique column that may be handed from row to row, and a value that updates may leave
    /// out.
    struct Model {
        var rows: [Row] = []
        private var random: SeededGenerator

        init(seed: UInt64) { random = SeededGenerator(seed: seed) }

        mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

        private mutating func text() -> String? {
            let choices: [String?] = [
                nil, "", "a", "A", "a ", "O'Hara", "back\\slash", "tab\tand\nline", "\\N", "ü€😀",
                "\"; --",
            ]
            return choices[below(choices.count)]
        }

        private mutating func newRow() -> Row? {
            for _ in 0..<20 {
                let row = Row(key: below(30), unique: unique(), large: text())
                if !rows.contains(where: { $0.key == row.key || clash($0, row) }) { return row }
            }
            return nil
        }

        private mutating func unique() -> String? { below(6) == 0 ? nil : "u\(below(40))" }
        private func clash(_ a: Row, _ b: Row) -> Bool {
            a.unique != nil && a.unique == b.unique
        }

        private func fields(_ row: Row) -> TestRow { ["\(row.key)", row.unique, row.large] }

        mutating func step(_ builder: inout BatchBuilder) {
            if below(60) == 0 {
                rows = []
                return builder.truncate()
            }
            let choice = rows.count < 2 ? 0 : below(6)
            switch choice {
            case 0:
                guard let row = newRow() else { return }
                rows.append(row)
                builder.insert(fields(row))
            case 1:
                let row = rows.remove(at: below(rows.count))
                builder.delete(["\(row.key)", nil, nil])
            case 2: update(&builder, movesKey: false)
            case 3: update(&builder, movesKey: true)
            case 4: swap(&builder)
            default: replace(&builder)
            }
        }

        private mutating func update(_ builder: inout BatchBuilder, movesKey: Bool) {
            let index = below(rows.count)
            guard let other = newRow() else { return }
            var row = rows[index]
            if movesKey { row.key = other.key }
            if below(2) == 0 { row.unique = other.unique }
            if below(2) == 0 { row.large = other.large }
            log(rows[index], row, &builder)
            rows[index] = row
        }

        private mutating func log(_ old: Row, _ new: Row, _ builder: inout BatchBuilder) {
            var fields = fields(new)
            if old.large == new.large, below(3) > 0 { fields[2] = BatchBuilder.unchanged }
            let key: TestRow? = old.key == new.key ? nil : ["\(old.key)", nil, nil]
            builder.update(old: key, fields)
        }

        /// At once, as a deferrable constraint allows.
        private mutating func swap(_ builder: inout BatchBuilder) {
            let first = below(rows.count)
            let second = (first + 1) % rows.count
            let (a, b) = (rows[first], rows[second])
            (rows[first].unique, rows[second].unique) = (b.unique, a.unique)
            log(a, rows[first], &builder)
            log(b, rows[second], &builder)
        }

        private mutating func replace(_ builder: inout BatchBuilder) {
            let index = below(rows.count)
            builder.delete(["\(rows[index].key)", nil, nil])
            rows[index].large = text()
            builder.insert(fields(rows[index]))
        }

        var texts: [String] {
            rows.map {
                ["\($0.key)", $0.unique ?? "NULL", $0.large ?? "NULL"].joined(separator: "|")
            }
            .sorted()
        }
    }

    @Test("I8, A27, P11: 60 random batches", arguments: TestServer.all)
    func randomBatches(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route(
            "t", [.id, Column("k", "text", .text), Column("large", "text", .text)]
        ) {
            $0.indexes = [
                Index(
                    name: "t_k", columns: ["k"], isUnique: true, isConstraint: true,
                    definition: "UNIQUE (k) DEFERRABLE INITIALLY DEFERRED")
            ]
        }
        try lab.make([route])
        let applier = try lab.applier([route])
        let seed = UInt64.random(in: 0..<1_000_000)
        var model = Model(seed: seed)
        for number in 0..<60 {
            var builder = BatchBuilder([route])
            for _ in 0..<model.below(4) + 1 {
                for _ in 0..<model.below(12) + 1 { model.step(&builder) }
                builder.commit()
            }
            do { try applier.run(builder.batch) } catch {
                Issue.record("seed \(seed), batch \(number): \(error)")
                return
            }
            let found = try lab.rows("t")
            guard found == model.texts else {
                Issue.record("seed \(seed), batch \(number): \(found) instead of \(model.texts)")
                return
            }
        }
    }
}

/// SplitMix64: the same sequence for the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
