package import Configuration
package import ReplicationEngine
package import ReplicationModel
package import SQLTransform

/// From the source's tables and the configuration to where each one goes.
package enum Routing {
    /// In the order of `tables`.
    ///
    /// - Throws: `.configuration` if two tables would go to the same place, or `map.schemas` names
    ///   a schema that none of them is in.
    package static func routes(
        _ tables: [TableSchema], _ configuration: PipelineConfiguration,
        _ transforms: [TransformDefinition] = []
    ) throws -> [TableRoute] {
        try checkMap(tables, configuration)
        let targets = Dictionary(grouping: transforms, by: \.table).mapValues { list in
            list.map { Place($0.table, $0.target, isMeant: $0.isWritten) }
        }
        let routes = tables.map { table in
            var route = route(table, configuration)
            route.target = targets[table.name]?.first?.target ?? route.target
            return route
        }
        try refuseCollisions(
            routes.flatMap { route in
                targets[route.source.name] ?? [Place(route.source.name, route.target)]
            }, configuration.target.engine)
        return routes
    }

    private static func route(_ table: TableSchema, _ configuration: PipelineConfiguration)
        -> TableRoute
    {
        let columns = carriedColumns(of: table, to: configuration.target.engine)
        let key = table.chunkKey.compactMap { name in columns.firstIndex { $0.name == name } }
        return TableRoute(
            source: table, target: target(of: table.name, configuration), columns: columns, key: key
        )
    }

    /// What MySQL computes no other engine does, and its log has the values (B61). MariaDB's has
    /// them too, but from 11.4 on not in updates and deletes.
    static func carriedColumns(
        of table: TableSchema, to engine: ConnectionURL.Engine
    ) -> [Column] {
        table.dialect == .mysql && engine != .mysql ? table.columns : table.carriedColumns
    }

    /// SQLite has no schemas: those other than `public` become a prefix.
    static func target(of table: TableName, _ configuration: PipelineConfiguration) -> TableName {
        let schema = configuration.schemaMap[table.schema] ?? table.schema
        guard configuration.target.engine == .sqlite else {
            return TableName(schema: schema, name: table.name)
        }
        return TableName(
            schema: "", name: schema == "public" ? table.name : "\(schema)_\(table.name)")
    }

    private static func checkMap(
        _ tables: [TableSchema], _ configuration: PipelineConfiguration
    ) throws {
        for schema in configuration.schemaMap.keys.sorted()
        where !tables.contains(where: { $0.name.schema == schema }) {
            throw ReplicationError(
                .configuration, "map the schema '\(schema)'", place: "key map.schemas",
                why: "no replicated table is in a schema of that name",
                try: Suggestion.nearest(to: schema, among: Set(tables.map(\.name.schema)).sorted())
                    .map { "did you mean '\($0)'?" })
        }
    }

    private struct Place {
        var source: TableName
        var target: TableName
        /// Others may go there: their SELECTs say so.
        var isMeant: Bool

        init(_ source: TableName, _ target: TableName, isMeant: Bool = false) {
            (self.source, self.target, self.isMeant) = (source, target, isMeant)
        }

        func mayMeet(_ other: Place) -> Bool {
            isMeant && other.isMeant && target == other.target
        }
    }

    /// SQLite compares names without regard to the case of ASCII letters.
    private static func refuseCollisions(
        _ places: [Place], _ engine: ConnectionURL.Engine
    ) throws {
        var taken: [String: Place] = [:]
        for place in places {
            let name = place.target.description
            let key = engine == .sqlite ? foldingASCII(name) : place.target.quoted
            if let other = taken.updateValue(place, forKey: key), !place.mayMeet(other) {
                throw ReplicationError(
                    .configuration, "choose the target of \(place.source)",
                    table: place.source, place: "key map.schemas",
                    why: "it and \(other.source) would both be '\(name)' at the target",
                    try: "give one of the schemas another name with map.schemas, or exclude a table"
                )
            }
        }
    }

    private static func foldingASCII(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { scalar in
                    ("A"..."Z").contains(scalar)
                        ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar
                }))
    }
}

extension PipelineConfiguration {
    /// What the pipeline makes or uses at the source.
    package var capture: CaptureNames {
        CaptureNames(
            slot: slot ?? ownObjectName, publication: publication ?? ownObjectName,
            publicationIsGiven: publication != nil)
    }
}
