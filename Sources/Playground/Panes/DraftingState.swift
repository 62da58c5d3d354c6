import Inference
import Runtime

/// What the rounds of an answer tell of drafting: the profile pane's figures about methods.
package struct DraftingState: Sendable, Equatable {
  package private(set) var totals = RoundTotals()
  /// The last round that had a draft.
  package private(set) var lastDraft: RoundRecord?
  /// What the governor decided last; nil without one, and until there was something to decide about.
  package private(set) var decision: GovernorDecision?
  /// Rows of the last pass.
  package private(set) var rows = 1
  /// Drafted tokens that a strict verifier would have refused.
  package private(set) var lenient = 0
  /// Tokens over passes, by time.
  package private(set) var history = SpeedHistory()
  /// V at each of `CostCurve.sizes`; nil without a governor.
  package var costCurve: [Double]?
  package var methodBytes = 0

  package init() {}

  /// Whether there is anything to show: a draft was made, or weighed and left.
  package var isShown: Bool { totals.drafted > 0 || decision != nil }

  /// A new answer begins: its figures are its own, the graph goes on.
  package mutating func begin() {
    let (history, curve) = (history, costCurve)
    self = DraftingState()
    self.history = history
    costCurve = curve
  }

  /// - Parameter time: when the round was over, by `monotonicNanoseconds()`.
  package mutating func record(_ round: RoundRecord, at time: UInt64) {
    totals.add(round)
    rows = round.rows
    lenient += round.lenient
    // A round that found nothing to draft left nothing to decide.
    decision = round.decision ?? decision
    if round.drafted > 0 { lastDraft = round }
    history.record(time: time, tokens: round.emitted, over: 1)
  }

  /// Time by what it was spent on, in the order of a round.
  package var shares: [(label: String, fraction: Double)] {
    let times = [
      ("draft", totals.draftNanoseconds), ("pass", totals.passNanoseconds),
      ("sample", totals.verifyNanoseconds),
    ]
    let whole = times.reduce(0.0) { $0 + Double($1.1) }
    return whole > 0 ? times.map { ($0.0, Double($0.1) / whole) } : []
  }

  /// What the governor decided, in words.
  package func decisionWords(isGoverned: Bool = true) -> String {
    func text(_ value: Double) -> String { PlaygroundState.number(value, decimals: 1) }
    guard let decision else {
      guard let lastDraft, !isGoverned else { return "nothing was drafted yet" }
      return "ungoverned: \(counted(lastDraft.drafted, "row")) drafted"
    }
    if decision.isOff {
      guard decision.expectedTokens > 1 || decision.breakEven > 1 else {
        return "off: no draft pays now; it goes on trying"
      }
      return "off: a draft would give \(text(decision.expectedTokens)) tokens a pass, "
        + "\(text(decision.breakEven)) to break even"
    }
    return
      "drafts \(counted(decision.budget, "row")): \(text(decision.expectedTokens)) tokens a pass, "
      + "\(text(decision.breakEven)) to break even"
  }

  /// Rounds with a draft by the length that was accepted of it; the last class takes in all that is longer.
  package func acceptedLengths(most: Int) -> [(label: String, count: Int)] {
    let lengths = totals.acceptedLengths
    guard lengths.count > most, most > 0 else {
      return lengths.enumerated().map { (String($0), $1) }
    }
    let rest = lengths[(most - 1)...].reduce(0, +)
    return lengths.prefix(most - 1).enumerated().map { (String($0), $1) } + [("\(most - 1)+", rest)]
  }

  /// V of a pass of so many rows, on straight lines between the sizes that are kept.
  package func cost(of rows: Int) -> Double? {
    guard let curve = costCurve, curve.count == CostCurve.sizes.count else { return nil }
    let sizes = CostCurve.sizes
    guard let high = sizes.firstIndex(where: { $0 >= rows }) else { return curve.last }
    guard sizes[high] > rows, high > 0 else { return curve[high] }
    let share = Double(rows - sizes[high - 1]) / Double(sizes[high] - sizes[high - 1])
    return curve[high - 1] + share * (curve[high] - curve[high - 1])
  }
}
