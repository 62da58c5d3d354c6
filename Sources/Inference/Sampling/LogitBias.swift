extension Candidates {
  /// Adds to the logits of single tokens; a bias of `SamplerSettings.ban` or less removes the token.
  func applyBias(_ bias: [TokenID: Float]) -> Bool {
    let before = count
    var changed = false
    // In order of tokens: sums follow the edits, and a dictionary's order differs from run to run.
    for (token, amount) in bias.sorted(by: { $0.key < $1.key }) {
      guard let logit = logit(of: token) else { continue }
      let isBanned = amount <= SamplerSettings.ban
      if edit(token, to: isBanned ? -.infinity : logit + amount) { changed = true }
    }
    return changed && before > 1
  }
}
