import Inference
import Models
import TestSupport
import Testing

/// Tokenizers of tiny and of hostile vocabularies.
@Suite struct TokenizerTinyTests {
  private static let texts = [
    "", " ", "the quick brown fox", "Hello, 世界!\n\n\tx  y", "é 👋🏽 \u{0}\u{7F}",
    "<|im_end|><bos></s>",
    String(repeating: "the ", count: 50), "\r\n ''s 12345 'll",
  ]

  @Test(arguments: ["smollm", "qwen2", "llama-bpe", "gpt-2", "default"])
  func byteLevelTextSurvives(_ preTokenizer: String) throws {
    let vocabulary = TinyVocabulary.byteLevel(preTokenizer: preTokenizer)
    let tokenizer = try TinyFiles.load(vocabulary).tokenizer
    #expect(tokenizer.vocabularySize == vocabulary.tokens.count)
    #expect(Set(vocabulary.tokens).count == vocabulary.tokens.count)
    for text in Self.texts {
      let tokens = tokenizer.encode(text, parsesSpecial: false)
      #expect(tokenizer.text(of: tokens, special: true) == text)
      #expect(!tokens.contains(where: tokenizer.isSpecial))
    }
    #expect(tokenizer.encode(" the dog", parsesSpecial: false).count < 8)
    #expect(tokenizer.encode("<|im_end|>", parsesSpecial: true) == [2])
    #expect(tokenizer.endTokens == [0, 2])
  }

  @Test func sentencePieceTextSurvives() throws {
    let tokenizer = try TinyFiles.load(.sentencePiece()).tokenizer
    for text in Self.texts {
      let tokens = tokenizer.encode(text, parsesSpecial: false)
      #expect(tokenizer.text(of: tokens, special: true) == text)
    }
    #expect(tokenizer.encode("<bos>\n\n", parsesSpecial: true).map(Int.init) == [1, 262])
    #expect(tokenizer.encode("\n\n", parsesSpecial: false) == [262])
    #expect(tokenizer.addsBOS)
    #expect(tokenizer.endTokens == [2, 4])
  }

  @Test func aPrefixedSpaceIsTakenOffAgain() throws {
    var writer = GGUFWriter()
    TinyVocabulary.sentencePiece().write(into: &writer)
    writer.set("tokenizer.ggml.add_space_prefix", .bool(true))
    let tokenizer = try TokenizerLoader.load(from: TinyFiles.load(writer.bytes()))
    let tokens = tokenizer.encode("the", parsesSpecial: false)
    #expect(tokens == [try #require(tokenizer.token(named: "▁the"))])
    #expect(tokenizer.text(of: tokens, special: false) == "the")
    #expect(tokenizer.bytes(of: tokens[0], special: false) == Array(" the".utf8))
    #expect(tokenizer.encode("", parsesSpecial: false).isEmpty)
  }

  @Test func unknownTokenizersAreNamed() throws {
    for (key, value, code) in [
      ("tokenizer.ggml.model", "t5", InferenceError.Code.unsupportedModel),
      ("tokenizer.ggml.pre", "tekken", .unsupportedModel),
    ] {
      var writer = GGUFWriter()
      TinyVocabulary.byteLevel().write(into: &writer)
      writer.set(key, .string(value))
      let gguf = try TinyFiles.load(writer.bytes())
      let error = #expect(throws: InferenceError.self) { try TokenizerLoader.load(from: gguf) }
      #expect(error?.code == code)
      #expect(error?.message.contains("\"\(value)\"") == true)
      #expect(error?.message.contains(key) == true)
    }
  }

  @Test func incompleteDescriptionsAreErrors() throws {
    let complete = [
      ("tokenizer.ggml.model", GGUFWriter.Value.string("llama")),
      ("tokenizer.ggml.tokens", .strings(["<unk>", "<s>", "</s>", "a"])),
      ("tokenizer.ggml.scores", .float32s([0, 0, 0, 0])),
      ("tokenizer.ggml.token_type", .int32s([2, 3, 3, 1])),
    ]
    let wrong: [(String, GGUFWriter.Value?)] = [
      ("tokenizer.ggml.model", nil), ("tokenizer.ggml.tokens", nil),
      ("tokenizer.ggml.tokens", .strings([])), ("tokenizer.ggml.tokens", .string("a")),
      ("tokenizer.ggml.scores", .float32s([0])), ("tokenizer.ggml.scores", .bool(true)),
      ("tokenizer.ggml.token_type", .int32s([1])),
    ]
    for (key, value) in wrong {
      var writer = GGUFWriter()
      for entry in complete where entry.0 != key { writer.set(entry.0, entry.1) }
      if let value { writer.set(key, value) }
      let gguf = try TinyFiles.load(writer.bytes())
      let error = #expect(throws: InferenceError.self) { try TokenizerLoader.load(from: gguf) }
      #expect(error?.code == .modelFile)
      #expect(error?.message.contains(key) == true)
    }
  }

  @Test(arguments: ["gpt2", "llama"])
  func hostileVocabulariesDoNoHarm(_ model: String) throws {
    let lists: [[String]] = [
      ["a"], [""], ["", "", ""], ["a", "a", "a"], ["▁", "Ġ", " "],
      ["<0x00>", "<0xZZ>", "<0x0>", "<0xFF"],
      ["\u{0}", "\n", "<|im_end|>", "</s>", "</s>"],
      [String(repeating: "a", count: 5000), "a", "aa"],
    ]
    for tokens in lists {
      for type: Int32 in [-1, 0, 1, 2, 3, 4, 5, 6, 7] {
        var writer = GGUFWriter()
        writer.set("tokenizer.ggml.model", .string(model))
        writer.set("tokenizer.ggml.tokens", .strings(tokens))
        writer.set("tokenizer.ggml.token_type", .int32s(tokens.map { _ in type }))
        writer.set("tokenizer.ggml.scores", .float32s(tokens.map { _ in .nan }))
        writer.set(
          "tokenizer.ggml.merges",
          .strings(["a a", "a", "", " ", "  ", "x y", "a a", "aa a", "Ġ Ġ"]))
        writer.set("tokenizer.ggml.bos_token_id", .uint32(.max))
        writer.set("tokenizer.ggml.eos_token_id", .uint32(1000))
        let tokenizer = try TokenizerLoader.load(from: TinyFiles.load(writer.bytes()))
        for text in Self.texts + ["aaaaaaaa", " aa", "\0"] {
          for parses in [false, true] {
            for token in tokenizer.encode(text, parsesSpecial: parses) {
              #expect(token >= 0 && Int(token) < tokens.count)
              _ = tokenizer.bytes(of: token, special: parses)
            }
          }
        }
      }
    }
  }
}
