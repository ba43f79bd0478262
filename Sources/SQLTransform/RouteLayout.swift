import ReplicationEngine
import ReplicationModel

/// The engine's routes beside the target's: one of the former is one of the latter, or several in a
/// row, one for each of its table's transforms.
struct RouteLayout: Sendable {
    /// The target's.
    private(set) var routes: [TableRoute] = []
    /// By route of the target's; nil where rows pass as they are.
    private(set) var transforms: [Transform?] = []
    /// By route of the engine's: its routes at the target.
    private(set) var outputs: [Range<Int>] = []

    /// - Parameter transforms: by id of the source's table.
    init(_ sources: [TableRoute], _ known: [UInt32: [Transform]]) {
        for source in sources {
            let first = routes.count
            if let list = known[source.source.id] {
                routes += list.map(\.target)
                transforms += list
            } else {
                routes.append(source)
                transforms.append(nil)
            }
            outputs.append(first..<routes.count)
        }
    }

    /// Routes of the target's for those of the engine's.
    func outputs(of sources: Set<Int>) -> Set<Int> { Set(sources.flatMap { outputs[$0] }) }
}
