import Foundation
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
}
