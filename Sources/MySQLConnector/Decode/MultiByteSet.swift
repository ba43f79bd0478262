/// A character set whose characters have up to two, three or four bytes.
///
/// The C library's table, and where the servers differ from it. A checksum of the servers' own
/// tells whether this machine's library gives the same: other versions have other tables.
struct MultiByteSet {
    let name: String
    /// Of the C library.
    let library: String
    var longest: Longest = .two
    /// As in `CharacterTable.replace`.
    var differences = ""
    /// Of the table's numbers, low byte first.
    let checksum: UInt32

    enum Longest {
        case two
        /// Behind 0x8F.
        case three
        /// GB 18030.
        case four
    }

    /// Source: MySQL 9.7, MariaDB 10.11 and 11.8, which agree on every character.
    static let all: [MultiByteSet] = [
        MultiByteSet(
            name: "big5", library: "BIG5",
            differences: """
                80: A145:2022 A14E:FF64 A15A: A1C2:203E A1C3: A1C5: A1E3:223C A1F2:2641 A1F3:2609
                A1FE: A240: A241:FF0F A242:FF3C A244:A5 A246-A247:A2 A2CC: A2CE: A3E1: C6A1:30FE
                C6A2-C6A3:309D C6A4:3005 C6A5-C6F7:3041 C6F8-C6FE:30A1 C740-C77E:30A8 C7A1-C7B0:30E7
                C7B1-C7B2:414 C7B3:401 C7B4-C7BA:416 C7BB-C7CD:423 C7CE:451 C7CF-C7E8:436
                C7E9-C7F2:2460 C7F3-C7FC:2474 C7FD-C7FE: C840-C87E: C8A1-C8FE: F9DD-F9FE:
                """, checksum: 0xCCCE23BB),
        MultiByteSet(name: "cp932", library: "CP932", checksum: 0xE84DCC94),
        MultiByteSet(
            name: "eucjpms", library: "EUC-JP-MS", longest: .three,
            differences: "80-8D: 90-9F:", checksum: 0xB3CAF731),
        MultiByteSet(name: "euckr", library: "UHC", checksum: 0xAE68BEAE),
        MultiByteSet(
            name: "gb18030", library: "GB18030", longest: .four,
            differences: """
                A6D9-A6DF:E78D A6EC-A6ED:E794 A6F3:E796 FE51-FE53:E816 FE59:E81E FE61:E826
                FE66-FE67:E82B FE6C-FE6D:E831 FE76:E83B FE7E:E843 FE90-FE91:E854 FEA0:E864
                14A71-14A78:9FB4 198A4-198AD:FE10
                """, checksum: 0x31A02820),
        MultiByteSet(name: "gb2312", library: "EUC-CN", checksum: 0x584C0449),
        MultiByteSet(
            name: "gbk", library: "GBK", differences: "80:", checksum: 0xC76E8A4A),
        MultiByteSet(
            name: "sjis", library: "SJIS", differences: "815F:5C", checksum: 0x494DE787),
        MultiByteSet(
            name: "ujis", library: "EUC-JP-MS", longest: .three,
            differences: """
                80-8D: 90-9F: A1C0:5C A1C1:301C A1C2:2016 A1DD:2212 A1F1-A1F2:A2 A2CC:AC ADA1-ADBE:
                ADC0-ADD6: ADDF-ADFC: 1A2B7:7E 1A2C3:A6 1F3F3-1F3FE: 1F4A1-1F4FE:
                """, checksum: 0xD4FCA972),
    ]
}
