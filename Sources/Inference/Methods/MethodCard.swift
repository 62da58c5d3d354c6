/// What is known of a method before it runs.
package struct MethodCard: Sendable, Equatable {
  /// The name in files, flags and commands, such as `lookahead-trie`.
  package let id: String
  package let title: String
  package let paper: Paper
  /// The mechanism in one sentence.
  package let summary: String
  /// What it fills in a plan; no two methods of a plan share one.
  package let slots: Set<MethodSlot>
  package let guarantee: Guarantee
  /// What it needs beside the model.
  package let needs: Set<MethodNeed>

  package init(
    id: String, title: String, paper: Paper, summary: String, slots: Set<MethodSlot>,
    guarantee: Guarantee, needs: Set<MethodNeed> = []
  ) {
    self.id = id
    self.title = title
    self.paper = paper
    self.summary = summary
    self.slots = slots
    self.guarantee = guarantee
    self.needs = needs
  }

  /// Where a method was published.
  package struct Paper: Sendable, Equatable {
    package let authors: String
    package let year: Int
    package let title: String
    /// Such as `arXiv:2312.12728`.
    package let reference: String

    package init(authors: String, year: Int, title: String, reference: String) {
      self.authors = authors
      self.year = year
      self.title = title
      self.reference = reference
    }
  }

  /// - Throws: `invalidRequest` where one method comes twice, or two want the same slot.
  package static func checkTogether(_ cards: [MethodCard]) throws(InferenceError) {
    for (index, card) in cards.enumerated() {
      for other in cards[..<index] {
        if other.id == card.id {
          throw InferenceError(.invalidRequest, "\(card.id) is asked for twice")
        }
        guard let slot = card.slots.intersection(other.slots).min() else { continue }
        throw InferenceError(
          .invalidRequest,
          "\(other.id) and \(card.id) both want the \(slot.title): switch one of them off")
      }
    }
  }
}

/// The places of a plan that a method can fill, in the order they are filled.
package enum MethodSlot: Int, Sendable, CaseIterable, Comparable {
  /// Where the weights come from.
  case weights
  case cache
  case drafter
  case verifier
  case loop
  /// Of a picture: what paints it.
  case painter
  /// Of a picture: what is kept of one step for the next.
  case features
  /// Of a picture: how many are tried, and which is kept.
  case search

  package static func < (left: MethodSlot, right: MethodSlot) -> Bool {
    left.rawValue < right.rawValue
  }

  package var title: String {
    switch self {
    case .weights: "weights"
    case .cache: "cache"
    case .drafter: "drafter"
    case .verifier: "verifier"
    case .loop: "decoding loop"
    case .painter: "painter"
    case .features: "features"
    case .search: "search"
    }
  }
}

/// What a method promises about its output, against plain decoding with the same settings and seed.
package enum Guarantee: String, Sendable, Codable, CaseIterable {
  case sameTokens
  /// The same tokens where the choice is greedy; else other tokens, but drawn from the same distribution.
  case sameDistribution
  case approximate

  package var title: String {
    switch self {
    case .sameTokens: "exact"
    case .sameDistribution: "same distribution"
    case .approximate: "approximate"
    }
  }
}

/// What a method needs beside the model.
package enum MethodNeed: Sendable, Hashable {
  /// A smaller model with the same vocabulary.
  case draftModel
  /// Weights of our own, made for one model.
  case trainedWeights
}
