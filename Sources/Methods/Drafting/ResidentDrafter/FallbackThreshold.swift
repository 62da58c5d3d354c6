import Glibc
import Inference

/// The cumulative confidence below which the large model is asked to check (alpha).
///
/// Source: arXiv:2309.04255, section 3.3, eq. 3. The texts of it that could be had show the rule's second case without
/// its base; the words beside it say that alpha is divided by the confidence of what came after the first error, and
/// that an exponential stands for this because confidences multiply. So with C the cumulative confidence of the
/// branch that matches best, of whose N_all tokens N_correct were right:
/// alpha / 2 where all were right, otherwise alpha / C^((N_all - N_correct) / N_all).
package struct FallbackThreshold {
  package let start: Double
  package private(set) var value: Double

  /// Beyond these the rule would need many checks to come back.
  package static let bounds = 0.0001...0.5

  package init(start: Double) {
    self.start = start
    value = start
  }

  /// Takes in a check of the best matching branch.
  package mutating func adjust(correct: Int, of all: Int, confidence: Double) {
    guard all > 0 else { return }
    if correct >= all {
      value *= 0.5
    } else {
      value /= pow(max(confidence, 1e-6), Double(all - correct) / Double(all))
    }
    value = min(max(value, Self.bounds.lowerBound), Self.bounds.upperBound)
  }

  /// The branch of a draft that goes on from the accepted rows, along its most confident tokens.
  package static func bestMatch(
    of draft: Draft, accepted: [Int]
  ) -> (count: Int, confidence: Double) {
    var last = accepted.last ?? -1
    var count = accepted.count
    while let next = draft.children(of: last).max(by: {
      draft.confidences[$0] < draft.confidences[$1]
    }) {
      last = next
      count += 1
    }
    return (count, last >= 0 ? Double(draft.confidences[last]) : 1)
  }
}
