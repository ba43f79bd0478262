// swift-tools-version: 6.2
import PackageDescription

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")

let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

/// The model of the merge runs hundreds of thousands of schedules over the engine, in debug builds.
/// Overflow and bounds are checked all the same.
let optimized: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
    name: "martlet",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "martlet", targets: ["martlet"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    ],
    // In the order the data flows; arrows point down only (docs/architecture.md).
    targets: [
        // What flows: positions, schemas, rows, changes, errors. No I/O.
        .target(name: "ReplicationModel", swiftSettings: optimized),
        // The flow: pipeline, merge of load and stream, checkpoint, retry. No database.
        .target(
            name: "ReplicationEngine", dependencies: ["ReplicationModel", log],
            swiftSettings: optimized),
        // SQL in flight: what the rows of a table become on their way, on embedded SQLite.
        .target(
            name: "SQLTransform",
            dependencies: [
                "ReplicationModel", "ReplicationEngine", "CSQLite",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        // All of PostgreSQL: source and target.
        .target(
            name: "PostgreSQLConnector",
            dependencies: ["ReplicationModel", "ReplicationEngine", "CLibPQ", log]),
        // All of MySQL and MariaDB.
        .target(
            name: "MySQLConnector",
            dependencies: [
                "ReplicationModel", "ReplicationEngine", "CMariaDB", "CZstd", "CZlib", log,
            ]),
        // SQLite, target only.
        .target(
            name: "SQLiteConnector",
            dependencies: ["ReplicationModel", "ReplicationEngine", "CSQLite", log]),
        // YAML and flags -> validated values.
        .target(
            name: "Configuration",
            dependencies: ["ReplicationModel", .product(name: "Yams", package: "Yams")]),
        // check, plan, run, status, drop: what an operator asks for, over engine and connectors.
        .target(
            name: "Operations",
            dependencies: [
                "ReplicationModel", "ReplicationEngine", "Configuration", "SQLTransform",
                "PostgreSQLConnector", "MySQLConnector", "SQLiteConnector", log,
            ]),
        // One file per sub-command.
        .executableTarget(
            name: "martlet",
            dependencies: [
                "ReplicationModel", "Configuration", "Operations", log, lifecycle, unixSignals,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // C libraries: module map and shim, nothing else.
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CMariaDB", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .testTarget(name: "ReplicationModelTests", dependencies: ["ReplicationModel"]),
        .testTarget(
            name: "ReplicationEngineTests",
            dependencies: ["ReplicationEngine", "ReplicationModel"], swiftSettings: optimized),
        .testTarget(
            name: "SQLTransformTests",
            dependencies: ["SQLTransform", "ReplicationEngine", "ReplicationModel"]),
        .testTarget(
            name: "PostgreSQLConnectorTests",
            dependencies: ["PostgreSQLConnector", "ReplicationEngine", "ReplicationModel"]),
        .testTarget(
            name: "MySQLConnectorTests",
            dependencies: ["MySQLConnector", "ReplicationEngine", "ReplicationModel", "CZlib"],
            exclude: ["Recordings"]),
        .testTarget(
            name: "SQLiteConnectorTests",
            dependencies: ["SQLiteConnector", "ReplicationEngine", "ReplicationModel"]),
        .testTarget(
            name: "ConfigurationTests", dependencies: ["Configuration", "ReplicationModel"]),
        .testTarget(
            name: "OperationsTests",
            dependencies: [
                "Operations", "Configuration", "SQLTransform", "ReplicationEngine",
                "ReplicationModel", "martlet", log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .testTarget(name: "StyleTests"),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        ]
}
