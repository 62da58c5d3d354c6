import Glibc
import Inference

/// How often drawn tokens stand, by the probability that the small model gave them.
///
/// The paper takes that probability itself. Where the two models agree closely that is too little: a token drawn from
/// the very distribution of the large model stands always, however improbable it was. So what is learned of one
/// probability holds for others that nothing is known of yet. It is learned within an answer, and changes how its trees
/// grow and nothing else.
struct DynamicTreeCalibration {
  /// Trials that the probability itself counts for.
  private static let weight = 4.0
  /// Classes of equal width of the probability's logit.
  private static let classes = 10

  private var first = Tally()
  private var later = Tally()

  private struct Tally {
    var stood = [Double](repeating: 0, count: DynamicTreeCalibration.classes)
    var trials = [Double](repeating: 0, count: DynamicTreeCalibration.classes)
  }

  private static func index(of probability: Double) -> Int {
    let bounded = min(max(probability, 0.001), 0.999)
    let logit = log(bounded / (1 - bounded))
    return min(max(Int((logit + 5).rounded(.down)), 0), classes - 1)
  }

  /// - Parameter isFirst: whether the token has no sibling before it.
  func chance(_ probability: Double, isFirst: Bool) -> Double {
    let tally = isFirst ? first : later
    let index = Self.index(of: probability)
    // What is all but certain stands anyway, and tells nothing of the others.
    let others = 0..<Self.classes - 1
    let trials = tally.trials[others].reduce(Self.weight, +)
    let rate = tally.stood[others].reduce(Self.weight * probability, +) / trials
    return (Self.weight * rate + tally.stood[index]) / (Self.weight + tally.trials[index])
  }

  /// Takes in which rows of a draft stood: the verifier tried the siblings in turn, up to one that did.
  mutating func observe(_ outcome: DraftOutcome) {
    let draft = outcome.draft
    guard draft.proposals.count == draft.count, outcome.emitted.count > outcome.kept.count
    else { return }
    var parent = -1
    for place in 0...outcome.kept.count {
      let kept = place < outcome.kept.count ? outcome.kept[place] : nil
      for (rank, child) in draft.children(of: parent).enumerated() {
        let index = Self.index(of: draft.proposals[child][draft.tokens[child]])
        let stood = child == kept ? 1.0 : 0
        if rank == 0 {
          first.trials[index] += 1
          first.stood[index] += stood
        } else {
          later.trials[index] += 1
          later.stood[index] += stood
        }
        if child == kept { break }
      }
      guard let kept else { return }
      parent = kept
    }
  }
}
