import Compute
import Foundation
import Inference
import Models
import TestSupport

/// Small files in a folder of their own, gone when the test ends.
enum TinyFiles {
  /// Writes bytes to a file and gives its path to `body`.
  static func withFile<Result>(
    _ bytes: [UInt8], _ body: (String) throws -> Result
  ) throws -> Result {
    let path = FileManager.default.temporaryDirectory
      .appending(path: "paceline-\(UUID().uuidString).gguf").path
    try GGUFWriter.write(bytes, to: path)
    // What is mapped stays readable when the name is gone.
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  static func load(_ bytes: [UInt8]) throws -> GGUF {
    try withFile(bytes) { try GGUF(path: $0) }
  }

  static func load(
    _ vocabulary: TinyVocabulary
  ) throws -> (gguf: GGUF, tokenizer: any Tokenizer) {
    var writer = GGUFWriter()
    vocabulary.write(into: &writer)
    let gguf = try load(writer.bytes())
    return (gguf, try TokenizerLoader.load(from: gguf))
  }

  /// The error that opening a file gives, or nil where it opens.
  static func error(_ bytes: [UInt8]) throws -> InferenceError? {
    try withFile(bytes) { path in
      do {
        _ = try GGUF(path: path)
        return nil
      } catch let error as InferenceError {
        return error
      }
    }
  }
}
