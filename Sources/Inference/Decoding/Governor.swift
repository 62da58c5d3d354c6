/// What a governor decided for one round, and on what grounds.
package struct GovernorDecision: Sendable, Equatable {
  /// Rows to verify beyond the first.
  package var budget: Int
  /// Tokens that the round is expected to give.
  package var expectedTokens: Double
  /// Tokens that it has to give to be as fast as plain decoding.
  package var breakEven: Double
  /// Whether it does without a draft because none pays.
  package var isOff: Bool

  package init(budget: Int, expectedTokens: Double, breakEven: Double, isOff: Bool) {
    self.budget = budget
    self.expectedTokens = expectedTokens
    self.breakEven = breakEven
    self.isOff = isOff
  }
}

/// Chooses how much is drafted: what maximises tokens per unit of time on this machine, which may be nothing.
///
/// It knows the cost of a pass of k rows (`CostCurve`) and of drafting, and how often drafts were accepted lately. A
/// draft that cost nothing is cut to the prefix that pays, and what was cut off is learned from too, as far as the
/// tokens that came tell of it. A costly one is limited before it is made; where no size pays, the drafter rests and is
/// tried again now and then, so seldom that trying costs a fiftieth of the time at most.
package final class Governor {
  package private(set) var curve: CostCurve
  private var acceptance = AcceptanceModel()
  private var effort = DraftEffort()
  private var pace = Pace()
  /// The draft of this round before it was cut.
  private var proposed: Draft?
  /// Rows that a drafter whose drafts cost time was asked for in this round.
  private var asked = 0
  /// Rounds until a drafter that rests is tried again; nil while it does not rest.
  private var rest: Int?
  /// How often it was sent to rest since it last paid.
  private var rests = 0
  package private(set) var decision: GovernorDecision?

  private static let trialRows = 2
  private static let shortestRest = 16
  private static let longestRest = 512
  /// What a draft has to be better by than none, as a share of a pass: estimates err.
  private static let margin = 0.02

  package init(curve: CostCurve) { self.curve = curve }

  /// An answer begins: what was learned of the drafter stays, and one that rests is tried again, since another text may
  /// suit it.
  ///
  /// - Parameter curve: of passes behind a short context.
  package func begin(curve: CostCurve) {
    self.curve = curve
    proposed = nil
    decision = nil
    if rest != nil { rest = 0 }
  }

  /// How much a drafter may propose.
  package struct Budget: Sendable, Equatable {
    package var limit: Int
    package var leastConfidence: Double

    package init(limit: Int, leastConfidence: Double) {
      self.limit = limit
      self.leastConfidence = leastConfidence
    }
  }

  /// - Parameters:
  ///   - limit: rows at most.
  ///   - isFree: whether the draft may be made first and cut afterwards.
  package func budget(limit: Int, isFree: Bool) -> Budget {
    decision = nil
    proposed = nil
    asked = 0
    guard !isFree else { return Budget(limit: limit, leastConfidence: 0) }
    if let rest {
      guard rest == 0 else {
        self.rest = rest - 1
        return pause()
      }
      // One small draft, so that a drafter that has become better is noticed.
      self.rest = nil
      acceptance.forget()
      return trial(limit, isOff: true)
    }
    guard effort.isKnown else { return trial(limit, isOff: false) }
    let choice = best(upTo: limit)
    guard choice.size > 0 else {
      let size = min(max(limit, 1), Self.trialRows)
      let loss = max(0, cost(size) / cost(0) - acceptance.expectedTokens(size))
      rests = min(rests + 1, 8)
      rest = min(max(Int(50 * loss) * rests, Self.shortestRest), Self.longestRest)
      return pause()
    }
    rests = 0
    decide(choice.size, isOff: false)
    asked = choice.size
    let next = (cost(choice.size + 1) - cost(choice.size)) * choice.rate
    return Budget(limit: choice.size, leastConfidence: min(max(next, 0), 0.9))
  }

  private func pause() -> Budget {
    decision = GovernorDecision(budget: 0, expectedTokens: 1, breakEven: 1, isOff: true)
    return Budget(limit: 0, leastConfidence: 1)
  }

  private func trial(_ limit: Int, isOff: Bool) -> Budget {
    let size = min(limit, Self.trialRows)
    decide(size, isOff: isOff)
    return Budget(limit: size, leastConfidence: 0)
  }

  private func decide(_ size: Int, isOff: Bool) {
    decision = GovernorDecision(
      budget: size, expectedTokens: acceptance.expectedTokens(size),
      breakEven: cost(size) / cost(0), isOff: isOff)
  }

  /// Nanoseconds of a round with a draft of so many rows.
  private func cost(_ size: Int) -> Double {
    curve.nanoseconds(size + 1) + (size > 0 ? effort.nanoseconds(size) : 0)
  }

  /// The size with the most tokens per nanosecond; 0 where none is better than no draft by the margin.
  private func best(upTo limit: Int) -> (size: Int, rate: Double) {
    var best = (size: 0, rate: (1 + Self.margin) / cost(0))
    var expected = 1.0
    for (rank, probability) in acceptance.byRank(limit).enumerated() {
      expected += probability
      let rate = expected / cost(rank + 1)
      if rate > best.rate { best = (rank + 1, rate) }
    }
    return best
  }

  /// The prefix of a free draft that pays to be verified.
  ///
  /// A round's time could be spent on other rounds, which give `pace` tokens for it; so the prefix is chosen whose
  /// tokens exceed that by most, which in the long run gives the most tokens for all the time. Rows that were drawn at
  /// random all stay: leaving some out because of what was drawn would favour the others.
  package func trim(_ draft: Draft) -> Draft {
    proposed = draft
    guard draft.count > 0, draft.proposals.isEmpty else { return draft }
    let pace = self.pace.tokensPerPass
    var expected = 1.0
    var best = (count: 0, gain: 1 - pace + Self.margin, expected: 1.0)
    for (row, probability) in acceptance.probabilities(draft).enumerated() {
      expected += probability
      let gain = expected - pace * curve.relative(row + 2)
      if gain > best.gain { best = (row + 1, gain, expected) }
    }
    decision = GovernorDecision(
      budget: best.count, expectedTokens: best.expected,
      breakEven: curve.relative(best.count + 1), isOff: best.count == 0)
    return draft.prefix(best.count)
  }

  /// Takes in what became of a round.
  ///
  /// - Parameters:
  ///   - draft: the rows that were verified.
  ///   - tokens: what the verifier chose: the accepted rows' tokens and the one after them.
  package func observe(_ round: RoundRecord, draft: Draft, tokens: [TokenID]) {
    curve.observe(rows: round.rows, nanoseconds: round.passNanoseconds)
    let time = round.draftNanoseconds - min(draft.catchUpNanoseconds, round.draftNanoseconds)
    let drafting = draft.count > 0 || asked > 0 ? Double(time) / curve.base : 0
    pace.observe(
      tokens: round.accepted.count + 1, passes: curve.relative(round.rows) + min(drafting, 4))
    if draft.count > 0 || (asked > 0 && effort.isKnown) {
      effort.observe(rows: draft.count, nanoseconds: time)
    }
    // A drafter that was not sure enough of anything took its time all the same.
    if draft.count == 0 {
      for rank in 0..<asked { acceptance.observe(rank: rank, confidence: nil, wasAccepted: false) }
    }
    learn(from: proposed ?? draft, verified: draft.count, accepted: round.accepted, tokens: tokens)
    proposed = nil
  }

  /// Of a row whose parent was verified it is known whether it would have stood, even where it was cut off itself.
  private func learn(
    from draft: Draft, verified: Int, accepted: [Int], tokens: [TokenID]
  ) {
    let hasConfidences = draft.confidences.count == draft.count
    for row in draft.tokens.indices {
      let parent = draft.parents[row]
      guard row < verified || parent < verified else { continue }
      var wasAccepted = accepted.contains(row)
      if row >= verified {
        // The token after an accepted row, or the first of all, came in any case.
        let place = parent < 0 ? 0 : accepted.firstIndex(of: parent).map { $0 + 1 }
        wasAccepted = place.map { $0 < tokens.count && tokens[$0] == draft.tokens[row] } ?? false
      }
      acceptance.observe(
        rank: row, confidence: hasConfidences ? draft.confidences[row] : nil,
        wasAccepted: wasAccepted)
    }
    if draft.count > 0 { acceptance.fade(from: draft.count) }
  }
}

/// Tokens for the time of a pass of one row, as the last rounds gave them; plain decoding gives 1.
private struct Pace {
  private static let memory = 64.0
  private var tokens = 8.0
  private var passes = 8.0

  var tokensPerPass: Double { max(1, tokens / passes) }

  mutating func observe(tokens: Int, passes: Double) {
    let kept = 1 - 1 / Self.memory
    self.tokens = self.tokens * kept + Double(tokens)
    self.passes = self.passes * kept + passes
  }
}

/// Time that drafting takes: a part for each draft and one for each row, fitted to the last drafts.
private struct DraftEffort {
  private static let memory = 32.0
  private var count = 0.0
  private var rows = 0.0
  private var time = 0.0
  private var rowsSquared = 0.0
  private var rowsTime = 0.0

  var isKnown: Bool { count > 0 }

  private var line: (start: Double, perRow: Double) {
    guard count > 0, rows > 0 else { return (0, 0) }
    let spread = rowsSquared - rows * rows / count
    // Drafts of one size only do not tell the two parts apart.
    guard spread > 0.5 * count else { return (0, time / rows) }
    let perRow = min(max((rowsTime - rows * time / count) / spread, 0), time / rows)
    return (max(0, (time - perRow * rows) / count), perRow)
  }

  func nanoseconds(_ rows: Int) -> Double {
    let (start, perRow) = line
    return start + perRow * Double(rows)
  }

  mutating func observe(rows: Int, nanoseconds: UInt64) {
    var value = Double(nanoseconds)
    // What something interrupted tells of that and not of drafting.
    if count >= 1 { value = min(value, 4 * self.nanoseconds(rows) + 1) }
    let kept = 1 - 1 / Self.memory
    let size = Double(rows)
    count = count * kept + 1
    self.rows = self.rows * kept + size
    time = time * kept + value
    rowsSquared = rowsSquared * kept + size * size
    rowsTime = rowsTime * kept + size * value
  }
}
