import Inference

/// The caches that stay between answers, each with the tokens it holds.
///
/// One cache serves now: a prompt takes over whatever beginning it shares with the last one.
struct CacheStore {
  private var cache: (any KVCache)?
  /// The tokens of the cache's committed positions.
  private(set) var tokens: [TokenID] = []

  /// Bytes in use.
  var byteCount: Int { cache?.byteCount ?? 0 }

  mutating func removeAll() {
    cache = nil
    tokens = []
  }

  /// A cache that holds the longest known beginning of `prompt`, and the length of that beginning.
  ///
  /// At least one token of the prompt is left to read, since its row gives the first logits.
  mutating func lend(
    for prompt: [TokenID], make: () throws(InferenceError) -> any KVCache
  ) throws(InferenceError) -> (cache: any KVCache, count: Int) {
    let cache = if let cache { cache } else { try make() }
    self.cache = cache
    let limit = min(prompt.count - 1, cache.count, tokens.count)
    var shared = 0
    while shared < limit, tokens[shared] == prompt[shared] { shared += 1 }
    // A cache with windows may have to begin anew.
    let kept = cache.truncate(to: shared)
    tokens.removeLast(tokens.count - kept)
    return (cache, kept)
  }

  /// Notes what the cache holds after an answer, however it ended: `sequence` is the prompt and all tokens emitted.
  mutating func settle(_ sequence: [TokenID]) {
    guard let cache else { return }
    // A loop may have committed rows past a stop token; those are not part of the answer.
    if cache.count > sequence.count { cache.truncate(to: sequence.count) }
    tokens = Array(sequence.prefix(cache.count))
  }
}
