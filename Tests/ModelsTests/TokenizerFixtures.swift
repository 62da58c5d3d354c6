import Foundation
import Inference
import Models
import TestSupport
import Testing

/// Strings and what llama.cpp makes of them; `Fixtures/make_tokenizer_fixtures.py` says how they were made.
enum TokenizerFixtures {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures")

  static func lines(_ name: String) throws -> [String] {
    let data = try Data(contentsOf: folder.appending(path: name))
    return data.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
      .map { String(decoding: $0, as: UTF8.self) }
  }

  static func strings() throws -> [String] {
    try lines("strings.jsonl").map { try JSONDecoder().decode(String.self, from: Data($0.utf8)) }
  }

  static func numbers(_ text: some StringProtocol) -> [Int] {
    text.split(separator: " ").compactMap { Int($0) }
  }

  /// FNV-1a, as the script computes it.
  static func hash(_ bytes: some Sequence<UInt8>) -> String {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// A vocabulary with fixtures, and where its file is.
struct FixtureVocabulary: Sendable {
  let name: String
  let file: String
  /// The catalogue's name, or nil for a file that comes with llama.cpp.
  let catalogued: String?

  var path: String? { catalogued == nil ? RealModel.llamaCppPath(file) : RealModel.path(file) }

  /// What to do where the file is absent.
  var hint: String {
    catalogued.map { "needs model \(file): run `paceline models get \($0)`" }
      ?? "needs \(file) of a llama.cpp source folder: set PACELINE_LLAMA_CPP"
  }

  static let smollm2 = Self(
    name: "smollm2", file: RealModel.smollm2.fileName, catalogued: "smollm2")
  static let qwen2 = Self(
    name: "qwen2", file: RealModel.coderHalf.fileName, catalogued: "coder-0.5b")
  static let gemma3 = Self(name: "gemma3", file: RealModel.gemma3.fileName, catalogued: "gemma3")
  static let gpt2 = Self(name: "gpt-2", file: "models/ggml-vocab-gpt-2.gguf", catalogued: nil)
  static let llama3 = Self(
    name: "llama-bpe", file: "models/ggml-vocab-llama-bpe.gguf", catalogued: nil)
  static let llama2 = Self(
    name: "llama-spm", file: "models/ggml-vocab-llama-spm.gguf", catalogued: nil)
}

extension Trait where Self == ConditionTrait {
  /// Skips a test whose vocabulary is not at hand, saying how to get it.
  static func needs(_ vocabulary: FixtureVocabulary) -> Self {
    .enabled(if: vocabulary.path != nil, "\(vocabulary.hint)")
  }
}
