/// What one round of a decoding loop did: one pass of the model and what surrounds it.
package struct RoundRecord: Sendable, Equatable {
  /// The parent of each drafted row (`Draft.parents`); empty in a round without a draft.
  package var parents: [Int]
  /// Drafted rows that the verifier accepted.
  package var accepted: [Int]
  /// Sources of the accepted rows (`Draft.sources`).
  package var acceptedSources: [UInt8]
  /// Tokens that came of the round.
  package var emitted: Int
  /// Whether it chose the token that ends the answer, which is none of them.
  package var endsAnswer = false
  /// Rows of the pass, those without a draft included.
  package var rows: Int
  package var draftNanoseconds: UInt64
  package var passNanoseconds: UInt64
  package var verifyNanoseconds: UInt64
  /// What the governor made of it; nil without one.
  package var decision: GovernorDecision?
  /// Drafted tokens that a strict verifier would have refused.
  package var lenient: Int

  package init(
    parents: [Int] = [], accepted: [Int] = [], acceptedSources: [UInt8] = [], emitted: Int,
    rows: Int, draftNanoseconds: UInt64 = 0, passNanoseconds: UInt64 = 0,
    verifyNanoseconds: UInt64 = 0, decision: GovernorDecision? = nil, lenient: Int = 0
  ) {
    self.parents = parents
    self.accepted = accepted
    self.acceptedSources = acceptedSources
    self.emitted = emitted
    self.rows = rows
    self.draftNanoseconds = draftNanoseconds
    self.passNanoseconds = passNanoseconds
    self.verifyNanoseconds = verifyNanoseconds
    self.decision = decision
    self.lenient = lenient
  }

  package var drafted: Int { parents.count }
}

/// Totals over the rounds of an answer.
package struct RoundTotals: Sendable, Equatable {
  /// Passes of the model that gave tokens.
  package private(set) var passes = 0
  /// The one that ends the answer among them.
  package private(set) var tokens = 0
  package private(set) var drafted = 0
  package private(set) var accepted = 0
  /// By count of accepted tokens, how many of the rounds with a draft came to it.
  package private(set) var acceptedLengths: [Int] = []
  package private(set) var draftNanoseconds: UInt64 = 0
  package private(set) var passNanoseconds: UInt64 = 0
  package private(set) var verifyNanoseconds: UInt64 = 0
  /// Accepted tokens by source.
  package private(set) var sources: [Int] = []

  package init() {}

  package mutating func add(_ round: RoundRecord) {
    passes += 1
    tokens += round.emitted + (round.endsAnswer ? 1 : 0)
    drafted += round.drafted
    accepted += round.accepted.count
    draftNanoseconds += round.draftNanoseconds
    passNanoseconds += round.passNanoseconds
    verifyNanoseconds += round.verifyNanoseconds
    for source in round.acceptedSources {
      while sources.count <= Int(source) { sources.append(0) }
      sources[Int(source)] += 1
    }
    guard round.drafted > 0 else { return }
    while acceptedLengths.count <= round.accepted.count { acceptedLengths.append(0) }
    acceptedLengths[round.accepted.count] += 1
  }

  /// Tokens per pass of the model; nil before the first.
  package var tokensPerPass: Double? { passes > 0 ? Double(tokens) / Double(passes) : nil }

  /// Share of the drafted tokens that were accepted; nil where none were drafted.
  package var acceptance: Double? { drafted > 0 ? Double(accepted) / Double(drafted) : nil }

  /// Share of the passes that plain decoding would have needed and that were saved.
  package var passesSaved: Double { tokens > 0 ? 1 - Double(passes) / Double(tokens) : 0 }
}
