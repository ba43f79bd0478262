import Foundation
import Glibc
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

/// libpq says of some ends of a link only that nothing more is coming.
@Suite("A flight of statements on a link that ends")
struct PipelineLinkTests {
    /// What a server sends before an immediate shutdown: a notice, not an error.
    private static let lastWords: [UInt8] = {
        let fields = "SWARNING\0VWARNING\0C57P01\0Mterminating connection\0\0"
        return [UInt8(ascii: "N"), 0, 0, 0, UInt8(fields.utf8.count + 4)] + Array(fields.utf8)
    }()

    @Test(
        "A25: a server that went with a notice is a lost link, not an endless wait",
        .timeLimit(.minutes(1)))
    func noticeThenNothing() throws {
        let database = try TestDatabase()
        let connection = try database.connect(.target)
        try hangUp(connection)
        let pipeline = PGPipeline(connection)
        let error = #expect(throws: ReplicationError.self) {
            try pipeline.enter()
            try pipeline.send("BEGIN", tag: 0)
            try pipeline.send("SELECT 1", rows: 1, tag: 1)
            try pipeline.finish()
        }
        #expect(error?.kind == .connectionLost)
    }

    /// Puts a link below libpq whose other end said its last words and is closed.
    private func hangUp(_ connection: PGConnection) throws {
        var ends: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { close(ends[0]) }
        #expect(write(ends[1], Self.lastWords, Self.lastWords.count) == Self.lastWords.count)
        close(ends[1])
        #expect(dup2(ends[0], connection.descriptor) >= 0)
    }

    @Test("A25: a link that ends while its settings are pinned is an error like any other")
    func endsWhilePinned() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "m-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let listener = try listen(at: folder.appending(path: ".s.PGSQL.5432").path)
        let server = Thread { Self.greetAndLeave(listener) }
        server.start()
        let error = #expect(throws: ReplicationError.self) {
            try PGConnection(
                url: "postgres://u@/d?host=\(folder.path)&port=5432", password: nil, label: "test",
                purpose: .source)
        }
        #expect(error?.kind == .connectionLost)
    }

    private func listen(at path: String) throws -> Int32 {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && Glibc.listen(listener, 1) == 0)
        return listener
    }

    /// Lets one client in (AuthenticationOk, ReadyForQuery), and hangs up at its first statement.
    private static func greetAndLeave(_ listener: Int32) {
        let client = accept(listener, nil, nil)
        var bytes = [UInt8](repeating: 0, count: 4096)
        _ = read(client, &bytes, bytes.count)
        _ = write(client, [82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73] as [UInt8], 15)
        _ = read(client, &bytes, bytes.count)
        close(client)
        close(listener)
    }
}
