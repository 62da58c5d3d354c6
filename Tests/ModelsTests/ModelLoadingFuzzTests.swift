import Compute
import Inference
import Models
import TestSupport
import Testing

/// Files whose figures, tensor table or vocabulary lie either load to something that computes or give an error; they
/// never trap.
@Suite struct ModelLoadingFuzzTests {
  /// A file of a few kilobytes that loads and computes as it is.
  private static func tiny(_ architecture: String) -> TinyModel {
    var model = TinyModel(
      architecture: architecture, format: architecture == "qwen2" ? .f32 : .q8_0)
    (model.layers, model.width, model.feedForward) = (2, 32, 64)
    (model.heads, model.kvHeads, model.headDimension) = (4, 2, 16)
    return model
  }

  /// Numbers that are valid somewhere and absurd elsewhere.
  private static let figures: [UInt64] = [
    0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 62, 64, 128, 255, 256, 1024, 4095, 4096, 4097,
    65535, 1 << 20, 1 << 22, 1 << 24, 1 << 31, 0xFFFF_FFFF, 1 << 40, 1 << 62, .max,
  ]
  private static let ratios: [Double] = [
    0, 1, -1, 1e-30, 1e30, 10000, 1e12, 0.125, .infinity, .nan, -.infinity,
  ]

  private static let fields = [
    "block_count", "context_length", "embedding_length", "feed_forward_length",
    "attention.head_count", "attention.head_count_kv", "attention.key_length",
    "attention.value_length", "attention.layer_norm_rms_epsilon", "rope.dimension_count",
    "rope.freq_base", "rope.freq_base_swa", "rope.scaling.factor", "attention.sliding_window",
    "attention.sliding_window_pattern", "expert_count", "final_logit_softcapping",
  ]

  private static func mutate(
    _ writer: inout GGUFWriter, _ architecture: String, _ random: inout SplitMix64
  ) {
    let field = fields.randomElement(using: &random) ?? "block_count"
    let key = "\(architecture).\(field)"
    let figure = figures.randomElement(using: &random) ?? 0
    switch Int.random(in: 0..<10, using: &random) {
    case 0: writer.set(key, .float64(ratios.randomElement(using: &random) ?? 0))
    case 1: writer.set(key, .float32(Float(ratios.randomElement(using: &random) ?? 0)))
    case 2: writer.set(key, .int64(Int64(truncatingIfNeeded: ~figure)))
    case 3: writer.remove(key)
    case 4:
      let ids = ["bos", "eos", "eot", "unknown", "fim_pre", "padding"]
      let name = ids.randomElement(using: &random) ?? "bos"
      writer.set("tokenizer.ggml.\(name)_token_id", .uint64(figure))
    default: writer.set(key, .uint64(figure))
    }
  }

  /// Changes the entries of some tensors in place: the number of dimensions, one of them, type or offset.
  private static func mutateTable(
    _ bytes: inout [UInt8], of gguf: GGUF, _ random: inout SplitMix64
  ) {
    guard let tensor = gguf.tensors.randomElement(using: &random),
      let place = bytes[..<gguf.headerByteCount].firstRange(of: Array(tensor.name.utf8))
    else { return }
    let dimensions = tensor.dimensions.count
    let figure = figures.randomElement(using: &random) ?? 0
    let start = place.upperBound
    func put(_ value: UInt64, at offset: Int, count: Int) {
      for index in 0..<count {
        bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
      }
    }
    switch Int.random(in: 0..<6, using: &random) {
    case 0: put(UInt64.random(in: 0...5, using: &random), at: start, count: 4)
    case 1: put(UInt64.random(in: 0...42, using: &random), at: start + 4 + 8 * dimensions, count: 4)
    case 2: put(figure & ~31, at: start + 8 + 8 * dimensions, count: 8)
    case 3: put(0, at: start + 8 + 8 * dimensions, count: 8)
    default:
      let index = Int.random(in: 0..<dimensions, using: &random)
      put(figure, at: start + 4 + 8 * index, count: 8)
    }
  }

  /// Loads a file and, where that works, computes and samples a token.
  ///
  /// - Returns: whether it loaded.
  private static func exercise(_ bytes: [UInt8], on pool: WorkerPool) throws -> Bool {
    do {
      return try TinyFiles.withFile(bytes) { path in
        let loaded = try ModelLoader.load(path: path)
        #expect(loaded.parameters > 0 && !loaded.format.isEmpty)
        let tokenizer = try TokenizerLoader.load(from: loaded.gguf)
        #expect(tokenizer.vocabularySize <= loaded.model.shape.vocabulary)
        let tokens = tokenizer.encode("the dog", parsesSpecial: true).prefix(3) + [0]
        let cache = try loaded.model.makeCache(capacity: loaded.model.contextLength)
        guard tokens.count <= cache.capacity else { return true }
        let pass = try loaded.model.forward(
          TokenBatch(chain: Array(tokens)), caches: [cache], on: pool, clock: PhaseClock())
        cache.commit(Array(tokens.indices))
        var sampler = SamplerChain(settings: SamplerSettings())
        let sampled = sampler.sample(pass.row(0), history: TokenHistory(prompt: Array(tokens)))
        #expect(sampled.token >= 0 && Int(sampled.token) < loaded.model.shape.vocabulary)
        _ = tokenizer.bytes(of: sampled.token, special: true)
        return true
      }
    } catch let error as InferenceError {
      #expect([.modelFile, .unsupportedModel, .outOfMemory].contains(error.code), "\(error)")
      return false
    }
  }

  @Test(arguments: ["llama", "qwen2", "gemma3"])
  func absurdFiguresDoNoHarm(_ architecture: String) throws {
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let valid = Self.tiny(architecture).writer()
    #expect(try Self.exercise(valid.bytes(), on: pool))
    var random = SplitMix64(seed: 41)
    var loaded = 0
    for _ in 0..<1200 {
      var writer = valid
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        Self.mutate(&writer, architecture, &random)
      }
      if try Self.exercise(writer.bytes(), on: pool) { loaded += 1 }
    }
    // Both ways are taken often, or the cases would prove little.
    #expect(loaded > 100 && loaded < 1100, "\(loaded) loaded")
  }

  @Test(arguments: ["llama", "qwen2", "gemma3"])
  func lyingTensorTablesDoNoHarm(_ architecture: String) throws {
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let valid = Self.tiny(architecture).writer().bytes()
    let gguf = try TinyFiles.load(valid)
    var random = SplitMix64(seed: 43)
    var loaded = 0
    for _ in 0..<1200 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        Self.mutateTable(&bytes, of: gguf, &random)
      }
      if try Self.exercise(bytes, on: pool) { loaded += 1 }
    }
    #expect(loaded > 50 && loaded < 1150, "\(loaded) loaded")
  }

  @Test func moreHeadsThanWidthGivesAnError() throws {
    var writer = Self.tiny("llama").writer()
    writer.set("llama.attention.head_count", .uint32(4096))
    for key in ["attention.key_length", "attention.value_length"] { writer.remove("llama.\(key)") }
    #expect(try Self.error(writer)?.message.contains("llama.attention.key_length") == true)
  }

  @Test func moreTokensThanEmbeddingRowsGiveAnError() throws {
    var writer = Self.tiny("llama").writer()
    var vocabulary = TinyVocabulary.byteLevel()
    vocabulary.tokens.append("one more")
    vocabulary.types.append(1)
    vocabulary.write(into: &writer)
    #expect(try Self.error(writer)?.message.contains("tokenizer.ggml.tokens") == true)
  }

  @Test func aTensorThatTheNetworkDoesNotUseGivesAnError() throws {
    var writer = Self.tiny("llama").writer()
    writer.addTensor(
      "blk.1.attn_output.bias", .f32, rows: 1, columns: 32, values: Array(repeating: 1, count: 32))
    let error = try Self.error(writer)
    #expect(error?.code == .unsupportedModel)
    #expect(error?.message.contains("blk.1.attn_output.bias") == true)
  }

  private static func error(_ writer: GGUFWriter) throws -> InferenceError? {
    try TinyFiles.withFile(writer.bytes()) { path in
      do {
        _ = try TokenizerLoader.load(from: try ModelLoader.load(path: path).gguf)
        return nil
      } catch let error as InferenceError {
        return error
      }
    }
  }
}
