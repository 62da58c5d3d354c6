/// What one stage did to one token's candidates.
package struct StageReport: Sendable, Equatable, Codable {
  package var stage: SamplerStage
  package var candidatesIn: Int
  package var candidatesOut: Int
  /// Entropy after the stage, in bits; of the kept candidates.
  package var entropy: Float
  /// Whether the stage changed which tokens may come or how probable they are.
  package var changed: Bool

  package init(
    stage: SamplerStage, candidatesIn: Int, candidatesOut: Int, entropy: Float, changed: Bool
  ) {
    self.stage = stage
    self.candidatesIn = candidatesIn
    self.candidatesOut = candidatesOut
    self.entropy = entropy
    self.changed = changed
  }
}

/// A token with a probability.
package struct Candidate: Sendable, Equatable, Codable {
  package var token: TokenID
  package var probability: Float

  package init(token: TokenID, probability: Float) {
    self.token = token
    self.probability = probability
  }
}

/// A token that the chain chose, and how it came to it.
package struct SampledToken: Sendable, Equatable {
  package var token: TokenID
  /// Probability in the final distribution.
  package var probability: Float
  /// Natural logarithm of the probability that the model itself gave it, before any stage.
  package var modelLogProbability: Float
  package var reports: [StageReport]
  /// The best candidates of the final distribution, at most 8, descending.
  package var alternatives: [Candidate]

  package init(
    token: TokenID, probability: Float, modelLogProbability: Float, reports: [StageReport] = [],
    alternatives: [Candidate] = []
  ) {
    self.token = token
    self.probability = probability
    self.modelLogProbability = modelLogProbability
    self.reports = reports
    self.alternatives = alternatives
  }
}
