import Compute
import Inference

/// Accepts a drafted token where the sampler draws the very same one, or else where the judge approves of it.
///
/// The judge sees the model's hidden state at the token, which has read it, and not the state before it: it tells
/// whether the token is acceptable, not whether it was to be expected (arXiv:2501.19309, section 4). At the first token
/// that neither accepts, the model's own takes its place.
package final class JudgeVerifier: Verifier {
  package let features: Set<Int>
  private let head: JudgeHead
  private let layer: Int
  private let threshold: Double

  package init(_ head: JudgeHead, layer: Int, threshold: Double) {
    self.head = head
    self.layer = layer
    self.threshold = threshold
    features = [layer]
  }

  package func verify(
    _ draft: Draft, pass: ForwardPass, history: TokenHistory, sampler: inout SamplerChain
  ) throws(InferenceError) -> Verification {
    var history = history
    var verification = Verification(accepted: [], tokens: [])
    var parent = -1
    while true {
      let before = sampler
      let row = parent + 1
      var sampled = sampler.sample(pass.row(row), history: history)
      var next = draft.child(of: parent, token: sampled.token)
      if next == nil, let approved = approvedChild(of: parent, in: draft, pass: pass) {
        next = approved
        sampled = token(
          draft.tokens[approved], insteadOf: sampled, pass: pass, row: row, history: history,
          sampler: before)
        sampler = before
        sampler.advance(past: sampled)
        verification.lenient += 1
      }
      verification.tokens.append(sampled)
      guard let accepted = next else { return verification }
      verification.accepted.append(accepted)
      history.append(sampled.token)
      parent = accepted
    }
  }

  /// The continuation that the judge likes best, where it likes one well enough.
  private func approvedChild(of parent: Int, in draft: Draft, pass: ForwardPass) -> Int? {
    guard threshold < 1, let states = pass.features[layer] else { return nil }
    var best: (row: Int, probability: Double)?
    for row in draft.children(of: parent) {
      // Row 0 of a pass is the last token before the draft.
      let probability = head.probability(states, row: row + 1)
      if probability >= threshold, probability > best?.probability ?? 0 {
        best = (row, probability)
      }
    }
    return best?.row
  }

  /// What is told of a token that the sampler did not draw: how probable the model found it all the same.
  private func token(
    _ token: TokenID, insteadOf strict: SampledToken, pass: ForwardPass, row: Int,
    history: TokenHistory, sampler: SamplerChain
  ) -> SampledToken {
    let first = pass.range(row).lowerBound
    let difference = pass.logits[first + Int(token)] - pass.logits[first + Int(strict.token)]
    var sampled = strict
    sampled.token = token
    sampled.modelLogProbability = strict.modelLogProbability + difference
    sampled.probability =
      strict.alternatives.first { $0.token == token }?.probability
      ?? Float(sampler.distribution(pass.row(row), history: history)[token])
    return sampled
  }
}
