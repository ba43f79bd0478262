/// A character set whose characters have one byte.
struct SingleByteSet {
    let name: String
    /// Where a byte is not the character of its own number, as in `CharacterTable.replace`.
    let differences: String

    /// Source: MySQL 9.7, MariaDB 10.11 and 11.8, which agree on every character.
    static let all: [SingleByteSet] = [
        SingleByteSet(
            name: "armscii8",
            differences: """
                A1:2741 A2:A7 A3:589 A4:29 A5:28 A6:BB A7:AB A8:2014 A9:2E AA:55D AB-AC:2C AD:55F
                AE:2026 AF:55C B0:55B B1:55E B2:531 B3:561 B4:532 B5:562 B6:533 B7:563 B8:534 B9:564
                BA:535 BB:565 BC:536 BD:566 BE:537 BF:567 C0:538 C1:568 C2:539 C3:569 C4:53A C5:56A
                C6:53B C7:56B C8:53C C9:56C CA:53D CB:56D CC:53E CD:56E CE:53F CF:56F D0:540 D1:570
                D2:541 D3:571 D4:542 D5:572 D6:543 D7:573 D8:544 D9:574 DA:545 DB:575 DC:546 DD:576
                DE:547 DF:577 E0:548 E1:578 E2:549 E3:579 E4:54A E5:57A E6:54B E7:57B E8:54C E9:57C
                EA:54D EB:57D EC:54E ED:57E EE:54F EF:57F F0:550 F1:580 F2:551 F3:581 F4:552 F5:582
                F6:553 F7:583 F8:554 F9:584 FA:555 FB:585 FC:556 FD:586 FE:2019 FF:27
                """),
        SingleByteSet(name: "ascii", differences: "80-FF:"),
        SingleByteSet(
            name: "cp1250",
            differences: """
                80:20AC 81: 82:201A 83: 84:201E 85:2026 86-87:2020 88: 89:2030 8A:160 8B:2039 8C:15A
                8D:164 8E:17D 8F:179 90: 91-92:2018 93-94:201C 95:2022 96-97:2013 98: 99:2122 9A:161
                9B:203A 9C:15B 9D:165 9E:17E 9F:17A A1:2C7 A2:2D8 A3:141 A5:104 AA:15E AF:17B B2:2DB
                B3:142 B9:105 BA:15F BC:13D BD:2DD BE:13E BF:17C C0:154 C3:102 C5:139 C6:106 C8:10C
                CA:118 CC:11A CF:10E D0:110 D1:143 D2:147 D5:150 D8:158 D9:16E DB:170 DE:162 E0:155
                E3:103 E5:13A E6:107 E8:10D EA:119 EC:11B EF:10F F0:111 F1:144 F2:148 F5:151 F8:159
                F9:16F FB:171 FE:163 FF:2D9
                """),
        SingleByteSet(
            name: "cp1251",
            differences: """
                80-81:402 82:201A 83:453 84:201E 85:2026 86-87:2020 88:20AC 89:2030 8A:409 8B:2039
                8C:40A 8D:40C 8E:40B 8F:40F 90:452 91-92:2018 93-94:201C 95:2022 96-97:2013 98:
                99:2122 9A:459 9B:203A 9C:45A 9D:45C 9E:45B 9F:45F A1:40E A2:45E A3:408 A5:490
                A8:401 AA:404 AF:407 B2:406 B3:456 B4:491 B8:451 B9:2116 BA:454 BC:458 BD:405 BE:455
                BF:457 C0-FF:410
                """),
        SingleByteSet(
            name: "cp1256",
            differences: """
                80:20AC 81:67E 82:201A 83:192 84:201E 85:2026 86-87:2020 88:2C6 89:2030 8A: 8B:2039
                8C:152 8D:686 8E:698 8F: 90:6AF 91-92:2018 93-94:201C 95:2022 96-97:2013 98: 99:2122
                9A: 9B:203A 9C:153 9D-9E:200C 9F: A1:60C AA: BA:61B BF:61F C0: C1-D6:621 D8-DB:637
                DC-DF:640 E1:644 E3-E6:645 EC-ED:649 F0-F3:64B F5-F6:64F F8:651 FA:652 FD-FE:200E
                FF:
                """),
        SingleByteSet(
            name: "cp1257",
            differences: """
                80:20AC 81: 82:201A 83: 84:201E 85:2026 86-87:2020 88: 89:2030 8A: 8B:2039 8C: 8D:A8
                8E:2C7 8F:B8 90: 91-92:2018 93-94:201C 95:2022 96-97:2013 98: 99:2122 9A: 9B:203A
                9C: 9D:AF 9E:2DB 9F: A1: A5: A8:D8 AA:156 AF:C6 B8:F8 BA:157 BF:E6 C0:104 C1:12E
                C2:100 C3:106 C6:118 C7:112 C8:10C CA:179 CB:116 CC:122 CD:136 CE:12A CF:13B D0:160
                D1:143 D2:145 D4:14C D8:172 D9:141 DA:15A DB:16A DD:17B DE:17D E0:105 E1:12F E2:101
                E3:107 E6:119 E7:113 E8:10D EA:17A EB:117 EC:123 ED:137 EE:12B EF:13C F0:161 F1:144
                F2:146 F4:14D F8:173 F9:142 FA:15B FB:16B FD:17C FE:17E FF:2D9
                """),
        SingleByteSet(
            name: "cp850",
            differences: """
                80:C7 81:FC 82:E9 83:E2 84:E4 85:E0 86:E5 87:E7 88-89:EA 8A:E8 8B:EF 8C:EE 8D:EC
                8E-8F:C4 90:C9 91:E6 92:C6 93:F4 94:F6 95:F2 96:FB 97:F9 98:FF 99:D6 9A:DC 9B:F8
                9C:A3 9D:D8 9E:D7 9F:192 A0:E1 A1:ED A2:F3 A3:FA A4:F1 A5:D1 A6:AA A7:BA A8:BF A9:AE
                AA:AC AB:BD AC:BC AD:A1 AE:AB AF:BB B0-B2:2591 B3:2502 B4:2524 B5-B6:C1 B7:C0 B8:A9
                B9:2563 BA:2551 BB:2557 BC:255D BD:A2 BE:A5 BF:2510 C0:2514 C1:2534 C2:252C C3:251C
                C4:2500 C5:253C C6:E3 C7:C3 C8:255A C9:2554 CA:2569 CB:2566 CC:2560 CD:2550 CE:256C
                CF:A4 D0:F0 D1:D0 D2-D3:CA D4:C8 D5:131 D6-D8:CD D9:2518 DA:250C DB:2588 DC:2584
                DD:A6 DE:CC DF:2580 E0:D3 E1:DF E2:D4 E3:D2 E4:F5 E5:D5 E6:B5 E7:FE E8:DE E9-EA:DA
                EB:D9 EC:FD ED:DD EE:AF EF:B4 F0:AD F1:B1 F2:2017 F3:BE F4:B6 F5:A7 F6:F7 F7:B8
                F8:B0 F9:A8 FA:B7 FB:B9 FC:B3 FD:B2 FE:25A0 FF:A0
                """),
        SingleByteSet(
            name: "cp852",
            differences: """
                80:C7 81:FC 82:E9 83:E2 84:E4 85:16F 86:107 87:E7 88:142 89:EB 8A-8B:150 8C:EE
                8D:179 8E:C4 8F:106 90:C9 91-92:139 93:F4 94:F6 95-96:13D 97-98:15A 99:D6 9A:DC
                9B-9C:164 9D:141 9E:D7 9F:10D A0:E1 A1:ED A2:F3 A3:FA A4-A5:104 A6-A7:17D A8-A9:118
                AA:AC AB:17A AC:10C AD:15F AE:AB AF:BB B0-B2:2591 B3:2502 B4:2524 B5-B6:C1 B7:11A
                B8:15E B9:2563 BA:2551 BB:2557 BC:255D BD-BE:17B BF:2510 C0:2514 C1:2534 C2:252C
                C3:251C C4:2500 C5:253C C6-C7:102 C8:255A C9:2554 CA:2569 CB:2566 CC:2560 CD:2550
                CE:256C CF:A4 D0:111 D1:110 D2:10E D3:CB D4:10F D5:147 D6-D7:CD D8:11B D9:2518
                DA:250C DB:2588 DC:2584 DD:162 DE:16E DF:2580 E0:D3 E1:DF E2:D4 E3-E4:143 E5:148
                E6-E7:160 E8:154 E9:DA EA:155 EB:170 EC:FD ED:DD EE:163 EF:B4 F0:AD F1:2DD F2:2DB
                F3:2C7 F4:2D8 F5:A7 F6:F7 F7:B8 F8:B0 F9:A8 FA:2D9 FB:171 FC-FD:158 FE:25A0 FF:A0
                """),
        SingleByteSet(
            name: "cp866",
            differences: """
                80-AF:410 B0-B2:2591 B3:2502 B4:2524 B5-B6:2561 B7:2556 B8:2555 B9:2563 BA:2551
                BB:2557 BC:255D BD:255C BE:255B BF:2510 C0:2514 C1:2534 C2:252C C3:251C C4:2500
                C5:253C C6-C7:255E C8:255A C9:2554 CA:2569 CB:2566 CC:2560 CD:2550 CE:256C
                CF-D0:2567 D1-D2:2564 D3:2559 D4:2558 D5-D6:2552 D7:256B D8:256A D9:2518 DA:250C
                DB:2588 DC:2584 DD:258C DE:2590 DF:2580 E0-EF:440 F0:401 F1:451 F2:404 F3:454 F4:407
                F5:457 F6:40E F7:45E F8:B0 F9:2219 FA:B7 FB:221A FC:207F FD:B2 FE:25A0 FF:A0
                """),
        SingleByteSet(
            name: "dec8",
            differences: """
                A4: A6: A8:A4 AC-AF: B4: B8: BE: D0: D7:152 DD:178 DE: F0: F7:153 FD:FF FE-FF:
                """),
        SingleByteSet(
            name: "geostd8",
            differences: """
                80:20AC 81: 82:201A 83: 84:201E 85:2026 86-87:2020 88: 89:2030 8A: 8B:2039 8C-90:
                91-92:2018 93-94:201C 95:2022 96-97:2013 98-9A: 9B:203A 9C-9F: C0-C6:10D0 C7:10F1
                C8-CD:10D7 CE:10F2 CF-D4:10DD D5:10F3 D6-E1:10E3 E2:10F4 E3-E4:10EF E5:10F5 E6-FC:
                FD:2116 FE-FF:
                """),
        SingleByteSet(
            name: "greek",
            differences: """
                A1:2BD A2:2BC A4-A5: AA: AE: AF:2015 B4-B6:384 B8-BA:388 BC:38C BE-D1:38E D2:
                D3-FE:3A3 FF:
                """),
        SingleByteSet(
            name: "hebrew",
            differences: """
                A1: AA:D7 AF:203E BA:F7 BF-DE: DF:2017 E0-FA:5D0 FB-FC: FD-FE:200E FF:
                """),
        SingleByteSet(
            name: "hp8",
            differences: """
                A1:C0 A2:C2 A3:C8 A4-A5:CA A6-A7:CE A8:B4 A9:2CB AA:2C6 AB:A8 AC:2DC AD:D9 AE:DB
                AF:20A4 B0:AF B1:DD B2:FD B3:B0 B4:C7 B5:E7 B6:D1 B7:F1 B8:A1 B9:BF BA:A4 BB:A3
                BC:A5 BD:A7 BE:192 BF:A2 C0:E2 C1:EA C2:F4 C3:FB C4:E1 C5:E9 C6:F3 C7:FA C8:E0 C9:E8
                CA:F2 CB:F9 CC:E4 CD:EB CE:F6 CF:FC D0:C5 D1:EE D2:D8 D3:C6 D4:E5 D5:ED D6:F8 D7:E6
                D8:C4 D9:EC DA:D6 DB:DC DC:C9 DD:EF DE:DF DF:D4 E0:C1 E1:C3 E2:E3 E3:D0 E4:F0 E5:CD
                E6:CC E7:D3 E8:D2 E9:D5 EA:F5 EB-EC:160 ED:DA EE:178 EF:FF F0:DE F1:FE F2:B7
                F3-F4:B5 F5:BE F6:2014 F7-F8:BC F9:AA FA:BA FB:AB FC:25A0 FD:BB FE:B1 FF:
                """),
        SingleByteSet(
            name: "keybcs2",
            differences: """
                80:10C 81:FC 82:E9 83:10F 84:E4 85:10E 86:164 87:10D 88:11B 89:11A 8A:139 8B:CD
                8C:13E 8D:13A 8E:C4 8F:C1 90:C9 91:17E 92:17D 93:F4 94:F6 95:D3 96:16F 97:DA 98:FD
                99:D6 9A:DC 9B:160 9C:13D 9D:DD 9E:158 9F:165 A0:E1 A1:ED A2:F3 A3:FA A4:148 A5:147
                A6:16E A7:D4 A8:161 A9:159 AA:155 AB:154 AC:BC AD:A1 AE:AB AF:BB B0-B2:2591 B3:2502
                B4:2524 B5-B6:2561 B7:2556 B8:2555 B9:2563 BA:2551 BB:2557 BC:255D BD:255C BE:255B
                BF:2510 C0:2514 C1:2534 C2:252C C3:251C C4:2500 C5:253C C6-C7:255E C8:255A C9:2554
                CA:2569 CB:2566 CC:2560 CD:2550 CE:256C CF-D0:2567 D1-D2:2564 D3:2559 D4:2558
                D5-D6:2552 D7:256B D8:256A D9:2518 DA:250C DB:2588 DC:2584 DD:258C DE:2590 DF:2580
                E0:3B1 E1:DF E2:393 E3:3C0 E4:3A3 E5:3C3 E6:B5 E7:3C4 E8:3A6 E9:398 EA:3A9 EB:3B4
                EC:221E ED:3C6 EE:3B5 EF:2229 F0:2261 F1:B1 F2:2265 F3:2264 F4-F5:2320 F6:F7 F7:2248
                F8:B0 F9:2219 FA:B7 FB:221A FC:207F FD:B2 FE:25A0 FF:A0
                """),
        SingleByteSet(
            name: "koi8r",
            differences: """
                80:2500 81:2502 82:250C 83:2510 84:2514 85:2518 86:251C 87:2524 88:252C 89:2534
                8A:253C 8B:2580 8C:2584 8D:2588 8E:258C 8F-92:2590 93:2320 94:25A0 95-96:2219
                97:2248 98-99:2264 9A:A0 9B:2321 9C:B0 9D:B2 9E:B7 9F:F7 A0-A2:2550 A3:451
                A4-B2:2553 B3:401 B4-BE:2562 BF:A9 C0:44E C1-C2:430 C3:446 C4-C5:434 C6:444 C7:433
                C8:445 C9-D0:438 D1:44F D2-D5:440 D6:436 D7:432 D8:44C D9:44B DA:437 DB:448 DC:44D
                DD:449 DE:447 DF:44A E0:42E E1-E2:410 E3:426 E4-E5:414 E6:424 E7:413 E8:425
                E9-F0:418 F1:42F F2-F5:420 F6:416 F7:412 F8:42C F9:42B FA:417 FB:428 FC:42D FD:429
                FE:427 FF:42A
                """),
        SingleByteSet(
            name: "koi8u",
            differences: """
                80:2500 81:2502 82:250C 83:2510 84:2514 85:2518 86:251C 87:2524 88:252C 89:2534
                8A:253C 8B:2580 8C:2584 8D:2588 8E:258C 8F-92:2590 93:2320 94:25A0 95:2022 96:221A
                97:2248 98-99:2264 9A:A0 9B:2321 9C:B0 9D:B2 9E:B7 9F:F7 A0-A2:2550 A3:451 A4:454
                A5:2554 A6-A7:456 A8-AC:2557 AD:491 AE-B2:255D B3:401 B4:404 B5:2563 B6-B7:406
                B8-BC:2566 BD:490 BE:256C BF:A9 C0:44E C1-C2:430 C3:446 C4-C5:434 C6:444 C7:433
                C8:445 C9-D0:438 D1:44F D2-D5:440 D6:436 D7:432 D8:44C D9:44B DA:437 DB:448 DC:44D
                DD:449 DE:447 DF:44A E0:42E E1-E2:410 E3:426 E4-E5:414 E6:424 E7:413 E8:425
                E9-F0:418 F1:42F F2-F5:420 F6:416 F7:412 F8:42C F9:42B FA:417 FB:428 FC:42D FD:429
                FE:427 FF:42A
                """),
        SingleByteSet(
            name: "latin1",
            differences: """
                80:20AC 82:201A 83:192 84:201E 85:2026 86-87:2020 88:2C6 89:2030 8A:160 8B:2039
                8C:152 8E:17D 91-92:2018 93-94:201C 95:2022 96-97:2013 98:2DC 99:2122 9A:161 9B:203A
                9C:153 9E:17E 9F:178
                """),
        SingleByteSet(
            name: "latin2",
            differences: """
                A1:104 A2:2D8 A3:141 A5:13D A6:15A A9:160 AA:15E AB:164 AC:179 AE:17D AF:17B B1:105
                B2:2DB B3:142 B5:13E B6:15B B7:2C7 B9:161 BA:15F BB:165 BC:17A BD:2DD BE:17E BF:17C
                C0:154 C3:102 C5:139 C6:106 C8:10C CA:118 CC:11A CF:10E D0:110 D1:143 D2:147 D5:150
                D8:158 D9:16E DB:170 DE:162 E0:155 E3:103 E5:13A E6:107 E8:10D EA:119 EC:11B EF:10F
                F0:111 F1:144 F2:148 F5:151 F8:159 F9:16F FB:171 FE:163 FF:2D9
                """),
        SingleByteSet(
            name: "latin5",
            differences: """
                D0:11E DD:130 DE:15E F0:11F FD:131 FE:15F
                """),
        SingleByteSet(
            name: "latin7",
            differences: """
                A1:201D A5:201E A8:D8 AA:156 AF:C6 B4:201C B8:F8 BA:157 BF:E6 C0:104 C1:12E C2:100
                C3:106 C6:118 C7:112 C8:10C CA:179 CB:116 CC:122 CD:136 CE:12A CF:13B D0:160 D1:143
                D2:145 D4:14C D8:172 D9:141 DA:15A DB:16A DD:17B DE:17D E0:105 E1:12F E2:101 E3:107
                E6:119 E7:113 E8:10D EA:17A EB:117 EC:123 ED:137 EE:12B EF:13C F0:161 F1:144 F2:146
                F4:14D F8:173 F9:142 FA:15B FB:16B FD:17C FE:17E FF:2019
                """),
        SingleByteSet(
            name: "macce",
            differences: """
                80:C4 81-82:100 83:C9 84:104 85:D6 86:DC 87:E1 88:105 89:10C 8A:E4 8B:10D 8C-8D:106
                8E:E9 8F-90:179 91:10E 92:ED 93:10F 94-95:112 96:116 97:F3 98:117 99:F4 9A:F6 9B:F5
                9C:FA 9D-9E:11A 9F:FC A0:2020 A1:B0 A2:118 A4:A7 A5:2022 A6:B6 A7:DF A8:AE AA:2122
                AB:119 AC:A8 AD:2260 AE:123 AF-B0:12E B1:12A B2-B3:2264 B4:12B B5:136 B6:2202
                B7:2211 B8:142 B9-BC:13B BD-BE:139 BF-C0:145 C1:143 C2:AC C3:221A C4:144 C5:147
                C6:2206 C7:AB C8:BB C9:2026 CA:A0 CB:148 CC:150 CD:D5 CE:151 CF:14C D0-D1:2013
                D2-D3:201C D4-D5:2018 D6:F7 D7:25CA D8:14D D9-DA:154 DB:158 DC-DD:2039 DE:159
                DF-E0:156 E1:160 E2:201A E3:201E E4:161 E5-E6:15A E7:C1 E8-E9:164 EA:CD EB-EC:17D
                ED:16A EE-EF:D3 F0:16B F1:16E F2:DA F3-F7:16F F8:DD F9:FD FA:137 FB:17B FC:141
                FD:17C FE:122 FF:2C7
                """),
        SingleByteSet(
            name: "macroman",
            differences: """
                80-81:C4 82:C7 83:C9 84:D1 85:D6 86:DC 87:E1 88:E0 89:E2 8A:E4 8B:E3 8C:E5 8D:E7
                8E:E9 8F:E8 90-91:EA 92:ED 93:EC 94-95:EE 96:F1 97:F3 98:F2 99:F4 9A:F6 9B:F5 9C:FA
                9D:F9 9E-9F:FB A0:2020 A1:B0 A4:A7 A5:2022 A6:B6 A7:DF A8:AE AA:2122 AB:B4 AC:A8
                AD:2260 AE:C6 AF:D8 B0:221E B2-B3:2264 B4:A5 B6:2202 B7:2211 B8:220F B9:3C0 BA:222B
                BB:AA BC:BA BD:3A9 BE:E6 BF:F8 C0:BF C1:A1 C2:AC C3:221A C4:192 C5:2248 C6:2206
                C7:AB C8:BB C9:2026 CA:A0 CB:C0 CC:C3 CD:D5 CE-CF:152 D0-D1:2013 D2-D3:201C
                D4-D5:2018 D6:F7 D7:25CA D8:FF D9:178 DA:2044 DB:20AC DC-DD:2039 DE-DF:FB01 E0:2021
                E1:B7 E2:201A E3:201E E4:2030 E5:C2 E6:CA E7:C1 E8:CB E9:C8 EA-EC:CD ED:CC EE-EF:D3
                F0:F8FF F1:D2 F2-F3:DA F4:D9 F5:131 F6:2C6 F7:2DC F8:AF F9-FB:2D8 FC:B8 FD:2DD
                FE:2DB FF:2C7
                """),
        SingleByteSet(
            name: "swe7",
            differences: """
                40:C9 5B:C4 5C:D6 5D:C5 5E:DC 60:E9 7B:E4 7C:F6 7D:E5 7E:FC 7F-FF:
                """),
        SingleByteSet(name: "tis620", differences: "A0: A1-DA:E01 DB-DE: DF-FB:E3F FC-FF:"),
    ]
}
