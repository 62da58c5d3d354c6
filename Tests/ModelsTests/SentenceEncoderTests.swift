import Compute
import Foundation
import Inference
import Models
import TestSupport
import Testing

/// Word pieces, files of tensors, and the encoder of sentences.
@Suite struct SentenceEncoderTests {
  @Test func wordsAreCutIntoTheLongestPieces() throws {
    let pieces = [
      "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "able", ",", "cafe", "a", "猫",
    ]
    let tokenizer = try WordPieceTokenizer(vocabulary: pieces.joined(separator: "\n"))
    #expect(tokenizer.encode("Unaffable", limit: 16) == [1, 3, 4, 5, 2])
    #expect(tokenizer.encode("able,a", limit: 16) == [1, 6, 7, 9, 2])
    #expect(tokenizer.encode("cafe\u{301}", limit: 16) == [1, 8, 2])
    #expect(tokenizer.encode("a猫a", limit: 16) == [1, 9, 10, 9, 2])
    #expect(tokenizer.encode("ableq a", limit: 16) == [1, 0, 9, 2])
    #expect(tokenizer.encode("a a a a a", limit: 4) == [1, 9, 9, 2])
    #expect(tokenizer.encode("", limit: 4) == [1, 2])
    #expect(tokenizer.encode(String(repeating: "a", count: 101), limit: 4) == [1, 0, 2])
    #expect(throws: InferenceError.self) { try WordPieceTokenizer(vocabulary: "a\nb") }
  }

  private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "/\(UUID().uuidString).safetensors"
    try Data(bytes).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func bytes(_ header: String, data: [Float]) -> [UInt8] {
    let length = UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8)
      + data.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
      }
  }

  @Test func tensorsAreReadByTheirShape() throws {
    let header =
      #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}} "#
    let padded = header.padding(toLength: (header.count + 7) / 8 * 8, withPad: " ", startingAt: 0)
    try withFile(bytes(padded, data: [1, 2, 3, 4])) { path in
      let file = try Safetensors(path: path)
      #expect(file.names == ["a"])
      #expect(try file.tensor("a", rows: 2, columns: 2).row(1) == [3, 4])
      #expect(throws: InferenceError.self) { try file.tensor("a", rows: 4, columns: 1) }
      #expect(throws: InferenceError.self) { try file.tensor("b", rows: 2, columns: 2) }
    }
  }

  @Test func brokenFilesAreRefusedInWords() throws {
    let good = bytes(
      #"{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}     "#, data: [1, 2])
    for length in 0..<good.count {
      try withFile(Array(good.prefix(length))) { path in
        // Cut anywhere, the file or its tensor is refused.
        #expect(throws: InferenceError.self) {
          _ = try Safetensors(path: path).tensor("a", rows: 1, columns: 2)
        }
      }
    }
    for header in [
      "[]", "{", #"{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[8,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[-8,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[9223372036854775800,9223372036854775807]}}"#,
      #"{"a":{"dtype":"Q9","shape":[1,2],"data_offsets":[0,8]}}"#,
    ] {
      try withFile(bytes(header, data: [1, 2])) { path in
        #expect(throws: InferenceError.self) {
          _ = try Safetensors(path: path).tensor("a", rows: 1, columns: 2)
        }
      }
    }
  }

  /// The vectors of the closed vocabulary were made by PyTorch from the same weights.
  @Test(.enabled(if: RealModel.sentenceEncoder != nil))
  func vectorsAreThoseOfPyTorch() throws {
    let files = try #require(RealModel.sentenceEncoder)
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let vocabulary = try String(contentsOfFile: files.vocabulary, encoding: .utf8)
    let encoder = try SentenceEncoder(
      weights: Safetensors(path: files.weights), vocabulary: vocabulary, on: pool)
    let book = try CaptionBook(path: RealModel.assets + "/weights/captions.gguf")
    for caption in ["red heart", "dog face", "flag: united kingdom", "face with tears of joy"] {
      let wanted = try #require(book.read(caption))
      let found = try #require(encoder.encode(caption))
      #expect(wanted.isCaption)
      let alike = zip(wanted.vector.values, found.values).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(alike > 0.9999, "\(caption): \(alike)")
    }
  }

  @Test func descriptionsAreReadAsCaptionsOrWordByWord() throws {
    let book = try CaptionBook(path: RealModel.assets + "/weights/captions.gguf")
    let heart = try #require(book.read("A red heart!"))
    #expect(heart.isCaption && heart.unknown.isEmpty)
    #expect(book.read("red heart") == heart)
    let mixed = try #require(book.read("a red heart with qwertyish sparkles"))
    #expect(!mixed.isCaption && mixed.unknown.contains("qwertyish"))
    #expect(book.read("qwertyish") == nil)
    #expect(book.read("") == nil)
  }
}
