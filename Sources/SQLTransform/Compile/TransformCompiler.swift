import ReplicationEngine
import ReplicationModel

/// Compiles one transform against a table: parts, dependencies, types, key. Every error names the
/// place in the SQL.
struct TransformCompiler {
    let definition: TransformDefinition
    let route: TableRoute
    let session: TransformSession
    let select: SelectText

    /// - Throws: `.configuration`, with file, line and column of the SQL.
    static func compile(
        _ definition: TransformDefinition, _ route: TableRoute, keys: TransformKeys,
        lookups: Lookups? = nil
    ) throws -> Transform {
        try refuseNames(definition, route)
        try refuseTwin(lookups, definition, route)
        let session = try TransformSession(
            table: route.source.name.name, row: SourceRow(ExactColumns.columns(route)),
            keys: keys,
            hasClock: !definition.nondeterministic.isEmpty, lookups: lookups)
        let select: SelectText
        do { select = try SelectText(definition.sql) } catch {
            // SQLite's own word comes first: it knows where a mistake is.
            if error.isSelect { try prepareWhole(definition, session) }
            throw failure(definition, error.why, at: error.offset, try: error.remedy)
        }
        let compiler = TransformCompiler(
            definition: definition, route: route, session: session,
            select: select.replacing(ExactColumns.names(select.tokens, route)))
        return try compiler.compile()
    }

    private func compile() throws -> Transform {
        let whole = try Self.prepareWhole(definition, session)
        try refuseAggregates()
        try refuseJoins()
        let filteredBy = try filterColumns()
        var outputs: [Transform.Output] = []
        for index in select.outputs.indices {
            outputs += try self.outputs(index, whole, first: outputs.count)
        }
        guard outputs.count == whole.statement.columnCount else {
            throw failure("its outputs cannot be told apart", at: 0)
        }
        outputs += try ModeColumns(self).outputs(beside: outputs)
        try refuseTwins(outputs)
        try refuseStrayNames(outputs)
        let key = try key(outputs)
        return Transform(
            definition, source: route,
            target: DerivedRoute.route(definition, route, outputs, key: key), outputs: outputs,
            filteredBy: filteredBy,
            isOneToOne: definition.mode == .append
                || TransformKey(self).isOneToOne(outputs, key: key),
            statement: statement(outputs, isWhole: true),
            keyStatement: statement(
                outputs.indices.filter(key.contains).map { outputs[$0] }, isWhole: false),
            secrets: try secrets(),
            usedLookups: session.lookups?.tables.filter {
                whole.lookups.contains($0.name.lowercased())
            } ?? [], lookups: session.lookups)
    }

    private func key(_ outputs: [Transform.Output]) throws -> [Int] {
        // A log has no rows that would be looked for.
        if definition.mode == .append { return [] }
        return try TransformKey(self).columns(outputs)
            + ModeColumns(self).key(among: outputs)
    }

    @discardableResult
    private static func prepareWhole(
        _ definition: TransformDefinition, _ session: TransformSession
    ) throws -> TransformSession.Prepared {
        do {
            return try session.prepare(
                definition.sql, allowing: definition.nondeterministic.isEmpty ? [] : clocks)
        } catch {
            throw RefusalText(definition, session).failure(error)
        }
    }

    /// Functions that an output under `nondeterministic:` may call.
    static let clocks: Set<String> = [
        "random", "randomblob", "current_timestamp", "current_date", "current_time",
    ]

    // MARK: Outputs

    /// One part of the list: a single output, or those of a `*`.
    private func outputs(
        _ index: Int, _ whole: TransformSession.Prepared, first: Int
    ) throws -> [Transform.Output] {
        let range = select.outputs[index]
        let expression = select.tokens.text(range)
        let piece = try prepare(expression, at: index, mayBeRandom: true)
        try refuseHiddenAggregate(expression, at: index)
        let isName = select.isPlainName(range) && select.keepsRow(joining: session.lookupNames)
        return try (0..<piece.statement.columnCount).map { offset in
            let name = whole.statement.name(first + offset)
            guard name != "" else { throw failure("an output has no name", at: index) }
            if isName, let origin = piece.statement.origin(offset),
                let column = route.columns.firstIndex(where: { $0.name == origin })
            {
                return passing(column, as: name)
            }
            try requireName(name, range, at: index)
            guard piece.statement.columnCount == 1 else {
                throw failure("a star stands for columns of the table only", at: index)
            }
            if route.isKeyless || definition.key?.contains(name) == true {
                try refuseAboutChange(range, "it may stand in other outputs of a table with a key")
            }
            if !definition.nondeterministic.contains(name) {
                try refuseNow(range, output: index)
                _ = try prepare(expression, at: index, mayBeRandom: false)
            }
            let found = isName ? piece.statement.found(offset) : nil
            let column = try column(name, range, found, whole.lookups, at: index)
            return Transform.Output(
                column: column, passes: nil,
                dependsOn: piece.reads, lookups: piece.lookups, expression: expression,
                alone: select.statement(selecting: expression, filtered: true),
                constant: ConstantOutput.constant(range, select.tokens, column))
        }
    }

    private func passing(_ column: Int, as name: String) -> Transform.Output {
        var copy = route.columns[column]
        copy.name = name
        // They belong to the source's table: sequences, expressions over other columns.
        (copy.defaultExpression, copy.generated, copy.identity) = (nil, nil, nil)
        copy.identityOptions = nil
        return Transform.Output(
            column: copy, passes: column, dependsOn: [column], expression: "")
    }

    private func prepare(
        _ expression: String, at index: Int, mayBeRandom: Bool
    ) throws -> TransformSession.Prepared {
        // What it says nothing of makes no difference to its value.
        let sql = select.statement(
            selecting: expression, filtered: false,
            without: unneeded(expression, filtered: false) { _ in true })
        do {
            return try session.prepare(sql, allowing: mayBeRandom ? Self.clocks : [])
        } catch {
            guard let function = error.function else {
                throw failure("an output cannot stand alone: \(error.message)", at: index)
            }
            throw failure(
                "\(function)() may give another result each time", at: index,
                try: "name the output under 'nondeterministic:', or leave it out")
        }
    }

    /// SQLite calls an expression by its text.
    private func requireName(_ name: String, _ range: Range<Int>, at index: Int) throws {
        let text = select.tokens.text(range)
        guard name == text, range.count > 1 || !select.isPlainName(range) else { return }
        throw failure(
            "an expression has no name", at: index, try: "write \(text.prefix(40)) AS name")
    }

    private func column(
        _ name: String, _ range: Range<Int>, _ found: LookupTable.Column?, _ lookups: Set<String>,
        at index: Int
    ) throws -> Column {
        if let type = definition.types[name] ?? found?.type { return made(name, type) }
        let inference = TypeInference(tokens: select.tokens, columns: knownTypes(lookups))
        switch inference.type(of: range) {
        case .type(let type): return made(name, type)
        case .column(let type): return made(name, type)
        case .anything, nil:
            throw failure(
                "the type of the output \(name) cannot be told", at: index,
                try: "types: {\(name): text}, with one of "
                    + OutputType.known.joined(separator: ", "))
        }
    }

    func made(_ name: String, _ type: OutputType) -> Column {
        made(name, type.columnType(route.source.dialect))
    }

    /// A text of MySQL's is made with a collation that every server has, and that tells all texts
    /// apart but for blanks at their end.
    private func made(_ name: String, _ type: ColumnType) -> Column {
        var column = Column(name: name, type: type)
        let isText =
            [.text, .fixedText, .enumeration, .labelSet].contains(type.kind)
            || type.declaration == "char(36)"
        if route.source.dialect.isMySQLFamily, isText {
            (column.collation, column.isFolding) = ("utf8mb4_bin", true)
        }
        return column
    }

    // MARK: Filter and statement

    private func filterColumns() throws -> Set<Int> {
        let sql = select.statement(
            selecting: "1", filtered: true, without: unneeded("1", filtered: true, \.isLeft))
        try refuseNow(select.rest)
        try refuseAboutChange(select.rest, "filter by the row's columns")
        do { return try session.prepare(sql).reads } catch {
            let offset =
                select.rest.isEmpty
                ? 0 : select.written.tokens[select.rest.lowerBound].range.lowerBound
            if let function = error.function {
                throw Self.failure(
                    definition, "\(function)() may give another result each time", at: offset,
                    try: "filter by the row's columns")
            }
            throw Self.failure(
                definition, "WHERE cannot stand alone: \(error.message)", at: offset,
                try: "repeat the expression instead of the output's name")
        }
    }

    /// The expressions alone, in the outputs' order; what is passed through is never asked for.
    ///
    /// - Parameter isWhole: every join stays, so that one which makes several rows is found out.
    private func statement(_ outputs: [Transform.Output], isWhole: Bool) -> String? {
        let expressions = outputs.map(\.expression).filter { !$0.isEmpty }
        guard !expressions.isEmpty || !select.rest.isEmpty || !select.readsOneTable else {
            return nil
        }
        let list = expressions.isEmpty ? "1" : expressions.joined(separator: ", ")
        return select.statement(
            selecting: list, filtered: true,
            without: isWhole ? [] : unneeded(list, filtered: true, \.isLeft))
    }

    // MARK: Errors

    func failure(
        _ why: String, at output: Int, try remedy: String? = nil
    ) -> ReplicationError {
        Self.failure(definition, why, at: select.offset(ofOutput: output), try: remedy)
    }

    static func failure(
        _ definition: TransformDefinition, _ why: String, at offset: Int?, try remedy: String? = nil
    ) -> ReplicationError {
        let place = offset.map { offset in
            let (line, column) = SQLTokens.place(offset, in: Array(definition.sql.utf8))
            return "line \(line), column \(column) of its SQL"
        }
        return ReplicationError(
            .configuration, "compile the transform of \(definition.table)",
            table: definition.table,
            place: [definition.place, place ?? ""].filter { !$0.isEmpty }.joined(separator: ", "),
            why: why, try: remedy)
    }

    /// SQLite knows no two columns that differ in case.
    private static func refuseNames(_ definition: TransformDefinition, _ route: TableRoute) throws {
        var seen: Set<String> = []
        for column in route.columns where !seen.insert(column.name.lowercased()).inserted {
            throw failure(
                definition, "the table's columns differ by case only, which SQLite does not tell",
                at: nil, try: "leave the table without a transform")
        }
    }
}
