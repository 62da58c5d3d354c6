import Foundation
import Inference
import Testing

import Models

/// Real vocabularies against llama.cpp's ids and bytes.
@Suite struct TokenizerTests {
  @Test(.needs(.smollm2)) func smollm2AgreesWithLlamaCpp() throws {
    try Self.compare(.smollm2, ends: [0, 2, 4])
  }

  @Test(.needs(.qwen2)) func qwen2AgreesWithLlamaCpp() throws {
    try Self.compare(.qwen2, ends: [128247, 151643, 151645, 151662, 151663, 151664])
  }

  @Test(.needs(.gemma3)) func gemma3AgreesWithLlamaCpp() throws {
    try Self.compare(.gemma3, ends: [1, 106, 212], addsBOS: true)
  }

  @Test(.needs(.gpt2)) func gpt2AgreesWithLlamaCpp() throws {
    try Self.compare(.gpt2, ends: [50256])
  }

  @Test(.needs(.llama3)) func llama3AgreesWithLlamaCpp() throws {
    try Self.compare(.llama3, ends: [128001, 128009], addsBOS: true)
  }

  @Test(.needs(.llama2)) func llama2AgreesWithLlamaCpp() throws {
    try Self.compare(.llama2, ends: [2], addsBOS: true)
  }

  @Test(.needs(.smollm2)) func controlTokensShowOnlyWhereAsked() throws {
    let path = try #require(FixtureVocabulary.smollm2.path)
    let tokenizer = try TokenizerLoader.load(from: GGUF(path: path))
    #expect(tokenizer.bos == 1)
    #expect(tokenizer.token(named: "<|im_end|>") == 2)
    #expect(tokenizer.isSpecial(2))
    #expect(tokenizer.bytes(of: 2, special: false).isEmpty)
    #expect(tokenizer.bytes(of: 2, special: true) == Array("<|im_end|>".utf8))
    #expect(!tokenizer.encode("<|im_end|>", parsesSpecial: false).contains(2))
    for token: TokenID in [-1, 49152, .min, .max] {
      #expect(tokenizer.bytes(of: token, special: true).isEmpty)
      #expect(!tokenizer.isSpecial(token))
    }
  }

  private static func compare(
    _ vocabulary: FixtureVocabulary, ends: Set<TokenID>, addsBOS: Bool = false
  ) throws {
    let path = try #require(vocabulary.path)
    let tokenizer = try TokenizerLoader.load(from: GGUF(path: path))
    #expect(tokenizer.endTokens == ends)
    #expect(tokenizer.addsBOS == addsBOS)
    let strings = try TokenizerFixtures.strings()
    #expect(strings.count >= 1000)
    try compareIDs(tokenizer, vocabulary, strings)
    try compareBytes(tokenizer, vocabulary)
    for text in strings where canSpell(text, tokenizer) { compareRoundTrip(tokenizer, text) }
  }

  private static func compareIDs(
    _ tokenizer: any Tokenizer, _ vocabulary: FixtureVocabulary, _ strings: [String]
  ) throws {
    let lines = try TokenizerFixtures.lines(vocabulary.name + ".ids")
    try #require(lines.count == strings.count)
    for (text, line) in zip(strings, lines) {
      let parts = line.split(separator: "|", omittingEmptySubsequences: false)
      let plain = TokenizerFixtures.numbers(parts[0])
      let special = parts[1].isEmpty ? plain : TokenizerFixtures.numbers(parts[1])
      let name = Comment(rawValue: text.debugDescription)
      #expect(tokenizer.encode(text, parsesSpecial: false).map(Int.init) == plain, name)
      #expect(tokenizer.encode(text, parsesSpecial: true).map(Int.init) == special, name)
    }
  }

  private static func compareBytes(
    _ tokenizer: any Tokenizer, _ vocabulary: FixtureVocabulary
  ) throws {
    let hashes = try TokenizerFixtures.lines(vocabulary.name + ".pieces")[0].split(separator: " ")
    for (special, hash) in zip([false, true], hashes) {
      var bytes: [UInt8] = []
      for token in 0..<tokenizer.vocabularySize {
        bytes += tokenizer.bytes(of: TokenID(token), special: special)
        bytes.append(0xFF)
      }
      #expect(TokenizerFixtures.hash(bytes) == hash)
    }
  }

  private static func compareRoundTrip(_ tokenizer: any Tokenizer, _ text: String) {
    let tokens = tokenizer.encode(text, parsesSpecial: false)
    // SentencePiece spells a space as U+2581, so that character itself comes back as a space.
    let expected =
      tokenizer is SentencePieceTokenizer
      ? text.replacingOccurrences(of: "▁", with: " ") : text
    #expect(tokenizer.text(of: tokens, special: true) == expected)
    var detokenizer = IncrementalDetokenizer()
    var streamed = ""
    for token in tokens {
      streamed += detokenizer.append(tokenizer.bytes(of: token, special: true))
    }
    streamed += detokenizer.finish()
    #expect(streamed == (tokenizer.addsSpacePrefix && !text.isEmpty ? " " : "") + expected)
  }

  /// Whether a byte-level vocabulary has a token for each byte of a text; some lack rare ones.
  private static func canSpell(_ text: String, _ tokenizer: any Tokenizer) -> Bool {
    guard tokenizer is ByteLevelTokenizer else { return true }
    return text.utf8.allSatisfy { byte in
      let spelling = String(decoding: ByteSpelling.spellings[Int(byte)], as: UTF8.self)
      return tokenizer.token(named: spelling) != nil
    }
  }
}
