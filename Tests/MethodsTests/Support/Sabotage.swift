import Compute
import Inference

/// A cache with a mistake made on purpose, which the conformance suite has to notice.
final class SabotagedCache: KVCache {
  enum Mistake: CaseIterable {
    /// Rejected rows stay in the cache.
    case keepsRejectedRows
    /// Every row of a tree sees the rows before it, its ancestors or not.
    case ignoresTheTree
  }

  private let cache: any KVCache
  private let mistake: Mistake
  private var rows = 0
  private var isChain = true

  init(_ cache: any KVCache, _ mistake: Mistake) {
    self.cache = cache
    self.mistake = mistake
  }

  var count: Int { cache.count }
  var capacity: Int { cache.capacity }
  var byteCount: Int { cache.byteCount }
  var provisionalCount: Int { cache.provisionalCount }

  func begin(parents: [Int], isGrowing: Bool) throws(InferenceError) {
    rows = parents.count
    isChain = parents.indices.allSatisfy { parents[$0] == $0 - 1 }
    let parents = mistake == .ignoresTheTree ? parents.indices.map { $0 - 1 } : parents
    try cache.begin(parents: parents, isGrowing: isGrowing)
  }

  func attend(_ step: AttentionStep, as worker: Worker) { cache.attend(step, as: worker) }

  func commit(_ path: [Int]) {
    switch mistake {
    case .keepsRejectedRows:
      // As a chain, so that every row is its neighbour's child.
      let keepsAll = isChain && path == Array(0..<path.count)
      cache.commit(keepsAll ? Array(0..<rows) : path)
    case .ignoresTheTree: cache.commit(Array(0..<path.count))
    }
  }

  func truncate(to count: Int) -> Int { cache.truncate(to: count) }
  func fork() throws(InferenceError) -> any KVCache { try cache.fork() }
}

/// Accepts the first guess without asking the model.
final class CredulousVerifier: Verifier {
  private let strict = SampleMatchVerifier()

  func verify(
    _ draft: Draft, pass: ForwardPass, history: TokenHistory, sampler: inout SamplerChain
  ) throws(InferenceError) -> Verification {
    guard let row = draft.children(of: -1).first else {
      return try strict.verify(draft, pass: pass, history: history, sampler: &sampler)
    }
    var history = history
    let guess = SampledToken(token: draft.tokens[row], probability: 1, modelLogProbability: 0)
    history.append(guess.token)
    let next = sampler.sample(pass.row(row + 1), history: history)
    return Verification(accepted: [row], tokens: [guess, next])
  }
}
