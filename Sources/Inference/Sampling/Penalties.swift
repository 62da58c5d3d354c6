extension Candidates {
  /// Lowers the logits of tokens that stand in the last `penaltyWindow` tokens, as llama.cpp does.
  ///
  /// A positive logit is divided by the repetition penalty (Keskar et al., arXiv:1909.05858, section 4.1), one that is
  /// not is multiplied by it; then frequency times the count and presence are subtracted.
  func applyPenalties(_ settings: SamplerSettings, history: TokenHistory) -> Bool {
    let before = count
    let recent = history.tokens.suffix(max(0, settings.penaltyWindow))
    if occurrences.count < range.count {
      occurrences = [Int32](repeating: 0, count: range.count)
    }
    for token in recent where token >= 0 && Int(token) < range.count {
      occurrences[Int(token)] += 1
    }
    var changed = false
    for token in recent where token >= 0 && Int(token) < range.count {
      let times = occurrences[Int(token)]
      guard times > 0 else { continue }
      occurrences[Int(token)] = 0
      guard var logit = logit(of: token) else { continue }
      let repetition = Float(settings.repetitionPenalty)
      logit = logit > 0 ? logit / repetition : logit * repetition
      logit -= Float(times) * Float(settings.frequencyPenalty) + Float(settings.presencePenalty)
      if edit(token, to: logit) { changed = true }
    }
    return changed && before > 1
  }
}
