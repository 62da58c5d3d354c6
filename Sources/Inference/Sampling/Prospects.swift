import Compute

/// What the stages of a chain made of one row of logits: the distribution of the next token, and what is told of it.
package struct Prospects {
  package let distribution: Distribution
  let reports: [StageReport]
  let alternatives: [Candidate]
  let row: LogitRow
  /// `log(sum(exp(x)))` of the row.
  let logTotal: Float

  /// A token as the chain would have told of it had it drawn that one.
  ///
  /// The row's logits must still be there.
  package func sampled(_ token: TokenID) -> SampledToken {
    SampledToken(
      token: token, probability: Float(distribution[token]),
      modelLogProbability: row.logProbability(of: token, logTotal: logTotal), reports: reports,
      alternatives: alternatives)
  }
}

extension LogitRow {
  /// Natural logarithm of the probability that the model itself gives a token.
  func logProbability(of token: TokenID, logTotal: Float) -> Float {
    let own = logits[range.lowerBound + Int(token)]
    return max(Candidates.bounded(own) - logTotal, -Candidates.limit)
  }
}
