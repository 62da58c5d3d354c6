import Compute
import Inference
import Synchronization

/// A model whose next token is a function of all tokens before it.
final class FakeModel: LanguageModel {
  typealias Logits = @Sendable ([TokenID]) -> [TokenID: Float]

  let shape: ModelShape
  let weightByteCount = 1000
  /// Tokens of the batches computed so far.
  var batches: [[TokenID]] { seen.withLock { $0 } }
  private let seen = Mutex<[[TokenID]]>([])
  private let logits: Logits
  private let willForward: @Sendable ([TokenID]) -> Void

  /// - Parameters:
  ///   - willForward: called on the engine's thread before each pass with the rows it is to compute.
  ///   - logits: the logits after a sequence; tokens not named have -10.
  init(
    vocabulary: Int = 500, willForward: @escaping @Sendable ([TokenID]) -> Void = { _ in },
    logits: @escaping Logits
  ) {
    shape = ModelShape(
      layers: 1, width: 1, heads: 1, kvHeads: 1, headDimension: 1, feedForward: 1,
      vocabulary: vocabulary, contextLength: 4096)
    self.willForward = willForward
    self.logits = logits
  }

  /// A model that answers with the same tokens whenever its prompt ends, then with the end token.
  ///
  /// - Parameter promptEnd: the token that the answer follows, the last one of its kind in the sequence.
  convenience init(
    answer: [TokenID], after promptEnd: TokenID,
    willForward: @escaping @Sendable ([TokenID]) -> Void = { _ in }
  ) {
    self.init(willForward: willForward) { tokens in
      let place = tokens.count - 1 - (tokens.lastIndex(of: promptEnd) ?? 0)
      return [place < answer.count ? answer[place] : FakeTokenizer.endID: 10]
    }
  }

  func makeCache(capacity: Int) -> any KVCache { FakeCache(capacity: capacity) }

  func forward(
    _ batch: TokenBatch, caches: [any KVCache], on pool: WorkerPool, clock: PhaseClock
  ) throws(InferenceError) -> ForwardPass {
    willForward(batch.tokens)
    guard let cache = caches.first as? FakeCache else {
      throw InferenceError(.invalidRequest, "not a fake cache")
    }
    if batch.cancellation?.isRaised == true { throw InferenceError(.cancelled, "cancelled") }
    try cache.begin(parents: batch.parents)
    cache.provisional = batch.tokens
    seen.withLock { $0.append(batch.tokens) }
    clock.mark(.feedForward, bytes: weightByteCount)
    let vocabulary = shape.vocabulary
    let buffer = Buffer(count: max(1, batch.logitRows.count * vocabulary))
    for (place, row) in batch.logitRows.enumerated() {
      var path: [TokenID] = []
      var next = row
      while next >= 0 {
        path.append(batch.tokens[next])
        next = batch.parents[next]
      }
      var values = [Float](repeating: -10, count: vocabulary)
      for (token, logit) in logits(cache.tokens + path.reversed()) { values[Int(token)] = logit }
      buffer.replace(at: place * vocabulary, with: values)
    }
    return ForwardPass(logits: buffer, vocabulary: vocabulary)
  }
}

/// Keeps the tokens themselves in place of keys and values.
final class FakeCache: KVCache {
  let capacity: Int
  var tokens: [TokenID] = []
  var provisional: [TokenID] = []

  init(capacity: Int) { self.capacity = capacity }

  var count: Int { tokens.count }
  var byteCount: Int { tokens.count * 4 }

  var provisionalCount: Int { provisional.count }

  func begin(parents: [Int], isGrowing: Bool) throws(InferenceError) {
    guard tokens.count + parents.count <= capacity else {
      throw InferenceError(.contextFull, "\(tokens.count) + \(parents.count) > \(capacity)")
    }
  }
  func attend(_ step: AttentionStep, as worker: Worker) {}
  func commit(_ path: [Int]) {
    tokens += path.map { provisional[$0] }
    provisional = []
  }
  func truncate(to count: Int) -> Int {
    tokens = Array(tokens.prefix(count))
    return count
  }
  func fork() -> any KVCache {
    let copy = FakeCache(capacity: capacity)
    copy.tokens = tokens
    return copy
  }
}
