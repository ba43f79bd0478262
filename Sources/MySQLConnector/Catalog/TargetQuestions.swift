internal import ReplicationEngine
internal import ReplicationModel

/// Which values of the source a table's columns refuse, as `check` asks the source.
struct TargetQuestions {
    let flavour: ServerFlavour
    /// `max_allowed_packet`, if it is less than what can be set.
    let packetBytes: Int?

    private static let largestPacket = 1 << 30

    init(_ connection: MySQLConnection) {
        flavour = connection.flavour
        packetBytes = connection.facts.variable("max_allowed_packet").flatMap { Int($0) }
            .flatMap { $0 < Self.largestPacket ? $0 : nil }
    }

    /// - Parameter stored: the table if it is there already.
    func questions(_ route: TableRoute, _ stored: TargetTable?) -> [ValueQuestion] {
        let shares = TargetKeyShares(route)
        return route.columns.flatMap { column in
            let planned = TargetType(
                column, route.source.dialect, exact: "", share: shares.bytes[column.name])
            let declaration = stored?.column(column.name)?.declaration ?? planned.declaration
            let traits =
                route.source.dialect.isMySQLFamily
                ? family(column, route.source.dialect) : postgresql(column, declaration)
            return traits.map { ValueQuestion($0, of: column, in: route.source.name) }
                + packet(column, route.source)
        }
    }

    /// A load has no such limit, since a file of rows goes in pieces.
    private func packet(_ column: Column, _ table: TableSchema) -> [ValueQuestion] {
        guard let packetBytes, Self.mayBeLarge(column, table.dialect) else { return [] }
        return [
            ValueQuestion(
                .larger(packetBytes), of: column, in: table.name,
                warning: "beyond max_allowed_packet of the target, a change of such a row stops",
                try: "SET GLOBAL max_allowed_packet = \(Self.largestPacket) at the target")
        ]
    }

    /// Packets are larger than what other types hold.
    private static func mayBeLarge(_ column: Column, _ source: Dialect) -> Bool {
        guard [.text, .bytes].contains(column.type.kind) else { return false }
        let type = column.type.declaration.lowercased()
        return source.isMySQLFamily
            ? ["mediumtext", "longtext", "mediumblob", "longblob"].contains { type.hasPrefix($0) }
            : declaredSize(column.type) == nil
    }

    private func postgresql(_ column: Column, _ declaration: String) -> [ValueTrait] {
        switch column.type.kind {
        case .float32, .float64: return [.notFinite] + (flavour == .mariadb ? [.negativeZero] : [])
        case .numeric where declaration.hasPrefix("decimal"): return [.notFinite]
        case .date, .timestamp, .timestampWithZone:
            return [.outside(from: "1000-01-01", before: "10000-01-01")]
        default: return length(column, declaration).map { [.longer($0)] } ?? []
        }
    }

    /// Of what is kept as `varchar(n)` or `varbinary(n)`, unless the source has no longer ones.
    private func length(_ column: Column, _ declaration: String) -> Int? {
        let type = declaration.prefix { $0 != " " }
        guard type.hasPrefix("varchar("), let close = type.lastIndex(of: ")"),
            let size = Int(type[..<close].dropFirst("varchar(".count))
        else { return bytes(String(type)) }
        let isBounded = ["character varying(", "character("].contains {
            column.type.declaration.hasPrefix($0)
        }
        let own = isBounded ? declaredSize(column.type)?.first : nil
        return own.map { $0 <= size } == true ? nil : size
    }

    private func bytes(_ type: String) -> Int? {
        guard type.hasPrefix("varbinary("), type.hasSuffix(")") else { return nil }
        return Int(type.dropFirst("varbinary(".count).dropLast())
    }

    private func family(_ column: Column, _ source: Dialect) -> [ValueTrait] {
        switch column.type.kind {
        case .enumeration: return column.type.size.labels.contains("") ? [] : [.noLabel]
        case .float32, .float64:
            return source == .mysql && flavour == .mariadb ? [.negativeZero] : []
        case .json where source == .mysql: return flavour == .mariadb ? [.deeper(32)] : [.rounded]
        // MariaDB's TIMESTAMP goes on to 2106.
        case .timestampWithZone where source == .mariadb && flavour == .mysql:
            return [.outside(from: nil, before: "2038-01-19 03:14:08")]
        default: return []
        }
    }
}
