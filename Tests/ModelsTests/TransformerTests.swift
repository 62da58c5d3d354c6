import Compute
import Inference
import Models
import TestSupport
import Testing

/// The fast forward pass against the plain one, and against itself cut up differently.
@Suite struct TransformerTests {
  static let architectures = NetworkConfiguration.architectures
  static let tokens: [TokenID] = (0..<40).map { 10 + $0 * 37 % 200 }

  /// Greatest difference of logits that rounding alone explains, relative to their spread.
  private func tolerance(_ format: ElementType) -> Float {
    switch format.activationForm {
    // Keys and values are kept in half precision.
    case .float: 0.01
    // Activations are rounded to 8 bits before each matrix, with one scale for so many values.
    case .int8PerBlock32: 0.08
    case .int8PerBlock256: 0.15
    }
  }

  @Test(arguments: architectures, ElementType.allCases)
  func logitsAreThoseOfThePlainForward(_ architecture: String, _ format: ElementType) throws {
    let tiny = TinyModel(architecture: architecture, format: format)
    let loaded = try tiny.load()
    let fast = try logits(of: loaded.model, Self.tokens, chunks: [Self.tokens.count])
    let plain = ReferenceTransformer(loaded.model)
    for (row, token) in Self.tokens.enumerated() {
      let expected = plain.forward(token)
      let mean = expected.reduce(0, +) / Float(expected.count)
      let spread = (expected.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(expected.count))
        .squareRoot()
      let distance = zip(fast[row], expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let error = (distance / Float(expected.count)).squareRoot() / spread
      #expect(error < tolerance(format), "row \(row): \(error)")
    }
  }

  @Test(arguments: architectures, [ElementType.q4_1, .q5_0, .q4_K, .q6_K, .q8_0, .f16])
  func bitsDependNeitherOnChunksNorThreadsNorInstructionSet(
    _ architecture: String, _ format: ElementType
  ) throws {
    let tiny = TinyModel(architecture: architecture, format: format)
    let whole = try logits(of: tiny.load().model, Self.tokens, chunks: [40], threads: 1)
    for chunks in [[1, 7, 32], Array(repeating: 1, count: 40), [39, 1], [8, 8, 8, 8, 8]] {
      #expect(
        try logits(of: tiny.load().model, Self.tokens, chunks: chunks, threads: 2) == whole,
        "chunks of \(chunks)")
    }
    #expect(try logits(of: tiny.load().model, Self.tokens, chunks: [40], threads: 3) == whole)
    for kernels in Kernels.available {
      let other = try logits(of: tiny.load(kernels: kernels).model, Self.tokens, chunks: [13, 27])
      #expect(other == whole, "\(kernels.name)")
    }
  }

  /// A prompt longer than a chunk of 512 and a segment of attention.
  @Test(arguments: architectures)
  func bitsDependNotOnChunksOfALongPrompt(_ architecture: String) throws {
    var tiny = TinyModel(architecture: architecture, format: .q4_1)
    tiny.contextLength = 1024
    let tokens = (0..<600).map { Self.tokens[$0 * 7 % Self.tokens.count] }
    let whole = try logits(of: tiny.load().model, tokens, chunks: [512, 88], threads: 1)
    for chunks in [Array(repeating: 1, count: 600), [7, 32, 512, 49]] {
      for threads in [1, 2] {
        let other = try logits(of: tiny.load().model, tokens, chunks: chunks, threads: threads)
        #expect(other == whole, "\(chunks.count) chunks, \(threads) threads")
      }
    }
  }

  @Test(arguments: architectures, [1, 2, 3])
  func everyRowsSummaryIsThatOfItsLogits(_ architecture: String, threads: Int) throws {
    let model = try TinyModel(architecture: architecture, format: .q8_0).load().model
    let pool = WorkerPool(count: threads)
    defer { pool.shutDown() }
    let cache = try model.makeCache(capacity: 40)
    let batch = TokenBatch(chain: Self.tokens, logits: .all)
    let pass = try model.forward(batch, caches: [cache], on: pool, clock: PhaseClock())
    let blocks = try #require(pass.blocks)
    let alone = LogitBlocks(rows: 1, vocabulary: pass.vocabulary)
    for row in Self.tokens.indices {
      alone.summarize(
        pass.logits, at: pass.range(row).lowerBound, tokens: 0..<pass.vocabulary, row: 0,
        with: .shared)
      let range = row * blocks.count..<(row + 1) * blocks.count
      #expect(blocks.maxima.array(range) == alone.maxima.array(0..<alone.count))
      #expect(blocks.sums.array(range) == alone.sums.array(0..<alone.count))
      #expect(blocks.moments.array(range) == alone.moments.array(0..<alone.count))
    }
  }

  @Test(arguments: architectures)
  func rowsOfATreeHaveTheBitsOfTheirChain(_ architecture: String) throws {
    let model = try TinyModel(architecture: architecture, format: .q4_1).load().model
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let cache = try model.makeCache(capacity: 64)
    try commit(
      [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], to: cache, model, pool)
    // Two branches below row 0, and one row beside it.
    var batch = TokenBatch(chain: [30, 31, 32, 33, 34, 35], logits: .all)
    batch.parents = [-1, 0, 1, 0, 3, -1]
    let pass = try model.forward(batch, caches: [cache], on: pool, clock: PhaseClock())
    let tree = (0..<6).map { pass.logits.array(pass.range($0)) }
    cache.truncate(to: cache.count)
    for path in [[0, 1, 2], [0, 3, 4], [5]] {
      let chain = TokenBatch(chain: path.map { batch.tokens[$0] }, logits: .all)
      let pass = try model.forward(chain, caches: [cache], on: pool, clock: PhaseClock())
      for (index, row) in path.enumerated() {
        #expect(pass.logits.array(pass.range(index)) == tree[row], "row \(row)")
      }
      cache.truncate(to: cache.count)
    }
    // Keeping the second branch leaves the cache as if only that branch had been read.
    _ = try model.forward(batch, caches: [cache], on: pool, clock: PhaseClock())
    cache.commit([0, 3, 4])
    let after = try next(40, cache, model, pool)
    let plain = try model.makeCache(capacity: 64)
    try commit(Array(5...22) + [30, 33, 34], to: plain, model, pool)
    #expect(try next(40, plain, model, pool) == after)
  }

  @Test func forksAndTruncationsLeaveNoTrace() throws {
    let model = try TinyModel().load().model
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let cache = try model.makeCache(capacity: 64)
    try commit([1, 2, 3, 4, 5], to: cache, model, pool)
    let fork = try cache.fork()
    let expected = try next(9, cache, model, pool)
    try commit([50, 51, 52], to: cache, model, pool)
    #expect(fork.count == 5)
    #expect(try next(9, fork, model, pool) == expected)
    cache.truncate(to: 5)
    #expect(try next(9, cache, model, pool) == expected)
  }

  @Test func severalSequencesTravelInOnePass() throws {
    let model = try TinyModel().load().model
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let first = try model.makeCache(capacity: 32)
    let second = try model.makeCache(capacity: 32)
    try commit([1, 2, 3], to: first, model, pool)
    try commit([4, 5, 6, 7], to: second, model, pool)
    let alone = [try next(8, first, model, pool), try next(9, second, model, pool)]
    var batch = TokenBatch(chain: [8, 9], logits: .all)
    batch.parents = [-1, -1]
    batch.sequences = [0, 1]
    let pass = try model.forward(batch, caches: [first, second], on: pool, clock: PhaseClock())
    #expect(pass.logits.array(pass.range(0)) == alone[0])
    #expect(pass.logits.array(pass.range(1)) == alone[1])
  }

  @Test func aFullCacheAndARaisedFlagAreErrorsThatKeepWhatWasCommitted() throws {
    let model = try TinyModel().load().model
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let cache = try model.makeCache(capacity: 4)
    try commit([1, 2, 3], to: cache, model, pool)
    #expect(throws: InferenceError.self) {
      try model.forward(
        TokenBatch(chain: [4, 5]), caches: [cache], on: pool, clock: PhaseClock())
    }
    #expect(cache.count == 3)
    let flag = CancellationFlag()
    flag.raise()
    do {
      _ = try model.forward(
        TokenBatch(chain: [4], cancellation: flag), caches: [cache], on: pool, clock: PhaseClock())
      Issue.record("a raised flag did not end the pass")
    } catch {
      #expect(error.code == .cancelled)
    }
    #expect(cache.count == 3)
    #expect(throws: InferenceError.self) {
      try model.forward(
        TokenBatch(chain: [1 << 20]), caches: [cache], on: pool, clock: PhaseClock())
    }
  }

  // MARK: - Helpers

  private func commit(
    _ tokens: [TokenID], to cache: any KVCache, _ model: Transformer, _ pool: WorkerPool
  ) throws {
    _ = try model.forward(
      TokenBatch(chain: tokens, logits: .none), caches: [cache], on: pool, clock: PhaseClock())
    cache.commit(Array(tokens.indices))
  }

  /// The logits after one more token, which is then forgotten.
  private func next(
    _ token: TokenID, _ cache: any KVCache, _ model: Transformer, _ pool: WorkerPool
  ) throws -> [Float] {
    let pass = try model.forward(
      TokenBatch(chain: [token]), caches: [cache], on: pool, clock: PhaseClock())
    cache.truncate(to: cache.count)
    return pass.logits.array(pass.range(0))
  }

  private func logits(
    of model: Transformer, _ tokens: [TokenID], chunks: [Int], threads: Int = 2
  ) throws -> [[Float]] {
    let pool = WorkerPool(count: threads)
    defer { pool.shutDown() }
    let cache = try model.makeCache(capacity: tokens.count)
    var rows: [[Float]] = []
    for length in chunks {
      let batch = TokenBatch(chain: Array(tokens[rows.count..<rows.count + length]), logits: .all)
      let pass = try model.forward(batch, caches: [cache], on: pool, clock: PhaseClock())
      rows += (0..<length).map { pass.logits.array(pass.range($0)) }
      cache.commit(Array(0..<length))
    }
    return rows
  }
}
