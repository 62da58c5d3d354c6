import Inference

/// Keeps where every n-gram of the text came last, so that a look-up takes the time of a few hashes.
final class PromptLookupDrafter: Drafter {
  private let longestMatch: Int
  /// For each length of n-gram, the position after its last coming, by hash; a hit is compared token by token.
  private var places: [[UInt64: Int]]
  /// Tokens whose n-grams are in `places`.
  private var known = 0
  /// How often what a match of each length foretold came true.
  private var hits: [Double]

  init(longestMatch: Int) {
    self.longestMatch = longestMatch
    places = Array(repeating: [:], count: longestMatch + 1)
    hits = (0...longestMatch).map { min(0.9, 0.35 + 0.15 * Double($0)) }
  }

  let isFree = true

  var byteCount: Int { places.reduce(0) { $0 + $1.capacity * 24 } }

  func begin(_ history: TokenHistory) throws(InferenceError) {
    places = Array(repeating: [:], count: longestMatch + 1)
    known = 0
  }

  func propose(_ request: DraftRequest) throws(InferenceError) -> Draft {
    let text = request.history.tokens
    // The n-grams at the very end stay out of the table for now, so that none finds itself.
    learn(text, to: text.count - 1)
    for length in stride(from: min(longestMatch, text.count - 1), through: 1, by: -1) {
      let suffix = text[(text.count - length)...]
      guard let place = places[length][suffix.fingerprint], place < text.count,
        text[(place - length)..<place].elementsEqual(suffix)
      else { continue }
      return draft(text[place..<min(place + request.limit, text.count)], match: length)
    }
    return .empty
  }

  private func draft(_ tokens: ArraySlice<TokenID>, match: Int) -> Draft {
    let chance = hits[match]
    var confidence = 1.0
    return Draft(
      tokens: Array(tokens), parents: tokens.indices.map { $0 - tokens.startIndex - 1 },
      confidences: tokens.map { _ in
        confidence *= chance
        return Float(confidence)
      }, sources: tokens.map { _ in UInt8(match) })
  }

  func observe(_ outcome: DraftOutcome) throws(InferenceError) {
    guard let match = outcome.draft.sources.first.map(Int.init) else { return }
    // Each row whose parent stood is one trial.
    for row in 0..<min(outcome.draft.count, outcome.emitted.count) {
      let hit = outcome.draft.tokens[row] == outcome.emitted[row] ? 1.0 : 0
      hits[match] += 0.05 * (hit - hits[match])
      if hit == 0 { break }
    }
  }

  var sources: [String] { (0...longestMatch).map { "match of \($0)" } }

  private func learn(_ text: [TokenID], to count: Int) {
    guard count > known else { return }
    for end in known + 1...count {
      for length in 1...longestMatch where length <= end {
        places[length][text[(end - length)..<end].fingerprint] = end
      }
    }
    known = count
  }
}
