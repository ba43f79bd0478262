package import Configuration
import Foundation
import ReplicationModel

/// What `events` taps: a URL, or the source of a pipeline file.
package enum EventSource {
    package static func configuration(
        _ argument: String, tables: [String], _ environment: [String: String]
    ) throws -> PipelineConfiguration {
        let isURL = argument.contains("://")
        let options: [PipelineInput.Option] = [
            .init(path: "source", option: "SOURCE", values: isURL ? [argument] : []),
            .init(path: "name", option: "SOURCE", values: isURL ? ["events"] : []),
            .init(path: "tables.include", option: "--table", values: tables),
        ]
        return try PipelineInput(
            file: isURL ? nil : argument, options: options, environment: environment
        ).configuration()
    }
}

/// Lines to standard output, each written whole before the next position is confirmed.
package enum LineOutput {
    /// - Returns: false if nobody reads any more.
    package static func write(_ line: String) throws -> Bool {
        let bytes = Array(line.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                Foundation.write(1, all.baseAddress?.advanced(by: sent), all.count - sent)
            }
            if count > 0 {
                sent += count
            } else if errno == EPIPE {
                return false
            } else if errno != EINTR {
                throw ReplicationError(
                    .targetUnavailable, "write to standard output",
                    why: String(cString: strerror(errno)))
            }
        }
        return true
    }
}
