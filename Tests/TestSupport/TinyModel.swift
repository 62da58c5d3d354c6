import Compute
import Glibc
import Inference
import Models

/// A made-up model of some kilobytes with seeded random weights, for every architecture and weight format.
package struct TinyModel {
  package var architecture: String
  /// Format of all matrices.
  package var format: ElementType
  package var layers = 2
  package var width = 256
  package var heads = 4
  package var kvHeads = 2
  package var headDimension = 64
  package var feedForward = 512
  package var contextLength = 256
  package var seed: UInt64 = 7

  package init(architecture: String = "llama", format: ElementType = .f32) {
    self.architecture = architecture
    self.format = format
  }

  /// The file's contents, to be changed further or written.
  package func writer() -> GGUFWriter {
    var writer = GGUFWriter()
    let vocabulary =
      architecture == "gemma3" ? TinyVocabulary.sentencePiece() : TinyVocabulary.byteLevel()
    writer.set("general.architecture", .string(architecture))
    writer.set("general.name", .string("Tiny"))
    vocabulary.write(into: &writer)
    writeFigures(into: &writer)
    var tensors = TinyTensors(format: format, random: SplitMix64(seed: seed))
    tensors.matrix(
      "token_embd.weight", rows: vocabulary.tokens.count, columns: width, into: &writer)
    for layer in 0..<layers { writeLayer("blk.\(layer).", with: &tensors, into: &writer) }
    tensors.vector("output_norm.weight", count: width, into: &writer)
    return writer
  }

  /// Writes the file into the temporary folder, loads it and removes it; the mapping lives on.
  package func load(kernels: Kernels = .shared) throws -> LoadedModel {
    let path = "/tmp/paceline-tiny-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).gguf"
    try writer().write(to: path)
    defer { unlink(path) }
    return try ModelLoader.load(path: path, kernels: kernels)
  }

  private func writeFigures(into writer: inout GGUFWriter) {
    let figures = [
      ("block_count", layers), ("context_length", contextLength), ("embedding_length", width),
      ("feed_forward_length", feedForward), ("attention.head_count", heads),
      ("attention.head_count_kv", kvHeads), ("attention.key_length", headDimension),
      ("attention.value_length", headDimension),
    ]
    for (key, value) in figures { writer.set("\(architecture).\(key)", .uint32(UInt32(value))) }
    writer.set("\(architecture).attention.layer_norm_rms_epsilon", .float32(1e-5))
    guard architecture == "gemma3" else { return }
    writer.set("gemma3.attention.sliding_window", .uint32(16))
    writer.set("gemma3.attention.sliding_window_pattern", .uint32(2))
  }

  private func writeLayer(
    _ block: String, with tensors: inout TinyTensors, into writer: inout GGUFWriter
  ) {
    let (queries, keys) = (heads * headDimension, kvHeads * headDimension)
    let matrices = [
      ("attn_q", queries, width), ("attn_k", keys, width), ("attn_v", keys, width),
      ("attn_output", width, queries), ("ffn_gate", feedForward, width),
      ("ffn_up", feedForward, width), ("ffn_down", width, feedForward),
    ]
    for (name, rows, columns) in matrices {
      tensors.matrix("\(block)\(name).weight", rows: rows, columns: columns, into: &writer)
    }
    for name in ["attn_norm", "ffn_norm"] {
      tensors.vector("\(block)\(name).weight", count: width, into: &writer)
    }
    if architecture == "qwen2" {
      for (name, count) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
        tensors.vector("\(block)\(name).bias", count: count, around: 0, into: &writer)
      }
    }
    guard architecture == "gemma3" else { return }
    for name in ["attn_q_norm", "attn_k_norm"] {
      tensors.vector("\(block)\(name).weight", count: headDimension, into: &writer)
    }
    for name in ["post_attention_norm", "post_ffw_norm"] {
      tensors.vector("\(block)\(name).weight", count: width, into: &writer)
    }
  }
}

/// Adds random tensors to a file.
private struct TinyTensors {
  let format: ElementType
  var random: SplitMix64

  mutating func matrix(
    _ name: String, rows: Int, columns: Int, into writer: inout GGUFWriter
  ) {
    let scale = 1.5 / Float(columns).squareRoot()
    let values = (0..<rows * columns).map { _ in random.normal() * scale }
    writer.addTensor(name, format, rows: rows, columns: columns, values: values)
  }

  mutating func vector(
    _ name: String, count: Int, around mean: Float = 1, into writer: inout GGUFWriter
  ) {
    let values = (0..<count).map { _ in mean + random.normal() * 0.2 }
    writer.addTensor(name, .f32, rows: 1, columns: count, values: values)
  }
}
