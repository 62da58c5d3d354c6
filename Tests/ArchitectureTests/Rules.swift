import Foundation

/// The rules of ARCHITECTURE.md that a compiler does not check, as data and pure functions over files.
enum Rules {
  /// What a module of `Sources` may import besides `Glibc` and `Synchronization`.
  static let imports: [String: Set<String>] = [
    "Compute": ["CKernels", "CSystem"],
    "Inference": ["Compute"],
    "Models": ["Compute", "Inference", "FoundationEssentials"],
    "Methods": ["Compute", "Inference"],
    "CatalogPlugin": ["Foundation", "PackagePlugin"],
    "catalog-tool": ["Foundation"],
    "PictureFiles": ["Inference", "CSpng", "CTurboJPEG", "CWebP", "Foundation"],
    "Runtime": [
      "Compute", "Inference", "Models", "Methods", "PictureFiles", "CSystem", "Yams", "Foundation",
      "FoundationEssentials",
      "Dispatch",
    ],
    "Terminal": [
      "CChafa", "CNcurses", "CReadline", "CSystem", "CTerminal", "Foundation",
      "FoundationEssentials",
      "Dispatch",
    ],
    "Playground": [
      "Compute", "Inference", "PictureFiles", "Runtime", "Terminal", "Foundation",
      "FoundationEssentials", "Dispatch",
    ],
    "paceline": [
      "ArgumentParser", "Compute", "Inference", "Methods", "Models", "PictureFiles", "Runtime",
      "Terminal",
      "Playground",
      "Foundation", "FoundationEssentials", "Dispatch",
    ],
  ]

  /// What any module may import.
  static let everywhere: Set<String> = ["Glibc", "Synchronization"]

  /// Where unsafe code may stand: a beginning of a path for each place, with the reason.
  static let unsafePlaces: [(prefix: String, reason: String)] = [
    ("Sources/Compute/", "owns raw memory and hands pointers to C behind safe faces"),
    ("Sources/Inference/Profiler.swift", "reads the monotonic clock"),
    ("Sources/Models/Language/Transformer.swift", "one engine at a time owns its scratch memory"),
    (
      "Sources/Models/Language/StreamedTransformer.swift",
      "one engine at a time owns its buffers and what it does while it waits"
    ),
    ("Sources/PictureFiles/", "calls of the libraries that read and write pictures"),
    ("Sources/Terminal/Screen", "ncurses calls"),
    ("Sources/Terminal/PictureCells", "a call of libchafa"),
    ("Sources/Terminal/Prompt", "readline calls"),
    ("Sources/Terminal/SixelEncoder", "a call of libchafa"),
    ("Sources/Terminal/TerminalGuard", "signal handlers and terminal modes"),
    ("Sources/Runtime/ComputeThread", "executor conversions"),
    ("Sources/Runtime/Engine/Engine.swift", "the engine's executor reference"),
    ("Sources/Runtime/Sessions/Timestamp.swift", "reads the calendar clock"),
    ("Sources/Runtime/System/", "calls of the operating system behind safe faces"),
  ]

  /// Lines that a file may have.
  static let lineLimit = 400

  /// What may stand at the top of the repository.
  static let topLevel: Set<String> = [
    "ARCHITECTURE.md", "BENCHMARKS.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile",
    "Package.swift",
    "README.md", "Sources", "Tests", "assets", "bench", "sessions", ".ci", ".gitignore",
    ".swift-format",
  ]

  /// Words that belong to a machine or a registry, spelled apart so that this file holds none.
  static let foreignWords = [
    "/wo" + "rk/", "/ro" + "ot/", "py" + "pi.org", "python" + "hosted",
    "hugging" + "face.co", "deb.deb" + "ian.org",
  ]

  // MARK: Checks; each answers what is wrong, nothing where all is well

  static func forbiddenImports(in file: SourceFile) -> [String] {
    guard let module = file.module else { return [] }
    guard let allowed = imports[module] else { return ["\(file.path): unknown module \(module)"] }
    return importedModules(in: file.text)
      .filter { !allowed.contains($0) && !everywhere.contains($0) }
      .map { "\(file.path): \(module) may not import \($0)" }
  }

  static func unsafeWords(in file: SourceFile) -> [String] {
    guard file.module != nil, !unsafePlaces.contains(where: { file.path.hasPrefix($0.prefix) })
    else { return [] }
    let words = ["unsafe", "nonisolated(unsafe)", "@unchecked", "@preconcurrency"]
    return code(of: file.text).flatMap { line, number in
      words.filter { contains($0, in: line) }.map { "\(file.path):\(number): \($0)" }
    }
  }

  static func forcedUnwraps(in file: SourceFile) -> [String] {
    guard file.module != nil else { return [] }
    return code(of: file.text).compactMap { line, number in
      if contains("try!", in: line) || contains("as!", in: line) {
        return "\(file.path):\(number): a forced try or cast"
      }
      return line.contains(forcedUnwrap) ? "\(file.path):\(number): a forced unwrap" : nil
    }
  }

  static func overlongFile(_ file: SourceFile) -> [String] {
    file.lineCount > lineLimit
      ? ["\(file.path): \(file.lineCount) lines, \(lineLimit) are allowed"] : []
  }

  static func foreignWords(in file: SourceFile) -> [String] {
    foreignWords.filter(file.text.contains).map { "\(file.path): holds '\($0)'" }
  }

  static func strangers(atTopOf paths: [String]) -> [String] {
    Set(paths.compactMap { $0.split(separator: "/").first.map(String.init) })
      .subtracting(topLevel).sorted().map { "\($0) has no place at the top of the repository" }
  }

  // MARK: Reading sources

  static func importedModules(in text: String) -> [String] {
    code(of: text).compactMap { line, _ in
      let words = line.split(separator: " ").drop { $0.hasPrefix("@") || accessLevels.contains($0) }
      guard words.first == "import", let last = words.last, words.count > 1 else { return nil }
      return last.split(separator: ".").first.map(String.init)
    }
  }

  private static let accessLevels: Set<Substring> = ["public", "package", "internal", "private"]

  /// A name, call or subscript followed by `!` that is no comparison.
  nonisolated(unsafe) private static let forcedUnwrap = /[\w\)\]>]!(?!=)/

  private static func contains(_ word: String, in line: String) -> Bool {
    guard let range = line.range(of: word) else { return false }
    let isPartOfName = { (character: Character) in character.isLetter || character == "_" }
    let before =
      range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
    let after = range.upperBound < line.endIndex ? line[range.upperBound] : " "
    if isPartOfName(before) || isPartOfName(after) {
      // The word may still stand alone further on.
      return contains(word, in: String(line[range.upperBound...]))
    }
    return true
  }

  /// The lines of a source without comments and string literals, with their numbers.
  static func code(of text: String) -> [(line: String, number: Int)] {
    var isInComment = false
    var isInText = false
    return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
      index, raw in
      var rest = raw[...]
      var line = ""
      while !rest.isEmpty {
        if isInComment {
          guard let end = rest.range(of: "*/") else { break }
          rest = rest[end.upperBound...]
          isInComment = false
        } else if isInText {
          guard let end = rest.range(of: "\"\"\"") else { break }
          rest = rest[end.upperBound...]
          isInText = false
        } else if rest.hasPrefix("//") {
          break
        } else if rest.hasPrefix("/*") {
          rest = rest.dropFirst(2)
          isInComment = true
        } else if rest.hasPrefix("\"\"\"") {
          rest = rest.dropFirst(3)
          isInText = true
        } else if rest.hasPrefix("\"") {
          rest = afterLiteral(rest.dropFirst())
          line += "\"\""
        } else {
          line.append(rest.removeFirst())
        }
      }
      return (line, index + 1)
    }
  }

  /// What follows a string literal whose opening quote was taken off.
  private static func afterLiteral(_ text: Substring) -> Substring {
    var rest = text
    while let character = rest.popFirst() {
      if character == "\\" {
        // An interpolation's own quotes would end the literal early; skip to its closing parenthesis.
        rest = rest.first == "(" ? afterInterpolation(rest.dropFirst()) : rest.dropFirst()
      } else if character == "\"" {
        return rest
      }
    }
    return rest
  }

  private static func afterInterpolation(_ text: Substring) -> Substring {
    var rest = text
    var depth = 1
    while depth > 0, let character = rest.popFirst() {
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if character == "\"" { rest = afterLiteral(rest) }
    }
    return rest
  }
}
