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
        _ key: ForeignKey, of child: TableSchema = Self.child, beside: [TableSchema] = []
    ) -> String? {
        var child = child
        child.foreignKeys.insert(key, at: 0)
        return key.obstacle(of: child, among: [Self.parent, child] + beside)
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
        says("SET DEFAULT", obstacle(Self.key("f", "p", to: "p", delete: .setDefault)))
        says("not unique", obstacle(Self.key("f", "p", to: "p", "other")))
        var wide = Self.child
        wide.columns[1].type.kind = .int64
        says("compared exactly", obstacle(Self.key("f", "p", to: "p"), of: wide))
        let keyless = Self.table("c", Self.child.columns, key: [])
        says("has no key", obstacle(Self.key("f", "p", to: "p"), of: keyless))
        let own = Self.table("c", Self.child.columns, key: ["p"])
        #expect(obstacle(Self.key("f", "p", to: "p", update: .cascade), of: own) == nil)
        var floats = Self.child
        floats.columns[0].type.kind = .float64
        says("read back", obstacle(Self.key("f", "p", to: "p"), of: floats))
        var computed = Self.child
        computed.columns[2].generated = "p + 1"
        says("computed", obstacle(Self.key("f", "p", to: "p", delete: .setNull), of: computed))
        #expect(obstacle(Self.key("f", "p", to: "p"), of: computed) == nil)
    }

    @Test("Over several levels by what is in the keys between, but not in a circle")
    func levels() {
        var grandchild = Self.table("g", [Self.column("id"), Self.column("c")])
        func ofGrandchild(_ key: ForeignKey, middle: ForeignKey) -> String? {
            var (child, grandchild) = (Self.child, grandchild)
            child.foreignKeys.append(middle)
            grandchild.foreignKeys.append(key)
            return key.obstacle(of: grandchild, among: [Self.parent, child, grandchild])
        }
        let middle = Self.key("f", "p", to: "p")
        #expect(ofGrandchild(Self.key("g_c", "c", to: "c"), middle: middle) == nil)
        var unique = Self.child
        unique.indexes = [
            Index(
                name: "u", columns: ["p"], isUnique: true, isConstraint: true, definition: "")
        ]
        let byValue = Self.key("g_c", "c", to: "c", "p")
        unique.foreignKeys = [middle]
        let found = byValue.obstacle(of: grandchild, among: [Self.parent, unique, grandchild])
        #expect(found?.contains("does not tell p") ?? false, "\(found ?? "followed")")
        let circle = Self.key("f", "p", to: "g")
        grandchild.foreignKeys = [Self.key("g_c", "c", to: "c")]
        let round = obstacle(circle, beside: [grandchild])
        #expect(round?.contains("in a circle") ?? false, "\(round ?? "followed")")
        #expect(obstacle(Self.key("own", "p", to: "c")) == nil)
    }

    @Test("What a key that refers to its own table does: nothing on update")
    func ownTable() {
        var child = Self.child
        child.foreignKeys = [Self.key("own", "p", to: "c", delete: .none, update: .cascade)]
        #expect(!child.changesItself)
        child.foreignKeys = [Self.key("own", "p", to: "c", delete: .setNull)]
        #expect(child.changesItself)
    }

    @Test("Keys that share columns are refused if one of them sets these")
    func neighbours() {
        let sets = Self.key("f", "p", to: "p", delete: .setNull)
        var shared = Self.child
        shared.foreignKeys = [Self.key("other", "p", to: "p")]
        #expect(obstacle(Self.key("f", "p", to: "p"), of: shared) == nil)
        #expect(obstacle(sets, of: shared)?.contains("same columns") ?? false)
    }
}
