import Compute
import Glibc

/// Measures how well a model predicts a text, by llama.cpp's method: the text is cut into chunks of `contextLength`
/// tokens, and of each chunk the second half is scored.
package struct Perplexity {
  package var contextLength = 512
  /// Replaces the first token of every chunk, where the model wants one.
  package var bos: TokenID?

  package init(contextLength: Int = 512, bos: TokenID? = nil) {
    self.contextLength = contextLength
    self.bos = bos
  }

  /// Rows scored in one pass, which bounds the memory for logits.
  private static let scoredRows = 32

  /// - Parameters:
  ///   - chunkLimit: chunks to score at most; nil for all.
  ///   - progress: called after each chunk with the chunks done and the perplexity so far.
  /// - Returns: `exp` of the mean negative log-likelihood.
  /// - Throws: `invalidRequest` where the text has fewer tokens than one chunk.
  package func measure(
    _ tokens: [TokenID], model: any LanguageModel, on pool: WorkerPool, chunkLimit: Int? = nil,
    progress: (Int, Double) -> Void = { _, _ in }
  ) throws(InferenceError) -> Double {
    let chunks = min(tokens.count / contextLength, chunkLimit ?? .max)
    guard contextLength >= 4, chunks > 0 else {
      throw InferenceError(
        .invalidRequest,
        "\(tokens.count) tokens are too few for one chunk of \(contextLength)")
    }
    // Inputs are checked by the model; the last token of a chunk is only ever looked up.
    if let stray = tokens.first(where: { $0 < 0 || Int($0) >= model.shape.vocabulary }) {
      throw InferenceError(
        .invalidRequest, "token \(stray) is outside the vocabulary of \(model.shape.vocabulary)")
    }
    let cache = try model.makeCache(capacity: contextLength)
    var total = 0.0
    var count = 0
    for chunk in 0..<chunks {
      var rows = Array(tokens[chunk * contextLength..<(chunk + 1) * contextLength])
      if let bos { rows[0] = bos }
      cache.truncate(to: 0)
      try score(rows, model: model, cache: cache, pool: pool, total: &total, count: &count)
      progress(chunk + 1, exp(total / Double(count)))
    }
    return exp(total / Double(count))
  }

  private func score(
    _ tokens: [TokenID], model: any LanguageModel, cache: any KVCache, pool: WorkerPool,
    total: inout Double, count: inout Int
  ) throws(InferenceError) {
    let clock = PhaseClock()
    let first = contextLength / 2
    var position = 0
    while position < contextLength - 1 {
      let isScored = position >= first
      let end =
        isScored ? min(position + Self.scoredRows, contextLength - 1) : min(position + 128, first)
      let batch = TokenBatch(
        chain: Array(tokens[position..<end]), logits: isScored ? .all : .none)
      let pass = try model.forward(batch, caches: [cache], on: pool, clock: clock)
      cache.commit(Array(0..<batch.count))
      if isScored {
        for row in 0..<batch.count {
          total -= logProbability(of: tokens[position + row + 1], pass.logits, pass.range(row))
          count += 1
        }
      }
      position = end
    }
  }

  private func logProbability(of token: TokenID, _ logits: Buffer, _ range: Range<Int>) -> Double {
    Double(logits[range.lowerBound + Int(token)])
      - logits.withSpan(range) { span in
        var top = -Double.infinity
        for index in 0..<span.count { top = max(top, Double(span[index])) }
        var sum = 0.0
        for index in 0..<span.count { sum += exp(Double(span[index]) - top) }
        return top + log(sum)
      }
  }
}
