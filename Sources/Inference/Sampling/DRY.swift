import Glibc

extension Candidates {
  /// Lowers the logits of tokens that would continue a sequence which stood in the text before, as llama.cpp does.
  ///
  /// A token that would make a repetition of n tokens longer loses multiplier * base^(n - allowed length). "Don't repeat
  /// yourself"; its author describes it in oobabooga/text-generation-webui, pull request 5677.
  ///
  /// - Parameter breakers: tokens that no repetition reaches across, and that are never lowered.
  func applyDRY(_ settings: SamplerSettings, history: TokenHistory, breakers: Set<TokenID>) -> Bool
  {
    let before = count
    let window = settings.dryWindow > 0 ? settings.dryWindow : history.count
    let allowed = max(0, settings.dryAllowedLength)
    let lengths = Self.repetitions(
      in: history.tokens.suffix(window), allowed: allowed, breakers: breakers,
      scratch: &repeatLengths)
    var changed = false
    for (token, length) in lengths.sorted(by: { $0.key < $1.key })
    where !breakers.contains(token) {
      guard let logit = logit(of: token) else { continue }
      let penalty = settings.dryMultiplier * pow(settings.dryBase, Double(length - allowed))
      if edit(token, to: logit - Float(min(penalty, Double(Self.limit)))) { changed = true }
    }
    return changed && before > 1
  }

  /// For each token that would continue a repetition the length of the longest such, where at least `allowed`.
  ///
  /// Read backwards, a repetition is a prefix of the text that stands again further on, so its lengths are the Z-array
  /// of the reversed text (Gusfield, "Algorithms on strings, trees and sequences", section 1.4).
  static func repetitions(
    in tokens: ArraySlice<TokenID>, allowed: Int, breakers: Set<TokenID>, scratch z: inout [Int32]
  ) -> [TokenID: Int] {
    let count = tokens.count
    guard count > allowed else { return [:] }
    let last = tokens.endIndex - 1
    var reach = count
    if !breakers.isEmpty {
      for back in 0..<count where breakers.contains(tokens[last - back]) {
        reach = back
        break
      }
    }
    guard reach >= allowed else { return [:] }
    if z.count < count { z = [Int32](repeating: 0, count: count * 2) }
    var longest: [TokenID: Int] = [:]
    var left = 0
    var right = 0
    for shift in 1..<max(count, 1) {
      var length = shift < right ? min(right - shift, Int(z[shift - left])) : 0
      while shift + length < count, tokens[last - length] == tokens[last - shift - length] {
        length += 1
      }
      z[shift] = Int32(length)
      if shift + length > right {
        left = shift
        right = shift + length
      }
      let repeated = min(length, reach)
      if repeated >= allowed, repeated > longest[tokens[last - shift + 1], default: -1] {
        longest[tokens[last - shift + 1]] = repeated
      }
    }
    return longest
  }
}
