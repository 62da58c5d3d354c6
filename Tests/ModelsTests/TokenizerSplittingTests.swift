import Testing

import Models

/// The splitters alone, which need no vocabulary.
@Suite struct TokenizerSplittingTests {
  @Test(arguments: ["gpt-2", "smollm", "llama-bpe", "qwen2", "default"])
  func wordsAreThoseOfLlamaCpp(_ name: String) throws {
    let splitter = try #require(TextSplitter(named: name))
    let strings = try TokenizerFixtures.strings()
    let lines = try TokenizerFixtures.lines(name + ".split")
    try #require(lines.count == strings.count)
    for (text, line) in zip(strings, lines) {
      var lengths: [Int] = []
      let bytes = Array(text.utf8)
      splitter.split(bytes, bytes.indices) { lengths.append($0.count) }
      #expect(lengths == TokenizerFixtures.numbers(line), "\(text.debugDescription)")
    }
  }

  @Test func kindsOfScalarsAreThoseOfLlamaCpp() throws {
    var kinds: [UInt8] = []
    for value in UInt32(0)..<0x32400 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      kinds.append(0x30 + CharacterKind(scalar).rawValue)
    }
    #expect(try TokenizerFixtures.hash(kinds) == TokenizerFixtures.lines("kinds")[0])
  }
}
