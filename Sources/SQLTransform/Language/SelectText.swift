/// Where the parts of a SELECT lie in its text. Every part is prepared again by itself, so that a
/// mistake here is an error of SQLite's, not another meaning.
struct SelectText {
    private(set) var tokens: SQLTokens
    /// As it was written: places in messages are of this text.
    let written: SQLTokens
    /// `WITH ...`, or empty.
    let prefix: Range<Int>
    let outputs: [Range<Int>]
    /// Behind FROM.
    let from: Range<Int>
    /// WHERE and its condition.
    let rest: Range<Int>

    struct Fault: Error, Equatable {
        /// Byte of the statement.
        var offset: Int
        var why: String
        var remedy: String?
        var isSelect = true
    }

    init(_ sql: String) throws(Fault) {
        tokens = SQLTokens(sql)
        written = tokens
        var all = 0..<tokens.tokens.count
        if let last = tokens.tokens.last, last.isSymbol(";") { all = 0..<all.count - 1 }
        let list = tokens.tokens
        let outer = tokens.outer(all)
        try Self.refuse(outer, list)
        guard let select = outer.first(where: { list[$0].isWord("SELECT") }),
            ["SELECT", "WITH"].contains(list[all.lowerBound].text)
        else {
            throw Fault(
                offset: 0, why: "it is not a SELECT", remedy: "SELECT ... FROM table",
                isSelect: false)
        }
        guard let from = Self.from(outer, list, after: select) else {
            throw Fault(
                offset: list[select].range.lowerBound, why: "it has no FROM",
                remedy: "SELECT ... FROM table")
        }
        var first = select + 1
        if first < from, ["DISTINCT", "ALL"].contains(where: list[first].isWord) { first += 1 }
        let end = outer.first { $0 > from && list[$0].isWord("WHERE") } ?? all.upperBound
        prefix = 0..<select
        outputs = tokens.split(first..<from)
        self.from = from + 1..<end
        rest = end..<all.upperBound
    }

    /// `IS [NOT] DISTINCT FROM` has the word too.
    private static func from(_ outer: [Int], _ list: [SQLTokens.Token], after select: Int) -> Int? {
        outer.first { index in
            index > select && list[index].isWord("FROM")
                && !(list[index - 1].isWord("DISTINCT") && index - 1 > select + 1)
        }
    }

    private static func refuse(_ outer: [Int], _ list: [SQLTokens.Token]) throws(Fault) {
        for index in outer {
            let token = list[index]
            switch (token.kind, token.text) {
            case (.word, "UNION"), (.word, "INTERSECT"), (.word, "EXCEPT"):
                throw Fault(
                    offset: token.range.lowerBound,
                    why: "\(token.text) makes several rows of one",
                    remedy: "one transform for each SELECT, with the same 'into'")
            case (.word, "GROUP"), (.word, "HAVING"), (.word, "ORDER"), (.word, "LIMIT"):
                throw Fault(
                    offset: token.range.lowerBound,
                    why: "\(token.text) needs many rows, and a transform sees one")
            // A word that may be a column's name too.
            case (.word, "WINDOW")
            where index + 2 < list.count && list[index + 2].isWord("AS"):
                throw Fault(
                    offset: token.range.lowerBound,
                    why: "WINDOW needs many rows, and a transform sees one")
            case (.parameter, _):
                throw Fault(
                    offset: token.range.lowerBound, why: "a transform has no parameters",
                    remedy: "key('NAME') is the value of a key")
            case (.symbol, ";"):
                throw Fault(
                    offset: token.range.lowerBound, why: "it is more than one statement")
            default: break
            }
        }
    }

    /// A SELECT of something else over the same row; without the filter, or some joins, if asked
    /// for.
    func statement(
        selecting expression: String, filtered: Bool, without left: Set<Int> = []
    ) -> String {
        let joins = self.joins
        let kept = joins.joins.indices.filter { !left.contains($0) }.map {
            tokens.text(joins.joins[$0].range)
        }
        return
            ([tokens.text(prefix), "SELECT", expression, "FROM", tokens.text(joins.first)]
            + kept + [filtered ? tokens.text(rest) : ""])
            .filter { !$0.isEmpty }.joined(separator: " ")
    }

    var joins: SelectJoins { SelectJoins(tokens, from) }

    func offset(ofOutput index: Int) -> Int {
        let range = outputs[index]
        return range.isEmpty ? 0 : written.tokens[range.lowerBound].range.lowerBound
    }

    /// With other words for some tokens; a word is one token, so that every place stays.
    func replacing(_ texts: [Int: String]) -> SelectText {
        var copy = self
        if !texts.isEmpty { copy.tokens = tokens.replacing(texts) }
        return copy
    }

    /// `FROM table [[AS] alias]`: columns of the result that are names are columns of the row.
    var readsOneTable: Bool {
        let from = tokens.tokens[self.from]
        return (1...3).contains(from.count) && from.allSatisfy(\.isName)
            && prefix.isEmpty
    }

    /// The row's table comes first, and what is joined to it has no other rows of it and leaves
    /// its columns alone: `FROM table LEFT JOIN lookup ON ...`.
    func keepsRow(joining lookups: Set<String>) -> Bool {
        let names = tokens.tokens[joins.first]
        return (1...3).contains(names.count) && names.allSatisfy(\.isName) && prefix.isEmpty
            && joins.joins.allSatisfy { join in
                join.table.map(lookups.contains) == true
                    && !["RIGHT", "FULL", "NATURAL"].contains(where: join.words.contains)
            }
    }

    /// Nothing but a name, with or without another one behind it.
    func isPlainName(_ output: Range<Int>) -> Bool {
        tokens.tokens[output].allSatisfy { $0.isName || $0.isSymbol(".") || $0.isSymbol("*") }
    }
}
