/// The numbers of docs and STYLE in one place; they may only get smaller.
enum Ratchet {
    static let functionMedian = 10
    static let functionNinetieth = 30
    static let functionLongest = 70
    static let fileMedian = 150
    static let fileLongest = 800
    static let pipelineLongest = 300
    static let columns = 100
    static let forbiddenNames = ["Manager", "Helper", "Utils", "Common", "Base", "Impl", "New"]
}

/// Which module may import which of ours (DESIGN section 3), and who owns which C module.
enum Arrows {
    static let modules: [String: Set<String>] = [
        "ReplicationModel": [],
        "ReplicationEngine": ["ReplicationModel"],
        "SQLTransform": ["ReplicationModel", "ReplicationEngine", "CSQLite"],
        "PostgreSQLConnector": ["ReplicationModel", "ReplicationEngine", "CLibPQ"],
        "MySQLConnector": [
            "ReplicationModel", "ReplicationEngine", "CMariaDB", "CZstd", "CZlib",
        ],
        "SQLiteConnector": ["ReplicationModel", "ReplicationEngine", "CSQLite"],
        "Configuration": ["ReplicationModel"],
        "ConnectorTesting": ["ReplicationModel", "ReplicationEngine"],
        "Operations": [
            "ReplicationModel", "ReplicationEngine", "Configuration", "SQLTransform",
            "PostgreSQLConnector", "MySQLConnector", "SQLiteConnector",
        ],
        "martlet": ["ReplicationModel", "Configuration", "Operations"],
    ]

    /// Ours and the C modules: what the arrows speak of. Everything else is a package.
    static let known = Set(modules.keys).union([
        "CLibPQ", "CMariaDB", "CSQLite", "CZstd", "CZlib",
    ])
}

/// The rules; each finding is `file:line: what`.
enum StyleRules {
    static func all(_ files: [SourceText]) -> [String] {
        files.flatMap(perFile) + lengths(files)
    }

    static func perFile(_ file: SourceText) -> [String] {
        longLines(file) + longFunctions(file) + longFile(file) + names(file) + traps(file)
            + prints(file) + imports(file)
    }

    static func longLines(_ file: SourceText) -> [String] {
        findings(file, file.lines) {
            $0.count > Ratchet.columns ? "\($0.count) columns" : nil
        }
    }

    static func longFunctions(_ file: SourceText) -> [String] {
        file.functions.filter { $0.length > Ratchet.functionLongest }.map {
            "\(file.path):\($0.line): a function of \($0.length) lines"
        }
    }

    static func longFile(_ file: SourceText) -> [String] {
        let isPipeline = file.path.hasSuffix("/Pipeline.swift")
        let limit = isPipeline ? Ratchet.pipelineLongest : Ratchet.fileLongest
        guard file.lineCount > limit else { return [] }
        return ["\(file.path):\(limit): \(file.lineCount) lines, more than \(limit)"]
    }

    static func names(_ file: SourceText) -> [String] {
        findings(file, file.code) { line in
            let words = line.words
            for (keyword, name) in zip(words, words.dropFirst()) {
                guard ["struct", "class", "enum", "protocol", "actor"].contains(keyword) else {
                    continue
                }
                let bad = Ratchet.forbiddenNames.first { name.hasWord($0) }
                if let bad { return "type \(name) is called \(bad)" }
            }
            return nil
        }
    }

    static func traps(_ file: SourceText) -> [String] {
        guard !file.isTest else { return [] }
        return findings(file, file.code) { line in
            if line.contains("try!") { return "try!" }
            if line.contains("as!") { return "as!" }
            return line.hasForceUnwrap ? "force unwrap" : nil
        }
    }

    static func prints(_ file: SourceText) -> [String] {
        guard let module = file.module, module != "martlet" else { return [] }
        return findings(file, file.code) { line in
            line.calls("print") || line.calls("debugPrint") || line.calls("dump")
                ? "print in library code" : nil
        }
    }

    static func imports(_ file: SourceText) -> [String] {
        guard let module = file.module, let allowed = Arrows.modules[module] else { return [] }
        return findings(file, file.code) { line in
            let words = line.words
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count else { return nil }
            let name = String(words[words.count - 1])
            guard Arrows.known.contains(name), !allowed.contains(name), name != module else {
                return nil
            }
            return "\(module) must not import \(name)"
        }
    }

    /// Medians over all of them, for Sources and Tests apart.
    static func lengths(_ files: [SourceText]) -> [String] {
        Dictionary(grouping: files, by: \.isTest).flatMap { isTest, files in
            let functions = files.flatMap(\.functions).map(\.length).sorted()
            let lengths = files.map(\.lineCount).sorted()
            let place = isTest ? "Tests:0" : "Sources:0"
            return [
                over(place, "median function", functions.quantile(50), Ratchet.functionMedian),
                over(place, "p90 function", functions.quantile(90), Ratchet.functionNinetieth),
                over(place, "median file", lengths.quantile(50), Ratchet.fileMedian),
            ].compactMap(\.self)
        }
    }

    private static func over(_ place: String, _ what: String, _ value: Int, _ limit: Int)
        -> String?
    {
        value > limit ? "\(place): \(what) has \(value) lines, more than \(limit)" : nil
    }

    private static func findings(
        _ file: SourceText, _ lines: [Substring], _ rule: (Substring) -> String?
    ) -> [String] {
        lines.enumerated().compactMap { number, line in
            rule(line).map { "\(file.path):\(number + 1): \($0)" }
        }
    }
}

extension [Int] {
    func quantile(_ percent: Int) -> Int {
        isEmpty ? 0 : self[Swift.min(count - 1, count * percent / 100)]
    }
}

extension Substring {
    /// The word as a part of a name: at its start, or with a capital, not inside another word.
    fileprivate func hasWord(_ word: String) -> Bool {
        var rest = self
        while let range = rest.firstRange(of: word) {
            let next = rest[range.upperBound...].first
            if next.map({ !$0.isLowercase }) ?? true { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }

    /// `x!`, `f()!`, `a[0]!`: a mark directly behind a value and not an operator.
    fileprivate var hasForceUnwrap: Bool {
        var before: Character = " "
        for (index, character) in zip(indices, self) {
            defer { before = character }
            guard character == "!" else { continue }
            let after = self[self.index(after: index)...].first ?? " "
            let isValue = before.isLetter || before.isNumber || ")]>}_".contains(before)
            if isValue, after != "=" { return true }
        }
        return false
    }

    /// A call of the free function, not of a method and not its declaration.
    fileprivate func calls(_ name: String) -> Bool {
        var rest = self
        while let range = rest.firstRange(of: name + "(") {
            let before = self[..<range.lowerBound].last ?? " "
            let isFree = !(before.isLetter || before.isNumber || before == "_" || before == ".")
            if isFree, !self[..<range.lowerBound].hasSuffix("func ") { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }
}
