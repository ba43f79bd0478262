import ReplicationModel
import Testing

@Suite("B33: Foreign keys whose actions are not in the log")
struct UnloggedActionsTests {
    private static func column(_ name: String, _ kind: ValueKind = .int32) -> Column {
        let type = ColumnType(
            declaration: kind.rawValue, castName: "", id: 0, modifier: -1, kind: kind)
        return Column(name: name, type: type)
    }

    private static func table(_ name: String, _ columns: [Column], key: [String] = ["id"])
        -> TableSchema
    {
        let primary = Index(
            name: "PRIMARY", columns: key, isUnique: true, isConstraint: true, definition: "")
        return TableSchema(
            id: UInt32(name.utf8.reduce(0) { $0 * 31 + Int($1) }),
            name: TableName(schema: "s", name: name), columns: columns,
            replicaIdentity: key.isEmpty ? .full : .primaryKey,
            primaryKey: key.isEmpty ? nil : primary)
    }

    private static func key(
        _ name: String, _ column: String, to parent: String, _ referenced: String = "id",
        delete: UnloggedActions.Action = .cascade, update: UnloggedActions.Action = .none
    ) -> ForeignKey {
        var key = ForeignKey(
            name: name, columns: [column], referenced: TableName(schema: "s", name: parent),
            referencedColumns: [referenced], definition: "", changesRows: true, isDeferrable: false)
        key.unlogged = UnloggedActions(onDelete: delete, onUpdate: update)
        return key
    }

    private static let parent = table(
        "p", [column("id"), column("other"), column("text", .text)])
    private static var child: TableSchema {
        table("c", [column("id"), column("p"), column("text", .text)])
    }

    private func obstacle(
        _ key: ForeignKey, of child: TableSchema = Self.child, beside: [TableSchema] = [],
        isExact: Bool = true
    ) -> String? {
        var child = child
        child.foreignKeys.insert(key, at: 0)
        return key.obstacle(of: child, among: [Self.parent, child] + beside, isExact: isExact)
    }

    @Test("One level is followed, whatever the action")
    func followed() {
        for action in [UnloggedActions.Action.none, .cascade, .setNull] {
            #expect(obstacle(Self.key("f", "p", to: "p", update: action)) == nil)
            #expect(obstacle(Self.key("f", "p", to: "p", delete: action, update: .setNull)) == nil)
        }
        var logged = Self.key("f", "p", to: "elsewhere")
        logged.unlogged = nil
        #expect(obstacle(logged) == nil)
    }

    @Test("What cannot be followed exactly is refused, each for its reason")
    func refused() {
        func says(_ words: String, _ found: String?) {
            #expect(found?.contains(words) ?? false, "\(found ?? "followed"), not \(words)")
        }
        says("not in the pipeline", obstacle(Self.key("f", "p", to: "elsewhere")))
        says("its own table", obstacle(Self.key("f", "p", to: "c")))
        says("SET DEFAULT", obstacle(Self.key("f", "p", to: "p", delete: .setDefault)))
        says("not unique", obstacle(Self.key("f", "p", to: "p", "other")))
        var wide = Self.child
        wide.columns[1].type.kind = .int64
        says("compared exactly", obstacle(Self.key("f", "p", to: "p"), of: wide))
        let keyless = Self.table("c", Self.child.columns, key: [])
        says("has no key", obstacle(Self.key("f", "p", to: "p"), of: keyless))
        let own = Self.table("c", Self.child.columns, key: ["p"])
        says("changes keys", obstacle(Self.key("f", "p", to: "p", update: .cascade), of: own))
        #expect(obstacle(Self.key("f", "p", to: "p"), of: own) == nil)
        var floats = Self.child
        floats.columns[0].type.kind = .float64
        says("read back", obstacle(Self.key("f", "p", to: "p"), of: floats))
        var computed = Self.child
        computed.columns[2].generated = "p + 1"
        says("computed", obstacle(Self.key("f", "p", to: "p", delete: .setNull), of: computed))
        #expect(obstacle(Self.key("f", "p", to: "p"), of: computed) == nil)
    }

    @Test("Values that are handed on need a snapshot whose position is known")
    func windows() {
        #expect(obstacle(Self.key("f", "p", to: "p", update: .cascade), isExact: false) != nil)
        #expect(obstacle(Self.key("f", "p", to: "p", update: .setNull), isExact: false) == nil)
    }

    @Test("Keys that make others change rows, and keys that share columns, are refused")
    func neighbours() {
        var grandchild = Self.table("g", [Self.column("id"), Self.column("c")])
        grandchild.foreignKeys = [Self.key("g_c", "c", to: "c", delete: .setNull)]
        #expect(obstacle(Self.key("f", "p", to: "p"), beside: [grandchild]) != nil)
        let sets = Self.key("f", "p", to: "p", delete: .setNull)
        #expect(obstacle(sets, beside: [grandchild]) == nil)
        grandchild.foreignKeys = [
            Self.key("g_c", "c", to: "c", "p", delete: .none, update: .cascade)
        ]
        #expect(obstacle(sets, beside: [grandchild]) != nil)
        #expect(obstacle(Self.key("f", "p", to: "p"), beside: [grandchild]) == nil)
        var shared = Self.child
        shared.foreignKeys = [Self.key("other", "p", to: "p")]
        #expect(obstacle(Self.key("f", "p", to: "p"), of: shared) == nil)
        #expect(obstacle(sets, of: shared) != nil)
    }
}
