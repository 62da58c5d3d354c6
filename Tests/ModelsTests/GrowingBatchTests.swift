import Compute
import Inference
import Models
import TestSupport
import Testing

/// Batches that grow a tree pass by pass, blend embeddings, or want hidden states back.
@Suite final class GrowingBatchTests {
  static let architectures = NetworkConfiguration.architectures
  static let text: [TokenID] = (0..<21).map { 5 + $0 * 11 % 90 }

  private let pool = WorkerPool(count: 2)

  deinit { pool.shutDown() }

  // MARK: Growing trees

  /// A tree in four passes, the third of more rows than a small pass has.
  private static let growth: [(tokens: [TokenID], parents: [Int])] = [
    ([30, 31], [-1, -1]), ([32, 33, 34], [0, 1, 0]),
    ([35, 36, 37, 38, 39, 40], [2, 3, 4, 4, 2, 5]), ([41], [10]),
  ]

  @Test(arguments: architectures)
  func rowsOfAGrowingTreeHaveTheBitsOfTheirChain(_ architecture: String) throws {
    let model = try TinyModel(architecture: architecture, format: .q4_1).load().model
    let cache = try model.makeCache(capacity: 64)
    try commit(Self.text, to: cache, model)
    var tree = Draft.empty
    var logits: [[Float]] = []
    for (tokens, parents) in Self.growth {
      logits += try grow(&tree, tokens, parents, cache, model)
      #expect(cache.provisionalCount == tree.count)
    }
    for row in 0..<tree.count {
      let plain = try model.makeCache(capacity: 64)
      try commit(Self.text, to: plain, model)
      let path = path(to: row, in: tree)
      let chain = TokenBatch(chain: path.map { tree.tokens[$0] }, logits: .all)
      let pass = try model.forward(chain, caches: [plain], on: pool, clock: PhaseClock())
      #expect(pass.logits.array(pass.range(path.count - 1)) == logits[row], "row \(row)")
    }
  }

  @Test(arguments: architectures)
  func aPathThroughSeveralPassesIsKeptAsIfItHadBeenRead(_ architecture: String) throws {
    let model = try TinyModel(architecture: architecture, format: .q4_1).load().model
    for end in [0, 3, 5, 11] {
      let cache = try model.makeCache(capacity: 64)
      try commit(Self.text, to: cache, model)
      var tree = Draft.empty
      for (tokens, parents) in Self.growth { _ = try grow(&tree, tokens, parents, cache, model) }
      let path = path(to: end, in: tree)
      cache.commit(path)
      #expect(cache.count == Self.text.count + path.count && cache.provisionalCount == 0)
      let plain = try model.makeCache(capacity: 64)
      try commit(Self.text + path.map { tree.tokens[$0] }, to: plain, model)
      #expect(try next(50, cache, model) == next(50, plain, model), "to row \(end)")
    }
  }

  @Test func aPassThatDoesNotGrowForgetsTheTree() throws {
    let model = try TinyModel().load().model
    let cache = try model.makeCache(capacity: 64)
    try commit(Self.text, to: cache, model)
    let expected = try next(50, cache, model)
    var tree = Draft.empty
    _ = try grow(&tree, [30, 31], [-1, 0], cache, model)
    let pass = try model.forward(
      TokenBatch(chain: [50]), caches: [cache], on: pool, clock: PhaseClock())
    #expect(pass.logits.array(pass.range(0)) == expected && cache.provisionalCount == 1)
  }

  @Test func growingBeyondTheCacheOrInTwoSequencesIsRefused() throws {
    let model = try TinyModel().load().model
    let cache = try model.makeCache(capacity: Self.text.count + 2)
    try commit(Self.text, to: cache, model)
    var tree = Draft.empty
    _ = try grow(&tree, [30], [-1], cache, model)
    #expect(throws: InferenceError.self) { try self.grow(&tree, [31, 32], [0, 0], cache, model) }
    var batch = TokenBatch(chain: [30, 31])
    batch.parents = [-1, -1]
    batch.sequences = [0, 1]
    batch.isGrowing = true
    let other = try model.makeCache(capacity: 8)
    #expect(throws: InferenceError.self) {
      try model.forward(batch, caches: [cache, other], on: self.pool, clock: PhaseClock())
    }
  }

  /// The keeping in step with the text is tested on its own; this is the network's part.
  @Test(arguments: architectures)
  func aDraftModelGivesTheBitsOfReadingTheTextAnew(_ architecture: String) throws {
    let model = try TinyModel(architecture: architecture, format: .q4_1).load().model
    let kept = try DraftModel(model, capacity: 128)
    var random = SplitMix64(seed: 12)
    var text = Self.text
    for round in 0..<24 {
      let pass = try kept.read(TokenHistory(prompt: text), on: pool)
      let bits = pass.logits.array(pass.range(0))
      #expect(try fresh(text, model) == bits, "round \(round)")
      var tree = Draft.empty
      for count in [2, 5] {
        let tokens = (0..<count).map { _ in TokenID(random.next() % 90) }
        let parents = (0..<count).map { index in
          Int(random.next() % UInt64(tree.count + index + 1)) - 1
        }
        let pass = try kept.grow(tokens, parents: parents, on: pool)
        let rows = (0..<count).map { pass.logits.array(pass.range($0)) }
        let begin = tree.count
        tree.tokens += tokens
        tree.parents += parents
        for index in 0..<count {
          let path = path(to: begin + index, in: tree).map { tree.tokens[$0] }
          #expect(try fresh(text + path, model) == rows[index])
        }
      }
      switch round % 4 {
      case 0: text += path(to: 6, in: tree).map { tree.tokens[$0] } + [TokenID(round)]
      case 1: text += path(to: 4, in: tree).map { tree.tokens[$0] } + [TokenID(round)]
      case 2: text += [88]
      default: text = Array(text.dropLast(7)) + [TokenID(round)]
      }
    }
  }

  // MARK: Blends

  @Test(arguments: architectures, [1, 3, 7])
  func aBlendOfOneTokenIsThatToken(_ architecture: String, rows: Int) throws {
    let model = try TinyModel(architecture: architecture, format: .q4_1).load().model
    let tokens = Array(Self.text.prefix(rows))
    let plain = try logits(of: TokenBatch(chain: tokens, logits: .all), model)
    for parts: [Float] in [[1], [0.5, 0.5]] {
      var batch = TokenBatch(chain: tokens.map { _ in 0 }, logits: .all)
      for (row, token) in tokens.enumerated() {
        batch.blends[row] = parts.map { TokenWeight(token: token, weight: $0) }
      }
      #expect(try logits(of: batch, model) == plain, "\(parts)")
    }
  }

  @Test func aBlendOfTwoTokensIsNeitherAndItsOrderIsOfNoAccount() throws {
    let model = try TinyModel().load().model
    var batch = TokenBatch(chain: [5, 6], logits: .all)
    let plain = try logits(of: batch, model)
    let parts = [TokenWeight(token: 6, weight: 0.5), TokenWeight(token: 9, weight: 0.5)]
    batch.blends = [1: parts]
    let blended = try logits(of: batch, model)
    batch.blends = [1: parts.reversed()]
    #expect(try logits(of: batch, model) == blended)
    #expect(blended[0] == plain[0] && blended[1] != plain[1])
    let other = try logits(of: TokenBatch(chain: [5, 9], logits: .all), model)
    #expect(blended[1] != other[1])
  }

  @Test func blendsOfWhatIsNotThereAreRefused() throws {
    let model = try TinyModel().load().model
    for (row, parts) in [
      (2, [TokenWeight(token: 1, weight: 1)]), (-1, [TokenWeight(token: 1, weight: 1)]),
      (0, []), (0, [TokenWeight(token: -1, weight: 1)]),
      (0, [TokenWeight(token: 1 << 20, weight: 1)]),
    ] {
      var batch = TokenBatch(chain: [5, 6])
      batch.blends = [row: parts]
      #expect(throws: InferenceError.self) { try self.logits(of: batch, model) }
    }
  }

  // MARK: Hidden states

  @Test(arguments: architectures, [3, 9])
  func hiddenStatesAreThoseOfSingleRows(_ architecture: String, rows: Int) throws {
    let model = try TinyModel(architecture: architecture, format: .q4_1).load().model
    let layers: Set<Int> = Set(0..<model.shape.layers)
    let width = model.shape.width
    let tokens = Array(Self.text.prefix(rows))
    // Row by row, each with its logits.
    var alone: [Int: [[Float]]] = [:]
    let cache = try model.makeCache(capacity: 32)
    for token in tokens {
      var batch = TokenBatch(chain: [token])
      batch.features = layers
      let pass = try model.forward(batch, caches: [cache], on: pool, clock: PhaseClock())
      cache.commit([0])
      for layer in layers {
        alone[layer, default: []].append(try #require(pass.features[layer]).array(0..<width))
      }
    }
    for wanted in [[0, 2], [1], Array(0..<rows), [rows - 1]] {
      for logitRows in [[], [rows - 1], [1, 2]] {
        var batch = TokenBatch(chain: tokens, logits: .none)
        batch.logitRows = logitRows
        batch.features = layers
        batch.featureRows = wanted
        let pass = try model.forward(
          batch, caches: [try model.makeCache(capacity: 32)], on: pool, clock: PhaseClock())
        for layer in layers {
          let states = try #require(pass.features[layer])
          for (index, row) in wanted.enumerated() {
            #expect(
              states.array(index * width..<(index + 1) * width) == alone[layer]?[row],
              "layer \(layer), row \(row), logits of \(logitRows)")
          }
        }
      }
    }
  }

  @Test func wantingHiddenStatesChangesNoLogits() throws {
    let model = try TinyModel(architecture: "gemma3").load().model
    var batch = TokenBatch(chain: Self.text, logits: .all)
    let plain = try logits(of: batch, model)
    batch.features = [0, 1]
    #expect(try logits(of: batch, model) == plain)
    batch.featureRows = [0, 20]
    #expect(try logits(of: batch, model) == plain)
  }

  // MARK: Helpers

  private func path(to row: Int, in tree: Draft) -> [Int] {
    var path: [Int] = []
    var row = row
    while row >= 0 {
      path.append(row)
      row = tree.parents[row]
    }
    return path.reversed()
  }

  private func grow(
    _ tree: inout Draft, _ tokens: [TokenID], _ parents: [Int], _ cache: any KVCache,
    _ model: Transformer
  ) throws -> [[Float]] {
    var batch = TokenBatch(chain: tokens, logits: .all)
    batch.parents = parents
    batch.isGrowing = tree.count > 0
    let pass = try model.forward(batch, caches: [cache], on: pool, clock: PhaseClock())
    tree.tokens += tokens
    tree.parents += parents
    return tokens.indices.map { pass.logits.array(pass.range($0)) }
  }

  private func commit(_ tokens: [TokenID], to cache: any KVCache, _ model: Transformer) throws {
    _ = try model.forward(
      TokenBatch(chain: tokens, logits: .none), caches: [cache], on: pool, clock: PhaseClock())
    cache.commit(Array(tokens.indices))
  }

  /// The logits after one more token, which is then forgotten.
  private func next(_ token: TokenID, _ cache: any KVCache, _ model: Transformer) throws -> [Float]
  {
    let pass = try model.forward(
      TokenBatch(chain: [token]), caches: [cache], on: pool, clock: PhaseClock())
    cache.truncate(to: cache.count)
    return pass.logits.array(pass.range(0))
  }

  private func fresh(_ text: [TokenID], _ model: Transformer) throws -> [Float] {
    try logits(of: TokenBatch(chain: text), model)[0]
  }

  private func logits(of batch: TokenBatch, _ model: Transformer) throws -> [[Float]] {
    let cache = try model.makeCache(capacity: max(1, batch.count))
    let pass = try model.forward(batch, caches: [cache], on: pool, clock: PhaseClock())
    return batch.logitRows.indices.map { pass.logits.array(pass.range($0)) }
  }
}
