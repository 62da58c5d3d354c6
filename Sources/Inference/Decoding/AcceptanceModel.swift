import Glibc

/// How often drafted rows are accepted: by their rank in the draft, and by what the drafter said of them.
struct AcceptanceModel {
  /// Trials that fade: of each new one a little of the old is forgotten.
  private struct Trials {
    var hits = 0.0
    var expected = 0.0

    mutating func add(_ expected: Double, wasAccepted: Bool) {
      fade(1 - 1 / AcceptanceModel.memory)
      self.expected += expected
      if wasAccepted { hits += 1 }
    }

    mutating func fade(_ share: Double) {
      hits *= share
      expected *= share
    }
  }

  /// Trials that an estimate remembers.
  private static let memory = 48.0
  /// Trials that what is presumed weighs as much as.
  private static let presumption = 2.0
  /// What the first row of a draft is presumed to be accepted with at first, and after a rest for good reason.
  private static let presumedFirst = (hopeful: 0.65, sceptical: 0.3)
  /// What each further row is presumed to be accepted with, as a share of the row before it.
  private static let presumedNext = 0.85

  private var presumedFirst = AcceptanceModel.presumedFirst.hopeful
  /// By rank, of drafts at least so long.
  private var ranks: [Trials] = []
  /// By what the drafter said, in classes of equal width of the logit.
  private var classes = [Trials](repeating: Trials(), count: 12)

  /// The class of `log(c / (1 - c))` from -6 to 6.
  private func place(of confidence: Double) -> Int {
    let logit = log(confidence / (1 - confidence))
    return min(max(Int((logit + 6).rounded(.down)), 0), classes.count - 1)
  }

  private static func bounded(_ confidence: Double) -> Double {
    confidence.isNaN ? 0.001 : min(max(confidence, 0.001), 0.999)
  }

  /// What a drafter said, corrected by how such rows fared.
  func calibrated(_ confidence: Double) -> Double {
    let said = Self.bounded(confidence)
    let trials = classes[place(of: said)]
    let ratio = (Self.presumption + trials.hits) / (Self.presumption + trials.expected)
    return min(said * ratio, 0.999)
  }

  /// The probability that the row of each rank is accepted, of a draft of so many rows.
  func byRank(_ size: Int) -> [Double] {
    var presumed = presumedFirst
    return (0..<max(0, size)).map { rank in
      let trials = rank < ranks.count ? ranks[rank] : Trials()
      let estimate =
        (Self.presumption * presumed + trials.hits) / (Self.presumption + trials.expected)
      presumed = estimate * Self.presumedNext
      return estimate
    }
  }

  /// Tokens that a pass with a draft of so many rows gives.
  func expectedTokens(_ size: Int) -> Double { byRank(size).reduce(1, +) }

  /// The probability of each row of a draft.
  func probabilities(_ draft: Draft) -> [Double] {
    guard draft.confidences.count == draft.count else { return byRank(draft.count) }
    return draft.confidences.map { calibrated(Double($0)) }
  }

  /// Takes in whether the row of a rank was accepted.
  mutating func observe(rank: Int, confidence: Float?, wasAccepted: Bool) {
    while ranks.count <= rank { ranks.append(Trials()) }
    ranks[rank].add(1, wasAccepted: wasAccepted)
    guard let confidence else { return }
    let said = Self.bounded(Double(confidence))
    classes[place(of: said)].add(said, wasAccepted: wasAccepted)
  }

  /// Lets what is known of ranks fade that a round did not reach, so that they are tried again some time.
  mutating func fade(from rank: Int) {
    for rank in ranks.indices.dropFirst(rank) { ranks[rank].fade(1 - 1 / Self.memory) }
    if byRank(1)[0] > 0.5 { presumedFirst = Self.presumedFirst.hopeful }
  }

  /// Forgets most of what is known by rank, so that few new trials outweigh it.
  mutating func forget() {
    presumedFirst = Self.presumedFirst.sceptical
    for rank in ranks.indices where ranks[rank].expected > 1 {
      ranks[rank].fade(1 / ranks[rank].expected)
    }
  }
}
