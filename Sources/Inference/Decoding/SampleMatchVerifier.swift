/// Accepts a drafted token where the sampler draws the very same one.
///
/// Each emitted token costs one draw at its own place, as in plain decoding, so that the answer is the same token for
/// token, greedy or seeded, whatever was drafted. Source: Leviathan, Kalman and Matias, "Fast inference from
/// transformers via speculative decoding", arXiv:2211.17192; this is its scheme with the draft's distribution left
/// out, which accepts less often than rejection sampling but repeats plain decoding's tokens.
package final class SampleMatchVerifier: Verifier {
  package init() {}

  package func verify(
    _ draft: Draft, pass: ForwardPass, history: TokenHistory, sampler: inout SamplerChain
  ) throws(InferenceError) -> Verification {
    var history = history
    var verification = Verification(accepted: [], tokens: [])
    var parent = -1
    while true {
      let sampled = sampler.sample(pass.row(parent + 1), history: history)
      verification.tokens.append(sampled)
      guard let row = draft.child(of: parent, token: sampled.token) else { return verification }
      verification.accepted.append(row)
      history.append(sampled.token)
      parent = row
    }
  }
}
