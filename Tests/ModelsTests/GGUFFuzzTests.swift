import Inference
import Models
import TestSupport
import Testing

/// Damaged files either open to something sound or give an error; they never trap.
@Suite struct GGUFFuzzTests {
  /// A file with both kinds of what parsers trip over: tables and vocabularies.
  private static func valid(_ vocabulary: TinyVocabulary) -> [UInt8] {
    var writer = GGUFWriter()
    writer.set("general.architecture", .string("llama"))
    writer.set("general.alignment", .uint32(32))
    writer.set("llama.block_count", .uint32(1))
    writer.set("llama.rope.freq_base", .float32(10000))
    writer.set("nested", .array(elementType: 9, [.strings(["x", "yy"]), .int32s([1])]))
    writer.set("flags", .bools([true, false]))
    vocabulary.write(into: &writer)
    let values = (0..<512).map { Float($0) / 256 - 1 }
    writer.addTensor("token_embd.weight", .q8_0, rows: 2, columns: 256, values: values)
    writer.addTensor("blk.0.ffn_down.weight", .q4_K, rows: 2, columns: 256, values: values)
    writer.addTensor("output_norm.weight", .f32, rows: 1, columns: 512, values: values)
    return writer.bytes()
  }

  private static let vocabularies = [
    TinyVocabulary.byteLevel(mergeCount: 12), .sentencePiece(),
  ]

  /// Opens a file in every way that the program does.
  ///
  /// Whatever opens must be sound.
  private static func exercise(_ bytes: [UInt8], encodes: Bool) throws -> Bool {
    let gguf: GGUF
    do {
      gguf = try TinyFiles.load(bytes)
    } catch let error as InferenceError {
      #expect(error.code == .modelFile)
      #expect(!error.message.isEmpty)
      return false
    }
    #expect(gguf.headerByteCount >= 24)
    for key in gguf.metadata.keys { #expect(gguf.metadata.printableValue(key) != nil) }
    for info in gguf.tensors {
      #expect(info.offset >= gguf.headerByteCount && info.byteCount >= 0)
      #expect(info.offset + info.byteCount <= bytes.count)
      #expect((gguf.tensor(info.name) != nil) == (info.type.elementType != nil))
      _ = try? gguf.require(info.name, rows: info.rows, columns: info.columns)
    }
    do {
      let tokenizer = try TokenizerLoader.load(from: gguf)
      if encodes { use(tokenizer) }
      let recognition = ChatTemplate.recognize(in: gguf, tokenizer: tokenizer)
      _ = recognition.template?.render([TemplateMessage(.system, "s"), TemplateMessage(.user, "u")])
    } catch {
      #expect(error.code == .modelFile || error.code == .unsupportedModel)
    }
    return true
  }

  private static func use(_ tokenizer: any Tokenizer) {
    for text in ["the dog\n\n<|im_end|><bos>", "é 世 123 's"] {
      let tokens = tokenizer.encode(text, parsesSpecial: true)
      #expect(tokens.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize })
      _ = tokenizer.text(of: tokens, special: true)
    }
    for end in tokenizer.endTokens { #expect(Int(end) < tokenizer.vocabularySize) }
  }

  @Test(arguments: [0, 1]) func truncatedFilesGiveErrors(_ index: Int) throws {
    let bytes = Self.valid(Self.vocabularies[index])
    #expect(try Self.exercise(bytes, encodes: true))
    // Every length of the first part and of the end, and every 13th between.
    for length in 0..<bytes.count
    where length < 400 || length > bytes.count - 400 || length % 13 == 0 {
      #expect(try !Self.exercise(Array(bytes.prefix(length)), encodes: false), "\(length) bytes")
    }
  }

  @Test(arguments: [0, 1]) func flippedBitsDoNoHarm(_ index: Int) throws {
    let valid = Self.valid(Self.vocabularies[index])
    let header = try TinyFiles.load(valid).headerByteCount
    var random = SplitMix64(seed: 11 + UInt64(index))
    for _ in 0..<1500 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 4..<header, using: &random)] ^=
          1 << UInt8.random(in: 0..<8, using: &random)
      }
      _ = try Self.exercise(bytes, encodes: true)
    }
  }

  /// Numbers that overflow, wrap or point elsewhere when taken for counts, lengths, types or offsets.
  private static let poison: [[UInt8]] = [
    [UInt8](repeating: 0xFF, count: 8), [UInt8](repeating: 0xFF, count: 4),
    [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0, 0, 0, 0, 0x80],
    [0, 0, 0, 0x80], [0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0],
    [9, 0, 0, 0], [8, 0, 0, 0], [0x20, 0, 0, 0, 0, 0, 0, 0], [0xFF, 0xFF, 0, 0],
  ]

  @Test(arguments: [0, 1]) func poisonedFieldsDoNoHarm(_ index: Int) throws {
    let valid = Self.valid(Self.vocabularies[index])
    let header = try TinyFiles.load(valid).headerByteCount
    var random = SplitMix64(seed: 23 + UInt64(index))
    for _ in 0..<1500 {
      var bytes = valid
      guard let value = Self.poison.randomElement(using: &random) else { continue }
      // Half of the time near the beginning or the tensor table, where the counts are.
      let start =
        switch Int.random(in: 0..<4, using: &random) {
        case 0: Int.random(in: 8..<400, using: &random)
        case 1: Int.random(in: header - 260..<header, using: &random)
        default: Int.random(in: 8..<header, using: &random)
        }
      let end = min(start + value.count, bytes.count)
      bytes.replaceSubrange(start..<end, with: value.prefix(end - start))
      _ = try Self.exercise(bytes, encodes: true)
    }
  }

  @Test func bytesCutOutOrPutInDoNoHarm() throws {
    let valid = Self.valid(Self.vocabularies[0])
    var random = SplitMix64(seed: 31)
    for _ in 0..<800 {
      var bytes = valid
      let start = Int.random(in: 4..<bytes.count - 20, using: &random)
      let count = Int.random(in: 1...16, using: &random)
      if Bool.random(using: &random) {
        bytes.removeSubrange(start..<start + count)
      } else {
        let inserted = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        bytes.insert(contentsOf: inserted, at: start)
      }
      _ = try Self.exercise(bytes, encodes: true)
    }
  }
}
