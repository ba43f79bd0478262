import Testing

@testable import ReplicationEngine

@Suite("COPY text")
struct CopyTextReaderTests {
    /// Rows of fields; nil is NULL.
    static func rows(_ text: [UInt8], columns: Int) throws -> [[[UInt8]?]] {
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        defer { scratch.deallocate() }
        return try text.withUnsafeBytes { block in
            var reader = CopyTextReader(block, columns: columns, scratch: scratch)
            var rows: [[[UInt8]?]] = []
            var row: [[UInt8]?] = []
            while try reader.nextRow({ index, bytes in
                #expect(index == row.count)
                row.append(bytes.map { Array($0) })
            }) {
                rows.append(row)
                row = []
            }
            return rows
        }
    }

    static func texts(_ text: String, columns: Int) throws -> [[String?]] {
        try rows(Array(text.utf8), columns: columns).map {
            $0.map { $0.map { String(decoding: $0, as: UTF8.self) } }
        }
    }

    @Test("Rows and fields are split at newlines and tabs")
    func splits() throws {
        #expect(try Self.texts("1\ta\n2\t\n", columns: 2) == [["1", "a"], ["2", ""]])
        #expect(try Self.texts("", columns: 2) == [])
        #expect(try Self.texts("\n", columns: 1) == [[""]])
        #expect(try Self.texts("\n\n", columns: 0) == [[], []])
    }

    @Test("NULL is backslash N as a whole field only")
    func nulls() throws {
        #expect(try Self.texts("\\N\t\\\\N\tN\tx\\N\n", columns: 4) == [[nil, "\\N", "N", "xN"]])
    }

    @Test(
        "Every escape is read as the server writes or takes it",
        arguments: [
            (#"\b"#, [0x08]), (#"\f"#, [0x0C]), (#"\n"#, [0x0A]), (#"\r"#, [0x0D]),
            (#"\t"#, [0x09]), (#"\v"#, [0x0B]), (#"\\"#, [0x5C]), (#"\q"#, [0x71]),
            (#"\1"#, [0x01]), (#"\101"#, [0x41]), (#"\1018"#, [0x41, 0x38]),
            (#"\08"#, [0x00, 0x38]),
            (#"\777"#, [0xFF]), (#"\x41"#, [0x41]), (#"\x4"#, [0x04]), (#"\x414"#, [0x41, 0x34]),
            (#"\xzz"#, [0x78, 0x7A, 0x7A]), (#"\xF"#, [0x0F]),
            (#"a\nb\\c"#, [0x61, 10, 0x62, 0x5C, 0x63]),
            ("\\\n", [0x0A]), ("\\\t", [0x09]), (#"\\x6162"#, Array(#"\x6162"#.utf8)),
        ] as [(String, [UInt8])])
    func escapes(_ text: String, _ bytes: [UInt8]) throws {
        #expect(try Self.rows(Array("\(text)\t\(text)\n".utf8), columns: 2) == [[bytes, bytes]])
    }

    @Test("Every length of a row that is cut off is an error, never a trap")
    func truncated() throws {
        let whole = Array(#"17\#tab\\c\#t\N\#t\101\x4"#.utf8) + [0x0A]
        #expect(try Self.rows(whole, columns: 4).count == 1)
        for count in 1..<whole.count {
            #expect(throws: CopyTextFault.truncated) {
                try Self.rows(Array(whole.prefix(count)), columns: 4)
            }
        }
    }

    @Test("A row of too few or too many fields is an error")
    func fieldCount() {
        #expect(throws: CopyTextFault.fieldCount(found: 1, wanted: 2)) {
            try Self.texts("1\n", columns: 2)
        }
        #expect(throws: CopyTextFault.fieldCount(found: 3, wanted: 2)) {
            try Self.texts("1\t2\t3\n", columns: 2)
        }
        #expect(throws: CopyTextFault.fieldCount(found: 1, wanted: 0)) {
            try Self.texts("1\n", columns: 0)
        }
    }

    @Test("The end-of-data line ends the block; a field that looks like it does not")
    func endOfData() throws {
        #expect(try Self.texts("1\n\\.\n2\n", columns: 1) == [["1"]])
        #expect(try Self.texts("1\n\\.", columns: 1) == [["1"]])
        #expect(try Self.texts("\\\\.\n", columns: 1) == [["\\."]])
    }

    @Test("Bytes that are not UTF-8 pass as they are")
    func anyBytes() throws {
        let bytes: [UInt8] = [0xFF, 0x00, 0x80]
        #expect(try Self.rows(bytes + [0x0A], columns: 1) == [[bytes]])
    }
}
