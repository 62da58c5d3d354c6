/// Accepts drafted tokens by rejection sampling: what is emitted has the model's own distribution, whatever was drafted.
///
/// The children of a row are tried in the order they were drafted, each against what is left of the model's
/// distribution P. A token y that was drawn from R stands with probability min(1, P(y) / R(y)); where it does not, P
/// becomes norm(max(P - R, 0)), and where none stands the token is drawn from what P then is. A token that was chosen
/// and not drawn counts as drawn from the distribution that has no other. R is `Draft.proposals`: the drafter has taken
/// earlier siblings out of it.
///
/// At temperature 0 P has one token and a row is accepted just where it is that one, so the answer is that of plain
/// decoding. Random numbers belong to the place of the token that they decide and to the rank of the child.
///
/// Sources: Leviathan, Kalman and Matias, "Fast inference from transformers via speculative decoding",
/// arXiv:2211.17192, algorithm 1, and Chen et al., "Accelerating large language model decoding with speculative
/// sampling", arXiv:2302.01318, for chains; Miao et al., "SpecInfer", arXiv:2305.09781, for several children; Xiong et
/// al., "DySpec", arXiv:2410.11744, for children drawn without replacement.
package final class RejectionVerifier: Verifier {
  package init() {}

  package func verify(
    _ draft: Draft, pass: ForwardPass, history: TokenHistory, sampler: inout SamplerChain
  ) throws(InferenceError) -> Verification {
    var history = history
    var verification = Verification(accepted: [], tokens: [])
    var parent = -1
    while true {
      let row = pass.row(parent + 1)
      let children = draft.children(of: parent)
      guard !children.isEmpty else {
        verification.tokens.append(sampler.sample(row, history: history))
        return verification
      }
      let prospects = sampler.prospects(row, history: history)
      let (token, child) = choose(
        among: children, of: draft, from: prospects.distribution, at: history.count,
        random: RandomNumbers(seed: sampler.settings.seed))
      let sampled = prospects.sampled(token)
      verification.tokens.append(sampled)
      sampler.advance(past: sampled)
      guard let child else { return verification }
      verification.accepted.append(child)
      history.append(token)
      parent = child
    }
  }

  /// - Returns: the token that comes, and the row that drafted it; nil where none did.
  private func choose(
    among children: [Int], of draft: Draft, from distribution: Distribution, at position: Int,
    random: RandomNumbers
  ) -> (TokenID, child: Int?) {
    var left = distribution
    for (rank, child) in children.enumerated() {
      let token = draft.tokens[child]
      let proposal = child < draft.proposals.count ? draft.proposals[child] : nil
      let drawn = proposal?[token] ?? 1
      // No draw gives a token of no probability.
      guard drawn > 0 else { continue }
      if random.uniform(at: position, for: .acceptance, index: rank) < left[token] / drawn {
        return (token, child)
      }
      let rest = proposal.map { left.exceeding($0) } ?? left.removing(token)
      // Where nothing is left, P and R were the same but for rounding.
      if !rest.isEmpty { left = rest }
    }
    return (left.token(at: random.uniform(at: position, for: .token)) ?? 0, nil)
  }
}
