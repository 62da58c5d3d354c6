import Foundation
import TestSupport
import Testing

/// A file that is no model is called by what is wrong with it, and the status is 4.
struct ModelFileTests {
  private func expectRefusal(
    of bytes: [UInt8], words: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let scratch = try Scratch()
    let path = try scratch.write(bytes, to: "model.gguf")
    let result = try Program().run(["ask", "--raw", "--model", path, "hello"])
    #expect(result.status == 4, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.output == "", sourceLocation: sourceLocation)
    #expect(
      result.errors.hasPrefix("paceline: ") && result.errors.contains(words ?? path),
      "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.errors.split(separator: "\n").count == 1, sourceLocation: sourceLocation)
  }

  @Test func anEmptyFileIsRefused() throws {
    try expectRefusal(of: [])
  }

  @Test func aFileWithAnotherMagicIsRefused() throws {
    var bytes = TinyModelFile.writer().bytes()
    bytes.replaceSubrange(0..<4, with: Array("GGML".utf8))
    try expectRefusal(of: bytes)
    try expectRefusal(of: Array("this is a letter, not a model, and long enough for a header".utf8))
  }

  @Test func anUnknownVersionIsRefused() throws {
    var bytes = TinyModelFile.writer().bytes()
    bytes[4] = 99
    try expectRefusal(of: bytes, words: "version")
  }

  @Test func anUnknownArchitectureIsNamed() throws {
    try expectRefusal(
      of: TinyModelFile.writer(architecture: "perceptron").bytes(), words: "perceptron")
  }

  @Test(arguments: [4, 7, 12, 24, 40, 100, 1_000, 5_000])
  func aFileCutInItsHeaderIsRefused(length: Int) throws {
    try expectRefusal(of: Array(TinyModelFile.writer().bytes().prefix(length)))
  }

  @Test(arguments: [1, 33, 5_000, 60_000])
  func aFileCutInItsTensorsIsRefused(missing: Int) throws {
    try expectRefusal(of: TinyModelFile.writer().bytes().dropLast(missing), words: "truncated")
  }

  @Test func aFolderIsRefused() throws {
    let scratch = try Scratch()
    let result = try Program().run(["ask", "--model", scratch.folder, "hello"])
    #expect(result.status == 4)
    #expect(result.errors.contains(scratch.folder))
  }

  @Test func infoOfABrokenFileIsRefusedToo() throws {
    let scratch = try Scratch()
    let path = try scratch.write("GGUF", to: "model.gguf")
    #expect(try Program().run(["models", "info", path]).status == 4)
    #expect(try Program().run(["tokenize", "--model", path]).status == 4)
    #expect(try Program().run(["bench", "--model", path]).status == 4)
  }
}
