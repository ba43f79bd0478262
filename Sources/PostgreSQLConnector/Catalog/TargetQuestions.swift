internal import ReplicationEngine
internal import ReplicationModel

/// What of MySQL's and MariaDB's values PostgreSQL has no place for, as `check` asks the source:
/// what `ForeignValues` refuses or converts when they come.
struct TargetQuestions {
    let lossy: LossyConversions
    /// Tables that are at the target already.
    let existing: Set<TableName>

    func questions(_ route: TableRoute) -> [ValueQuestion] {
        guard route.source.dialect.isMySQLFamily else { return [] }
        return route.columns.indices.flatMap { index in
            let column = route.columns[index]
            let isKey = route.key.contains(index)
            let found = Self.converted(column).map { trait, kind in
                ValueQuestion(
                    trait, of: column, in: route.source.name,
                    conversion: lossy.converts(kind, inKey: isKey) ? kind : nil,
                    try: kind.remedy(inKey: isKey))
            }
            return found + labels(column, route)
        }
    }

    private static func converted(_ column: Column) -> [(ValueTrait, LossyConversions.Kind)] {
        switch ForeignValues.rule(column.type.kind) {
        case .text: [(.nulByte, .nulByte)]
        case .date, .timestamp, .timestampWithZone: [(.noDay, .zeroDate)]
        case nil: []
        }
    }

    /// An enumeration that is there may have been given the label that is missing at the source.
    private func labels(_ column: Column, _ route: TableRoute) -> [ValueQuestion] {
        let labels = column.type.size.labels
        let isText = labels.contains { $0.utf8.count > TargetNames.limit }
        guard column.type.kind == .enumeration, !labels.contains(""), !isText,
            !existing.contains(route.target)
        else { return [] }
        return [
            ValueQuestion(
                .noLabel, of: column, in: route.source.name,
                try: "mend these rows, or give the enum of the table at the target a label ''")
        ]
    }
}
