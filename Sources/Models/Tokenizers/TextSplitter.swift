/// Splits text into the words that byte-pair merges never cross.
///
/// Each case does what the published regular expression of its vocabulary does, by hand; the expressions stand beside
/// the code.
package enum TextSplitter: Sendable, Equatable {
  case standard
  case gpt2
  case smollm
  case qwen2
  case llama3

  /// Names of pre-tokenizers in files, by splitter.
  private static let namesBySplitter: [(TextSplitter, [String])] = [
    (.standard, ["default"]),
    (.gpt2, ["gpt-2", "gpt2", "phi-2", "olmo", "mpt"]),
    (.smollm, ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone"]),
    (.qwen2, ["qwen2", "deepseek-r1-qwen"]),
    (.llama3, ["llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2"]),
  ]

  /// All names that are known.
  package static var names: [String] { namesBySplitter.flatMap(\.1) }

  /// The splitter that a file names.
  package init?(named name: String) {
    guard let entry = Self.namesBySplitter.first(where: { $0.1.contains(name) }) else { return nil }
    self = entry.0
  }

  /// Calls `body` with the byte range of each word of `bytes[range]`, in order and without gaps.
  package func split(_ bytes: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    let text = ScalarText(bytes, range)
    let all = 0..<text.count
    switch self {
    case .gpt2: text.splitGPT2(all) { body(text.byteRange($0)) }
    case .qwen2: text.splitModern(all, digits: 1) { body(text.byteRange($0)) }
    case .llama3: text.splitModern(all, digits: 3) { body(text.byteRange($0)) }
    case .smollm:
      // \p{N} first, each alone; what lies between is split as for GPT-2, as if it stood alone.
      text.isolate(all, limit: 1, text.isNumber) { part, _ in
        text.splitGPT2(part) { body(text.byteRange($0)) }
      }
    case .standard:
      // [\p{P}$+<=>^~|]+  then GPT-2  then \p{N}+  then [0-9][0-9][0-9]
      text.isolate(all, limit: .max, text.isPunctuationLike) { part, _ in
        text.splitGPT2(part) { word in
          text.isolate(word, limit: .max, text.isNumber) { piece, _ in
            text.isolate(piece, limit: 3, exactly: true, text.isASCIIDigit) { last, _ in
              body(text.byteRange(last))
            }
          }
        }
      }
    }
  }
}

/// A text as scalars with their kinds and byte offsets; indices outside give no kind.
struct ScalarText {
  private struct Element {
    var offset: Int
    var value: UInt32
    var kind: CharacterKind
  }

  private var elements: [Element] = []
  private let end: Int

  /// Decodes UTF-8.
  ///
  /// A byte that begins no valid character counts as one character of no kind.
  init(_ bytes: [UInt8], _ range: Range<Int>) {
    end = range.upperBound
    elements.reserveCapacity(range.count)
    var offset = range.lowerBound
    while offset < range.upperBound {
      let byte = bytes[offset]
      if byte < 0x80 {
        let scalar = Unicode.Scalar(byte)
        elements.append(
          Element(offset: offset, value: scalar.value, kind: CharacterKind(scalar)))
        offset += 1
        continue
      }
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
      let character = bytes[offset..<min(offset + length, range.upperBound)]
      if let scalar = Self.scalar(character) {
        elements.append(
          Element(offset: offset, value: scalar.value, kind: CharacterKind(scalar)))
        offset += length
      } else {
        elements.append(Element(offset: offset, value: 0xFFFD, kind: .other))
        offset += 1
      }
    }
  }

  private static func scalar(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    guard case .scalarValue(let scalar) = decoder.decode(&iterator),
      UTF8.width(scalar) == bytes.count
    else { return nil }
    return scalar
  }

  var count: Int { elements.count }

  func isNumber(_ index: Int) -> Bool { elements[index].kind == .number }

  func isASCIIDigit(_ index: Int) -> Bool { (0x30...0x39).contains(elements[index].value) }

  func isPunctuationLike(_ index: Int) -> Bool {
    switch elements[index].value {
    case 0x24, 0x2B, 0x3C...0x3E, 0x5E, 0x7C, 0x7E: true  // $ + < = > ^ | ~
    default: elements[index].kind == .punctuation
    }
  }

  func byteRange(_ range: Range<Int>) -> Range<Int> {
    let upper = range.upperBound < elements.count ? elements[range.upperBound].offset : end
    return range.isEmpty ? upper..<upper : elements[range.lowerBound].offset..<upper
  }

  /// Cuts runs of matching characters out of a range, each of at most `limit`, and gives all parts in order.
  ///
  /// - Parameters:
  ///   - exactly: whether shorter runs than `limit` do not count as matches.
  ///   - body: gets each part and whether it is a match.
  func isolate(
    _ range: Range<Int>, limit: Int, exactly: Bool = false, _ matches: (Int) -> Bool,
    _ body: (Range<Int>, Bool) -> Void
  ) {
    var start = range.lowerBound
    var index = start
    while index < range.upperBound {
      var matchEnd = index
      while matchEnd < range.upperBound, matchEnd - index < limit, matches(matchEnd) {
        matchEnd += 1
      }
      guard matchEnd > index, !exactly || matchEnd - index == limit else {
        index += 1
        continue
      }
      if start < index { body(start..<index, false) }
      body(index..<matchEnd, true)
      start = matchEnd
      index = matchEnd
    }
    if start < range.upperBound { body(start..<range.upperBound, false) }
  }

  /// The expression of GPT-2.
  ///
  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  func splitGPT2(_ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    var start = range.lowerBound
    while start < range.upperBound {
      var end = contractionEnd(start, range, anyCase: false)
      if end == start {
        let first = start + (isSpace(start) ? 1 : 0)
        if first < range.upperBound, let group = wordGroup(first) {
          end = first
          while end < range.upperBound, wordGroup(end) == group { end += 1 }
        } else {
          end = whitespaceEnd(start, range)
        }
      }
      body(start..<end)
      start = end
    }
  }

  /// The expression of Llama 3 (`digits` 3) and Qwen 2 (`digits` 1).
  ///
  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|` and then
  /// ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
  func splitModern(_ range: Range<Int>, digits: Int, _ body: (Range<Int>) -> Void) {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = modernEnd(start, range, digits: digits)
      body(start..<end)
      start = end
    }
  }

  private func modernEnd(_ start: Int, _ range: Range<Int>, digits: Int) -> Int {
    let contraction = contractionEnd(start, range, anyCase: true)
    if contraction > start { return contraction }
    let kind = elements[start].kind
    var end = start
    if kind == .number {
      while end < range.upperBound, end - start < digits, elements[end].kind == .number { end += 1 }
      return end
    }
    let letters = kind == .letter || isLineBreak(start) ? start : start + 1
    if letters < range.upperBound, elements[letters].kind == .letter {
      end = letters
      while end < range.upperBound, elements[end].kind == .letter { end += 1 }
      return end
    }
    let symbols = start + (isSpace(start) ? 1 : 0)
    if symbols < range.upperBound, wordGroup(symbols) == .other {
      end = symbols
      while end < range.upperBound, wordGroup(end) == .other { end += 1 }
      while end < range.upperBound, isLineBreak(end) { end += 1 }
      return end
    }
    var breakEnd = start
    while end < range.upperBound, elements[end].kind == .whitespace {
      end += 1
      if isLineBreak(end - 1) { breakEnd = end }
    }
    return breakEnd > start ? breakEnd : whitespaceEnd(start, range)
  }

  /// The end of a run of white space, which leaves its last character to a word that follows.
  private func whitespaceEnd(_ start: Int, _ range: Range<Int>) -> Int {
    var end = start
    while end < range.upperBound, elements[end].kind == .whitespace { end += 1 }
    if end < range.upperBound, end - start > 1 { end -= 1 }
    return max(end, start + 1)
  }

  /// The end of `'s`, `'t`, `'m`, `'d`, `'re`, `'ve` or `'ll`, or `start` where there is none.
  private func contractionEnd(_ start: Int, _ range: Range<Int>, anyCase: Bool) -> Int {
    guard elements[start].value == 0x27, start + 1 < range.upperBound else { return start }
    let letter = { (index: Int) -> UInt32 in
      let value = elements[index].value
      return anyCase && (0x41...0x5A).contains(value) ? value + 0x20 : value
    }
    let first = letter(start + 1)
    if first == 0x73 || first == 0x74 || first == 0x6D || first == 0x64 { return start + 2 }
    guard start + 2 < range.upperBound else { return start }
    let second = letter(start + 2)
    let isPair =
      first == 0x72 && second == 0x65 || first == 0x76 && second == 0x65
      || first == 0x6C && second == 0x6C
    return isPair ? start + 3 : start
  }

  /// What a character forms words with: letters, numbers or all else; nil for white space.
  private func wordGroup(_ index: Int) -> CharacterKind? {
    switch elements[index].kind {
    case .letter: .letter
    case .number: .number
    case .whitespace: nil
    case .punctuation, .other: .other
    }
  }

  private func isSpace(_ index: Int) -> Bool { elements[index].value == 0x20 }

  private func isLineBreak(_ index: Int) -> Bool {
    elements[index].value == 0x0A || elements[index].value == 0x0D
  }
}
