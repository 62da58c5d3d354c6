import ArgumentParser
import Compute
import Foundation
import Inference
import Models
import Runtime

/// What a model file holds.
struct ModelInfo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Show a model file's metadata and tensors.")

  @Argument(help: "A model file or a name of the catalogue.")
  var model: String

  @Flag(help: "List every tensor.")
  var tensors = false

  func run() throws {
    let path = try ModelFolder.standard().resolve(model)
    let gguf = try GGUF(path: path)
    try Console.print("file          \(path)")
    try Console.print(
      "size          \(formatBytes(gguf.file.byteCount)), GGUF version \(gguf.version)")
    try printShape(gguf, path: path)
    try Console.print("")
    try Console.print("metadata (\(gguf.metadata.count))")
    for key in gguf.metadata.keys {
      try Console.print("  \(key) = \(gguf.metadata.printableValue(key) ?? "?")")
    }
    try Console.print("")
    try Console.print("tensors (\(gguf.tensors.count))")
    if tensors {
      for tensor in gguf.tensors {
        let shape = tensor.dimensions.reversed().map(String.init).joined(separator: " x ")
        try Console.print("  \(tensor.name)  \(tensor.type.name)  [\(shape)]")
      }
    } else {
      try printFormats(gguf)
    }
  }

  /// The figures of the network, or why it cannot be run.
  private func printShape(_ gguf: GGUF, path: String) throws {
    do {
      let loaded = try ModelLoader.load(path: path, contextLength: 1)
      let shape = loaded.model.shape
      try Console.print("model         \(loaded.name), architecture \(gguf.architecture ?? "none")")
      try Console.print(
        "parameters    \(loaded.parameters / 1_000_000) million, mostly \(loaded.format)")
      try Console.print(
        "network       \(shape.layers) layers of width \(shape.width), \(shape.heads) heads "
          + "(\(shape.kvHeads) for keys) of \(shape.headDimension), feed-forward \(shape.feedForward)"
      )
      try Console.print(
        "vocabulary    \(shape.vocabulary) tokens, trained for \(shape.contextLength) positions")
    } catch let error as InferenceError {
      try Console.print("cannot run    \(error.message)")
    }
  }

  private func printFormats(_ gguf: GGUF) throws {
    var sums: [String: (count: Int, bytes: Int)] = [:]
    for tensor in gguf.tensors {
      let sum = sums[tensor.type.name] ?? (0, 0)
      sums[tensor.type.name] = (sum.count + 1, sum.bytes + tensor.byteCount)
    }
    for (name, sum) in sums.sorted(by: { $0.value.bytes > $1.value.bytes }) {
      try Console.print("  \(name): \(sum.count) tensors, \(formatBytes(sum.bytes))")
    }
  }
}
