internal import ReplicationEngine
internal import ReplicationModel

/// Tables of MySQL and MariaDB, told as PostgreSQL's catalogue would tell them.
///
/// Handed: routes in the source's dialect, and what is at the target. Hands on: the same routes
/// with PostgreSQL's types, defaults and definitions, from which the plan is made as if the source
/// were a PostgreSQL server; the types and sequences they need; what is mapped, and what is left
/// out.
struct ForeignTables {
    private(set) var routes: [TableRoute]
    /// Enumerations and sequences.
    private(set) var objects: [SchemaObject] = []
    private(set) var mappings: [String] = []
    private(set) var problems: [ReplicationError] = []
    private let lossy: LossyConversions
    private let existing: [TableName: ExistingTable]
    private let sources: [TableName: TableRoute]
    private var taken: Set<TableName>

    init(
        _ routes: [TableRoute], existing: [TableName: ExistingTable], _ lossy: LossyConversions
    ) {
        self.routes = routes
        self.lossy = lossy
        self.existing = existing
        sources = Dictionary(routes.map { ($0.source.name, $0) }) { first, _ in first }
        taken = Set(routes.map(\.target))
        for index in routes.indices where routes[index].source.dialect != .postgresql {
            checkNames(routes[index])
            translate(index)
        }
        // Only now every referenced table has its types.
        for index in routes.indices where routes[index].source.dialect != .postgresql {
            addForeignKeys(index, of: routes[index])
        }
        for index in routes.indices { self.routes[index].source.dialect = .postgresql }
    }

    private mutating func note(_ route: TableRoute, _ text: String) {
        mappings.append("\(route.source.name)\(text)")
    }

    private mutating func translate(_ index: Int) {
        let route = routes[index]
        var table = route.source
        table.columns = table.columns.map { column($0, route) }
        table.primaryKey = table.primaryKey.flatMap { key($0, route) }
        table.indexes = table.indexes.compactMap { self.index($0, route, table) }
        for check in table.checks { note(route, ": the check \(check.name) is left out") }
        table.checks = []
        table.foreignKeys = []
        let columns = Dictionary(table.columns.map { ($0.name, $0) }) { first, _ in first }
        routes[index].source = table
        routes[index].columns = route.columns.map { columns[$0.name] ?? $0 }
    }
}

// MARK: Columns

extension ForeignTables {
    private mutating func column(_ source: Column, _ route: TableRoute) -> Column {
        var column = source
        column.type = ForeignTypes.type(for: source.type)
        if source.type.kind == .enumeration { nameEnumeration(source, &column.type, route) }
        column.collation = nil
        column.generated = nil
        column.identityOptions = nil
        if source.type.declaration.lowercased() != column.type.declaration {
            note(route, ".\(source.name): \(source.type.declaration) -> \(column.type.declaration)")
        }
        if source.generated != nil {
            let isCarried = route.columns.contains { $0.name == source.name }
            let how = isCarried ? "carried as a plain column" : "left out"
            note(route, ".\(source.name): generated column, \(how)")
        }
        column.defaultExpression = source.defaultExpression.flatMap {
            defaultLiteral($0, source, column.type, route)
        }
        if source.identity != nil { count(&column, route) }
        if !source.isNullable { allowNull(&column, route) }
        return column
    }

    /// What becomes NULL because the configuration asks for it needs room for it.
    private mutating func allowNull(_ column: inout Column, _ route: TableRoute) {
        let isDate = [.date, .timestamp, .timestampWithZone].contains(column.type.kind)
        let isKey =
            ([route.source.primaryKey].compactMap { $0?.columns } + [route.keyColumns.map(\.name)])
            .contains { $0.contains(column.name) }
        guard lossy.zeroDate == .null, isDate, !isKey else { return }
        column.isNullable = true
        note(route, ".\(column.name): NOT NULL is left out for 'lossy: {zero_date: \"null\"}'")
    }

    private mutating func defaultLiteral(
        _ expression: String, _ source: Column, _ type: ColumnType, _ route: TableRoute
    ) -> String? {
        let constant = PortableDefault(parsing: expression, route.source.dialect)
        if constant == .null || source.generated != nil || source.identity != nil { return nil }
        if let literal = constant.flatMap({ Self.literal($0, source.type, type) }) {
            return literal
        }
        note(route, ".\(source.name): the default is left out")
        return nil
    }

    private static func literal(
        _ constant: PortableDefault, _ source: ColumnType, _ type: ColumnType
    ) -> String? {
        switch (source.kind, constant) {
        case (.int16, _), (.int32, _), (.int64, _), (.unsigned64, _), (.year, _):
            return constant.integer
        case (.numeric, _), (.float32, _), (.float64, _): return constant.decimal
        case (.boolean, .boolean(let isTrue)): return String(isTrue)
        case (.timestamp, .currentTimestamp), (.timestampWithZone, .currentTimestamp):
            return "CURRENT_TIMESTAMP"
        case (.text, .string(let text)), (.fixedText, .string(let text)),
            (.labelSet, .string(let text)):
            return text.utf8.contains(0) ? nil : text.quotedLiteral
        case (.enumeration, .string(let text)):
            guard type.kind == .text || source.size.labels.contains(text) else { return nil }
            return text.quotedLiteral
        default: return nil
        }
    }

    /// AUTO_INCREMENT: an identity, or where the type can be none (`bigint unsigned`, which is
    /// `numeric`), a sequence of its own.
    private mutating func count(_ column: inout Column, _ route: TableRoute) {
        column.identity = nil
        if [.int16, .int32, .int64].contains(column.type.kind) {
            column.identity = .byDefault
        } else if existing[route.target] == nil {
            let name = free("\(route.target.name)_\(column.name)_seq", route, current: nil)
            objects.append(
                SchemaObject(
                    kind: .sequence, name: name, definition: "CREATE SEQUENCE \(name.quoted)"))
            column.defaultExpression = "nextval(\(name.quoted.quotedLiteral)::regclass)"
        }
    }

    /// The type is named after table and column. Labels beyond the server's 63 bytes stay text.
    private mutating func nameEnumeration(
        _ source: Column, _ type: inout ColumnType, _ route: TableRoute
    ) {
        let labels = source.type.size.labels
        guard !labels.isEmpty, labels.allSatisfy({ $0.utf8.count <= 63 }) else {
            return note(route, ".\(source.name): its labels are not checked at the target")
        }
        let current = existing[route.target]?.columns.first { $0.name == source.name }
        let name = free(
            "\(route.target.name)_\(source.name)", route, current: current?.declaration)
        let list = labels.map(\.quotedLiteral).joined(separator: ", ")
        objects.append(
            SchemaObject(
                kind: .enumeration, name: name,
                definition: "CREATE TYPE \(name.quoted) AS ENUM (\(list))"))
        type = ColumnType(
            declaration: name.quoted, castName: name.quoted, id: 0, modifier: -1,
            kind: .enumeration)
        type.size = source.type.size
    }

    /// A name in the table's schema that nothing of the plan has, the same on every run: the one
    /// that the column there already has, if it is one that we would give.
    private mutating func free(
        _ name: String, _ route: TableRoute, current: String?
    ) -> TableName {
        let candidates = [name, TargetNames.alternative(name, for: route.target)]
            .filter { $0.utf8.count <= TargetNames.limit }
            .map { TableName(schema: route.target.schema, name: $0) }
        let kept = candidates.first { candidate in
            current.map { TargetTypes.holds($0, everyValueOf: candidate.quoted) } ?? false
        }
        let chosen =
            kept ?? candidates.first { !taken.contains($0) } ?? candidates[candidates.count - 1]
        taken.insert(chosen)
        return chosen
    }
}

// MARK: Indexes and foreign keys

extension ForeignTables {
    /// Every primary key of theirs is named PRIMARY.
    private mutating func key(_ key: Index, _ route: TableRoute) -> Index? {
        let name = key.name.uppercased() == "PRIMARY" ? "\(route.target.name)_pkey" : key.name
        guard var made = portable(key, route, route.source) else { return nil }
        made.name = name
        made.isConstraint = true
        made.definition = "PRIMARY KEY (\(Self.list(key.columns)))"
        return made
    }

    private mutating func index(
        _ index: Index, _ route: TableRoute, _ table: TableSchema
    ) -> Index? {
        guard var made = portable(index, route, table) else { return nil }
        made.isConstraint = false
        made.definition = "USING btree (\(Self.list(index.columns)))"
        if index.isUnique { noteEquality(index, route) }
        return made
    }

    private mutating func portable(
        _ index: Index, _ route: TableRoute, _ table: TableSchema
    ) -> Index? {
        let carried = Set(route.columns.map(\.name))
        switch PortableConstraint.columns(index, route.source.dialect) {
        case .failure(let refusal):
            note(route, ": the index \(index.name) is left out: \(refusal.reason)")
            return nil
        case .success(let columns) where !columns.allSatisfy(carried.contains):
            note(route, ": the index \(index.name) is left out: a column of it does not travel")
            return nil
        case .success: return index
        }
    }

    /// Weaker at the target, never stronger: what the source holds is never refused (A32).
    private mutating func noteEquality(_ index: Index, _ route: TableRoute) {
        let texts = route.source.columns.filter {
            index.columns.contains($0.name) && [.text, .fixedText].contains($0.type.kind)
                && !$0.comparesExactly
        }
        guard let text = texts.first else { return }
        note(
            route,
            ".\(text.name): the unique \(index.name) compares by characters at the target, "
                + "not by the source's collation")
    }

    private mutating func addForeignKeys(_ index: Int, of route: TableRoute) {
        for key in route.source.foreignKeys {
            switch reference(key, route) {
            case .success(let made): routes[index].source.foreignKeys.append(made)
            case .failure(let refusal):
                note(route, ": the foreign key \(key.name) is left out: \(refusal.reason)")
            }
        }
    }

    private func reference(
        _ key: ForeignKey, _ route: TableRoute
    ) -> Result<ForeignKey, PortableConstraint.Refusal> {
        guard let parent = sources[key.referenced] else {
            return .failure(.init("\(key.referenced) is not replicated"))
        }
        return PortableConstraint.actions(key, from: route.source, to: parent.source).map {
            var made = key
            made.name =
                key.name.utf8.count <= TargetNames.limit
                ? key.name : TargetNames.alternative(key.name, for: route.target)
            made.definition =
                "FOREIGN KEY (\(Self.list(key.columns))) REFERENCES "
                + "\(key.referenced.quoted)(\(Self.list(key.referencedColumns)))\($0)"
            return made
        }
    }

    private static func list(_ names: [String]) -> String {
        names.map(\.quotedIdentifier).joined(separator: ", ")
    }
}

// MARK: Names

extension ForeignTables {
    /// The server would cut longer names without a word (A42); these columns every table has.
    private mutating func checkNames(_ route: TableRoute) {
        let taken = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"]
        let isCut = { (name: String) in name.utf8.count > TargetNames.limit }
        let columns = route.columns.map(\.name)
        for name in [route.target.schema, route.target.name] where isCut(name) {
            addProblem(route, nil, "the name '\(name)' is longer than PostgreSQL's 63 bytes")
        }
        for name in columns where isCut(name) {
            addProblem(route, name, "the name is longer than PostgreSQL's 63 bytes")
        }
        for name in columns where taken.contains(name) {
            addProblem(route, name, "every table of PostgreSQL has a column of that name already")
        }
        if route.target.schema.hasPrefix("pg_") {
            addProblem(route, nil, "names of schemas that begin with pg_ are PostgreSQL's own")
        }
    }

    private mutating func addProblem(_ route: TableRoute, _ column: String?, _ why: String) {
        problems.append(
            ReplicationError(
                .unfitSchema, "name the table at the target", table: route.source.name,
                column: column, why: why,
                try: "rename it at the source, map its schema, or exclude the table"))
    }
}
