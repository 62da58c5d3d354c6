import TestSupport

/// A made-up model of a few kilobytes: a `llama` of two layers with random weights and a byte-level vocabulary.
enum TinyModelFile {
  static func writer(architecture: String = "llama") -> GGUFWriter {
    var writer = GGUFWriter()
    writer.set("general.architecture", .string(architecture))
    writer.set("general.name", .string("Tiny"))
    let vocabulary = TinyVocabulary.byteLevel()
    vocabulary.write(into: &writer)
    let (width, hidden, heads, kvHeads) = (64, 128, 4, 2)
    let figures = [
      ("block_count", 2), ("context_length", 256), ("embedding_length", width),
      ("feed_forward_length", hidden), ("attention.head_count", heads),
      ("attention.head_count_kv", kvHeads),
    ]
    for (key, value) in figures { writer.set("\(architecture).\(key)", .uint32(UInt32(value))) }
    writer.set("\(architecture).attention.layer_norm_rms_epsilon", .float32(1e-5))
    var random = SplitMix64(seed: 7)
    func add(_ name: String, rows: Int, columns: Int) {
      let values = (0..<rows * columns).map { _ in random.normal() * 0.1 }
      writer.addTensor(name, .f32, rows: rows, columns: columns, values: values)
    }
    func addNorm(_ name: String) {
      writer.addTensor(
        name, .f32, rows: 1, columns: width, values: Array(repeating: 1, count: width))
    }
    add("token_embd.weight", rows: vocabulary.tokens.count, columns: width)
    for layer in 0..<2 {
      let block = "blk.\(layer)."
      addNorm(block + "attn_norm.weight")
      add(block + "attn_q.weight", rows: width, columns: width)
      add(block + "attn_k.weight", rows: width * kvHeads / heads, columns: width)
      add(block + "attn_v.weight", rows: width * kvHeads / heads, columns: width)
      add(block + "attn_output.weight", rows: width, columns: width)
      addNorm(block + "ffn_norm.weight")
      add(block + "ffn_gate.weight", rows: hidden, columns: width)
      add(block + "ffn_up.weight", rows: hidden, columns: width)
      add(block + "ffn_down.weight", rows: width, columns: hidden)
    }
    addNorm("output_norm.weight")
    return writer
  }
}
