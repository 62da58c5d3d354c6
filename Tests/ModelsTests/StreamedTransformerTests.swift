import Compute
import Glibc
import Inference
import Models
import TestSupport
import Testing

/// Weights that are read while the model computes, against weights that are all there.
@Suite struct StreamedTransformerTests {
  static let architectures = NetworkConfiguration.architectures
  static let tokens: [TokenID] = (0..<40).map { 10 + $0 * 37 % 200 }

  /// A tiny model whose file stays for as long as the object.
  final class TinyFile {
    let path: String
    let loaded: LoadedModel

    init(_ tiny: TinyModel) throws {
      path = "/tmp/paceline-stream-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).gguf"
      try tiny.writer().write(to: path)
      loaded = try ModelLoader.load(path: path)
    }

    deinit { unlink(path) }

    /// The bytes of all matrices that a pass reads.
    var matrixByteCount: Int { loaded.model.weightByteCount }

    /// The least cap that will do, in bytes, found by trying.
    func leastCap() throws -> Int {
      var (low, high) = (0, 2 * matrixByteCount)
      while high - low > 4096 {
        let middle = (low + high) / 2
        if (try? loaded.streamed(StreamingOptions(byteCap: middle))) == nil {
          low = middle
        } else {
          high = middle
        }
      }
      return high
    }
  }

  static func tiny(_ architecture: String, _ format: ElementType) -> TinyModel {
    var tiny = TinyModel(architecture: architecture, format: format)
    tiny.layers = 4
    tiny.feedForward = 256
    return tiny
  }

  /// Logits of all rows of passes of many kinds, and the hidden states of a layer.
  private func everything(of model: any LanguageModel, threads: Int = 2) throws -> [[Float]] {
    let pool = WorkerPool(count: threads)
    defer { pool.shutDown() }
    let cache = try model.makeCache(capacity: 96)
    var all: [[Float]] = []
    func pass(_ batch: TokenBatch) throws {
      let pass = try model.forward(batch, caches: [cache], on: pool, clock: PhaseClock())
      all += batch.logitRows.indices.map { pass.logits.array(pass.range($0)) }
      for layer in batch.features.sorted() {
        let feature = try #require(pass.features[layer])
        all.append(feature.array(0..<batch.wantedFeatures.count * model.shape.width))
      }
      if let blocks = pass.blocks, !batch.logitRows.isEmpty {
        all.append(blocks.maxima.array(0..<batch.logitRows.count * blocks.count))
      }
    }
    // A prompt without logits, one with, single rows, a tree, what grows out of it, and a few tokens' logits.
    try pass(TokenBatch(chain: Array(Self.tokens[..<20]), logits: .none))
    cache.commit(Array(0..<20))
    try pass(TokenBatch(chain: Array(Self.tokens[20...]), logits: .all))
    cache.commit(Array(0..<20))
    for token in [TokenID(9), 11] {
      try pass(TokenBatch(chain: [token]))
      cache.commit([0])
    }
    var tree = TokenBatch(chain: [30, 31, 32, 33, 34, 35], logits: .all)
    tree.parents = [-1, 0, 1, 0, 3, -1]
    tree.features = [1, model.shape.layers - 1]
    try pass(tree)
    var more = TokenBatch(chain: [36, 37], logits: .all)
    more.parents = [4, 6]
    more.isGrowing = true
    try pass(more)
    cache.commit([0, 3, 4, 6])
    var few = TokenBatch(chain: [40, 41], logits: .all)
    few.headRows = [64..<128, 192..<model.shape.vocabulary]
    few.blends = [1: [TokenWeight(token: 3, weight: 0.5), TokenWeight(token: 250, weight: 0.5)]]
    try pass(few)
    return all
  }

  @Test(arguments: architectures, [ElementType.f32, .q4_1, .q8_0, .q4_K, .q6_K])
  func theBitsAreThoseOfTheResidentModel(_ architecture: String, _ format: ElementType) throws {
    let file = try TinyFile(Self.tiny(architecture, format))
    let expected = try everything(of: file.loaded.model)
    let least = try file.leastCap()
    let all = file.matrixByteCount + 100_000
    for cap in [least, (least + all) / 2, 2 * all] {
      let streamed = try file.loaded.streamed(StreamingOptions(byteCap: cap))
      #expect(streamed.residentByteCount <= max(cap, least) + (1 << 18))
      #expect(try everything(of: streamed) == expected, "a cap of \(cap) bytes")
    }
  }

  /// From two buffers and nothing pinned to a single part that is streamed.
  @Test(arguments: ["llama", "gemma3"])
  func theBitsAreTheSameWhateverIsPinned(_ architecture: String) throws {
    let file = try TinyFile(Self.tiny(architecture, .q8_0))
    let expected = try everything(of: file.loaded.model)
    let least = try file.leastCap()
    var plans: Set<Int> = []
    for cap in stride(from: least, to: 2 * file.matrixByteCount, by: 80_000) {
      let streamed = try file.loaded.streamed(StreamingOptions(byteCap: cap))
      guard plans.insert(streamed.bytesPerPass).inserted else { continue }
      #expect(try everything(of: streamed) == expected, "a cap of \(cap) bytes")
    }
    #expect(plans.count >= 4 && plans.contains(0))
  }

  @Test(arguments: [1, 2, 3]) func theBitsDependNotOnThreads(_ threads: Int) throws {
    let file = try TinyFile(Self.tiny("gemma3", .q4_1))
    let expected = try everything(of: file.loaded.model, threads: 1)
    let cap = try file.leastCap()
    let streamed = try file.loaded.streamed(StreamingOptions(byteCap: cap))
    #expect(try everything(of: streamed, threads: threads) == expected)
  }

  @Test func aPassReadsWhatIsNotPinnedAndNothingElse() throws {
    let file = try TinyFile(Self.tiny("llama", .q8_0))
    let least = try file.leastCap()
    let streamed = try file.loaded.streamed(StreamingOptions(byteCap: least))
    #expect(streamed.bytesPerPass > 0)
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    let cache = try streamed.makeCache(capacity: 32)
    func step() throws {
      _ = try streamed.forward(
        TokenBatch(chain: [5]), caches: [cache], on: pool, clock: PhaseClock())
      cache.commit([0])
    }
    try step()
    let before = streamed.bytesRead
    for _ in 0..<4 { try step() }
    let perPass = (streamed.bytesRead - before) / 4
    // Two parts may have been fetched ahead at either end, and each token's embedding is read alone.
    let ahead = 2 * streamed.bytesPerPass / 4 + 3 * 4096
    #expect(abs(perPass - streamed.bytesPerPass) <= ahead)
    let pinned = try file.loaded.streamed(StreamingOptions(byteCap: 1 << 30))
    #expect(pinned.bytesPerPass == 0)
    #expect(pinned.residentByteCount >= file.matrixByteCount)
  }

  /// The pages of the mapped file stay out of memory, so the cap is kept.
  @Test func theMappedFileIsNotTouched() throws {
    let file = try TinyFile(Self.tiny("llama", .f32))
    _ = try everything(of: file.loaded.model)
    #expect(try residentKilobytes(of: file.path) * 1024 > file.matrixByteCount / 2)
    let streamed = try file.loaded.streamed(
      StreamingOptions(byteCap: try file.leastCap()))
    _ = try everything(of: streamed)
    #expect(try residentKilobytes(of: file.path) < 256)
  }

  /// How much of a mapped file this process has in memory.
  private func residentKilobytes(of path: String) throws -> Int {
    let maps = try #require(fopen("/proc/self/smaps", "r"))
    defer { fclose(maps) }
    var line = [CChar](repeating: 0, count: 4096)
    var isFile = false
    var sum = 0
    while fgets(&line, Int32(line.count), maps) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let words = text.split(whereSeparator: \.isWhitespace)
      if words.first?.contains("-") == true { isFile = text.contains(path) }
      if isFile, words.first == "Rss:" { sum += Int(words[1]) ?? 0 }
    }
    return sum
  }

  @Test func aCapThatIsTooSmallNamesTheLeastThatWillDo() throws {
    let file = try TinyFile(Self.tiny("qwen2", .q8_0))
    let least = (try file.leastCap() + 999_999) / 1_000_000
    _ = try file.loaded.streamed(StreamingOptions(byteCap: least * 1_000_000))
    do {
      _ = try file.loaded.streamed(StreamingOptions(byteCap: 10_000))
      Issue.record("10 kB were enough")
    } catch {
      #expect(error.code == .invalidRequest && error.message.contains("\(least) MB"))
    }
  }

  @Test func aFileThatIsCutOffWhileItIsReadIsAnErrorThatSaysWhere() throws {
    let file = try TinyFile(Self.tiny("llama", .q8_0))
    let streamed = try file.loaded.streamed(
      StreamingOptions(byteCap: try file.leastCap()))
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let cache = try streamed.makeCache(capacity: 32)
    #expect(truncate(file.path, off_t(file.loaded.gguf.headerByteCount + 8192)) == 0)
    do {
      // What was fetched ahead may still do for a pass.
      for _ in 0..<3 {
        _ = try streamed.forward(
          TokenBatch(chain: [5]), caches: [cache], on: pool, clock: PhaseClock())
        cache.commit([0])
      }
      Issue.record("a file that was cut off went unnoticed")
    } catch {
      #expect(error.code == .modelFile)
      #expect(error.message.contains(file.path) && error.message.contains("cut off"))
    }
    #expect(cache.provisionalCount == 0)
    // And the same again, without waiting for ever.
    #expect(throws: InferenceError.self) {
      for _ in 0..<3 {
        _ = try streamed.forward(
          TokenBatch(chain: [6]), caches: [cache], on: pool, clock: PhaseClock())
      }
    }
  }

  @Test func aFileThatHasChangedIsAnError() throws {
    let file = try TinyFile(Self.tiny("llama", .q8_0))
    #expect(truncate(file.path, off_t(file.loaded.gguf.file.byteCount + 4096)) == 0)
    #expect(throws: InferenceError.self) {
      try file.loaded.streamed(StreamingOptions(byteCap: 1 << 30))
    }
    unlink(file.path)
    #expect(throws: InferenceError.self) {
      try file.loaded.streamed(StreamingOptions(byteCap: 1 << 30))
    }
  }

  /// Another model computes on the same pool while the weights are on their way.
  @Test func otherWorkWhileItWaitsChangesNothing() throws {
    let file = try TinyFile(Self.tiny("llama", .f32))
    let expected = try everything(of: file.loaded.model)
    let other = try TinyModel(format: .q8_0).load().model
    let own = WorkerPool(count: 2)
    defer { own.shutDown() }
    let cache = try other.makeCache(capacity: 250)
    let streamed = try file.loaded.streamed(
      StreamingOptions(
        byteCap: try file.leastCap(), bytesPerSecond: 200_000_000))
    var calls = 0
    streamed.whileWaiting = {
      calls += 1
      guard cache.count < 240 else { return false }
      do {
        _ = try other.forward(
          TokenBatch(chain: [7]), caches: [cache], on: own, clock: PhaseClock())
        cache.commit([0])
      } catch {
        return false
      }
      return true
    }
    #expect(try everything(of: streamed) == expected)
    #expect(calls > 0)
  }

  @Test func aPassThatIsCancelledWhileItWaitsLeavesNoTrace() throws {
    let file = try TinyFile(Self.tiny("qwen2", .f32))
    let expected = try everything(of: file.loaded.model)
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let streamed = try file.loaded.streamed(
      StreamingOptions(
        byteCap: try file.leastCap(), bytesPerSecond: 100_000_000))
    let cache = try streamed.makeCache(capacity: 32)
    for stop in 1...3 {
      let flag = CancellationFlag()
      var calls = 0
      streamed.whileWaiting = {
        calls += 1
        if calls == stop { flag.raise() }
        return true
      }
      do {
        // A flag that no wait raises is raised between the passes.
        for _ in 0..<20 {
          _ = try streamed.forward(
            TokenBatch(chain: [4], cancellation: flag), caches: [cache], on: pool,
            clock: PhaseClock())
          cache.truncate(to: 0)
        }
        Issue.record("the flag was never raised")
      } catch {
        #expect(error.code == .cancelled)
      }
      #expect(cache.count == 0 && cache.provisionalCount == 0)
    }
    streamed.whileWaiting = nil
    #expect(try everything(of: streamed) == expected)
  }

  @Test func aFullCacheIsFoundBeforeAnythingIsRead() throws {
    let file = try TinyFile(Self.tiny("llama", .q8_0))
    let streamed = try file.loaded.streamed(
      StreamingOptions(byteCap: try file.leastCap()))
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    let cache = try streamed.makeCache(capacity: 2)
    do {
      _ = try streamed.forward(
        TokenBatch(chain: [4, 5, 6]), caches: [cache], on: pool, clock: PhaseClock())
      Issue.record("three rows fit into two places")
    } catch {
      #expect(error.code == .contextFull)
    }
    #expect(throws: InferenceError.self) {
      try streamed.forward(
        TokenBatch(chain: [1 << 20]), caches: [cache], on: pool, clock: PhaseClock())
    }
  }
}
