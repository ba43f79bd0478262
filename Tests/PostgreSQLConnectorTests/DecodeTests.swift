import Foundation
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("The pgoutput decoder") struct DecodeTests {
    @Test("Recorded streams decode to the rows that were written", arguments: Recording.all)
    func recordings(recording: Recording) throws {
        var decoder = Recording.decoder()
        try recording.decode(&decoder)
        var collector = Collector()
        try collector.add(decoder.builder.takeWhole())
        let v = String(repeating: "v", count: 2100)
        let w = String(repeating: "w", count: 2100)
        #expect(
            collector.transactions.dropLast().map(\.lines) == [
                ["I t[1,x,-]", "I t[2,,7]", "U t->[2,,8]"],
                ["I t[3,\(v),1]"], ["U t->[3,~,2]"], ["U t[3,-,-]->[4,~,2]"], ["D t[4,-,-]"],
                ["I f[1,\(w)]"], ["U f(1,\(w))->[2,\(w)]"], ["D f(2,\(w))"], ["I m[1,ok]"],
                ["I t[5,ä,5]", "M hello"], ["Tcr#1 t", "Tcr#1 f"], ["I t[6,o,6]"],
            ])
        let streamed = try #require(collector.transactions.last)
        let small = String(repeating: "s", count: 90)
        #expect(
            streamed.lines.suffix(4) == [
                "U t->[10,\(small),0]", "D t[11,-,-]", "T#2 m", "M streamed",
            ])
        let ids = streamed.lines.filter { $0.hasPrefix("I") }.compactMap {
            Int($0.split(separator: "[")[1].split(separator: ",")[0])
        }
        #expect(ids.first == 10 && ids.contains(600) && ids.contains(1201) && ids.last == 1800)
        #expect(!ids.contains { (601...1200).contains($0) })
        #expect(ids == ids.sorted())
    }

    @Test("Every message that ends early is an error, at every length", arguments: Recording.all)
    func everyPrefix(recording: Recording) throws {
        var decoder = Recording.decoder()
        var accepted: [String] = []
        var count = 0
        try recording.decode(&decoder) { message, before, isReplay in
            for length in 0..<message.count {
                var copy = before
                let outcome = withExactBytes(message[..<length]) { bytes in
                    Result { try isReplay ? copy.replayed(bytes) : copy.decode(bytes) }
                }
                count += 1
                switch outcome {
                case .failure(let error): #expect(error is MalformedMessage)
                case .success(.streamed): break  // Looked at when it is replayed.
                case .success: accepted.append("\(UnicodeScalar(message[0])) at \(length)")
                }
            }
        }
        #expect(accepted == [])
        #expect(count > 5_000)
    }

    @Test("Every message that goes on after its end is an error", arguments: Recording.all)
    func trailingByte(recording: Recording) throws {
        var decoder = Recording.decoder()
        var accepted: [String] = []
        try recording.decode(&decoder) { message, before, isReplay in
            var copy = before
            let outcome = withExactBytes((message + [0])[...]) { bytes in
                Result { try isReplay ? copy.replayed(bytes) : copy.decode(bytes) }
            }
            if case .success(.streamed) = outcome { return }
            if case .success = outcome { accepted.append("\(UnicodeScalar(message[0]))") }
        }
        #expect(accepted == [])
    }

    @Test("No changed byte makes the decoder trap", arguments: Recording.all)
    func changedBytes(recording: Recording) throws {
        var decoder = Recording.decoder()
        var errors = 0
        try recording.decode(&decoder) { message, before, isReplay in
            for index in message.indices {
                // Inside a long value every byte is like the next.
                for value in [message[index] &+ 1, message[index] ^ 0x80, 0xFF]
                where index < 400 {
                    var changed = message
                    changed[index] = value
                    var copy = before
                    let outcome = withExactBytes(changed[...]) { bytes in
                        Result { try isReplay ? copy.replayed(bytes) : copy.decode(bytes) }
                    }
                    if case .failure = outcome { errors += 1 }
                }
            }
        }
        #expect(errors > 1_000)
    }

    @Test(
        "Large transactions are cut, and what was whole before is kept apart",
        arguments: Recording.all)
    func parts(recording: Recording) throws {
        var decoder = Recording.decoder(changes: 2)
        var whole = Collector()
        var batches = 0
        for message in recording.messages {
            let outcome = try message.withUnsafeBytes { try decoder.decode($0) }
            if case .streamStarted = outcome { break }
            if decoder.builder.isFull {
                batches += 1
                try whole.add(
                    decoder.builder.hasWholeTransactions
                        ? decoder.builder.takeWhole() : decoder.builder.takePart())
            } else if case .transactionEnded(inParts: true) = outcome {
                try whole.add(decoder.builder.takeWhole())
            }
        }
        #expect(batches >= 5)
        #expect(whole.transactions[0].parts == 2)
        #expect(whole.transactions[0].lines == ["I t[1,x,-]", "I t[2,,7]", "U t->[2,,8]"])
        #expect(whole.transactions[9].lines.sorted() == ["I t[5,ä,5]", "M hello"])
    }
}

extension LogDecoder {
    fileprivate mutating func replayed(_ bytes: UnsafeRawBufferPointer) throws(MalformedMessage)
        -> Outcome
    {
        try replay(bytes, arrival: arrivals)
        return .consumed
    }
}
