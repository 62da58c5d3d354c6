import Inference
import Runtime

/// The outcome of a race in words that claim no more than was measured.
package struct RaceVerdict: Sendable, Equatable {
  /// Speed, passes and whether the tokens are the same.
  package var headline: String
  /// How far it can be relied on, and what else there is to say.
  package var remark: String
  /// Whether something came out that should not.
  package var isAlarm = false

  /// - Parameter promises: what the methods of the first lane promise about their tokens, together; nil for plain
  ///   decoding.
  package init(_ result: RaceResult, repeats: Int, promise: Guarantee?, isGreedy: Bool) {
    guard result.lanes.count > 1 else {
      headline = "no verdict: a race takes two lanes"
      remark = ""
      return
    }
    let (lane, other) = (result.lanes[0], result.lanes[1])
    headline = [
      Self.speed(result, repeats: repeats), Self.passes(lane, other), Self.tokens(result),
    ].filter { !$0.isEmpty }.joined(separator: "; ")
    remark =
      repeats > 1
      ? "median of \(repeats) runs of each by itself: this figure is kept"
      : "one run by turns, to look at: s measures it \(PlaygroundState.soloRepeats) times"
    guard let difference = result.difference else { return }
    let mustBeSame = promise == .sameTokens || promise == .sameDistribution && isGreedy
    if mustBeSame {
      isAlarm = true
      remark = "it promises the same tokens: this is a defect"
    } else if difference.tokens.contains(where: { $0 == nil }) {
      remark += "; one answer is the beginning of the other"
    } else if promise == .approximate {
      remark += "; it does not promise the same tokens"
    }
  }

  private static func speed(_ result: RaceResult, repeats: Int) -> String {
    let name = result.lanes[0].methods.names
    guard let ratio = result.ratio else { return "\(name): too short to time" }
    let low = result.ratios.min() ?? ratio
    let high = result.ratios.max() ?? ratio
    let spread =
      repeats > 1 ? " (\(MethodWords.times(low))..\(MethodWords.times(high)))" : ""
    let times = MethodWords.times(ratio) + spread
    let same = 0.99...1.01
    if same.contains(low), same.contains(high) { return "\(name) as fast: \(times)" }
    if repeats > 1, (low...high).contains(1) { return "\(name): no difference shown, \(times)" }
    return ratio > 1 ? "\(name) \(times) faster" : "\(name) slower: \(times)"
  }

  private static func passes(_ lane: LaneResult, _ other: LaneResult) -> String {
    guard lane.passes != other.passes else {
      return counted(lane.passes, "pass", "passes") + " each"
    }
    return "\(counted(lane.passes, "pass", "passes")) in place of \(other.passes)"
  }

  private static func tokens(_ result: RaceResult) -> String {
    guard let difference = result.difference else {
      return "\(counted(result.lanes[0].tokens.count, "token")) identical"
    }
    return "parts at token \(difference.index + 1)"
  }
}

/// `n` with the word that fits it, for words whose plural is not made by an s alone.
private func counted(_ count: Int, _ word: String, _ plural: String) -> String {
  "\(count) \(count == 1 ? word : plural)"
}
