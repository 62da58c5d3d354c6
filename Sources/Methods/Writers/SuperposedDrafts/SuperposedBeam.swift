import Glibc
import Inference

/// A token that the model thinks likely after the blend.
package struct SuperposedCandidate: Sendable, Equatable {
  package var token: TokenID
  package var logit: Double
  /// Natural logarithm of the probability that the model gave it.
  package var logProbability: Double

  package init(token: TokenID, logit: Double, logProbability: Double) {
    self.token = token
    self.logit = logit
    self.logProbability = logProbability
  }
}

/// One of several drafts, as far as it is written.
package struct SuperposedDraft: Sendable, Equatable {
  package var tokens: [TokenID] = []
  /// Sum of its tokens' mixed log-probabilities, that of the token that ended it included.
  package var score = 0.0
  /// For each token what the model made of it.
  package var choices: [Choice] = []

  package struct Choice: Sendable, Equatable {
    /// Natural logarithm of the probability that the model gave the token after the blend.
    package var logProbability: Double
    /// Whether an n-gram spoke for the token.
    package var isSupported: Bool
  }
}

/// The drafts that are alive, and those that ended.
///
/// Source: Shen et al., arXiv:2405.18400, section 3: each step joins every draft with the model's most probable tokens
/// and keeps the best. The temperature and the penalty are those of the authors' published settings.
package struct SuperposedBeam: Sendable {
  /// Drafts that are wanted.
  package let count: Int
  /// Share of the n-gram model in the geometric mean; 0 leaves it out.
  package let alpha: Double
  /// Divides the logits before they become probabilities.
  package let temperature: Double
  /// What drafts lose for a step that no n-gram speaks for.
  package let penalty: Double
  /// Best first.
  package private(set) var alive = [SuperposedDraft()]
  /// Those that ended, best first.
  package private(set) var ended: [SuperposedDraft] = []
  private let text: @Sendable ([TokenID]) -> [UInt8]

  /// - Parameter text: the bytes that tokens stand for; drafts with the same ones are one draft.
  package init(
    count: Int, alpha: Double, temperature: Double = 0.06, penalty: Double = 200,
    text: @escaping @Sendable ([TokenID]) -> [UInt8]
  ) {
    precondition(count > 0 && temperature > 0)
    self.count = count
    self.alpha = alpha
    self.temperature = temperature
    self.penalty = penalty
    self.text = text
  }

  /// A draft with one more token.
  private struct Extension {
    var draft: Int
    var candidate: SuperposedCandidate
    var score: Double
    var isSupported: Bool
    /// Whether it comes only where the others are too few.
    var isFiller: Bool
  }

  /// Extends all drafts that are alive by one token.
  ///
  /// - Parameters:
  ///   - candidates: the model's most probable tokens, descending.
  ///   - shares: for a draft the n-gram model's share of each candidate.
  ///   - stopTokens: tokens that end a draft.
  package mutating func extend(
    with candidates: [SuperposedCandidate], shares: (SuperposedDraft) -> [Double],
    stopTokens: Set<TokenID>
  ) {
    let logs = logProbabilities(of: candidates)
    var all: [Extension] = []
    for (index, draft) in alive.enumerated() {
      let shares = alpha > 0 ? shares(draft) : []
      all += extensions(of: index, candidates, logs, shares: shares)
    }
    all.sort { left, right in
      if left.isFiller != right.isFiller { return right.isFiller }
      if left.score != right.score { return left.score > right.score }
      if left.draft != right.draft { return left.draft < right.draft }
      return left.candidate.token < right.candidate.token
    }
    let before = alive
    alive = []
    var texts: Set<[UInt8]> = []
    for (rank, new) in all.enumerated() where alive.count < count {
      var draft = before[new.draft]
      draft.score = new.score
      if stopTokens.contains(new.candidate.token) {
        // An end counts where it would itself be one of the drafts kept; the places go to the next ones.
        if rank < count { ended.append(draft) }
        continue
      }
      draft.tokens.append(new.candidate.token)
      draft.choices.append(
        .init(logProbability: new.candidate.logProbability, isSupported: new.isSupported))
      if texts.insert(text(draft.tokens)).inserted { alive.append(draft) }
    }
    ended = distinct(ended)
  }

  /// Whether no draft that is alive could still be among the best: scores only fall.
  package var isSettled: Bool {
    guard let best = alive.first else { return true }
    guard ended.count == count, let last = ended.last else { return false }
    return last.score >= best.score
  }

  /// The best drafts, ended or not.
  package var best: [SuperposedDraft] { distinct(ended + alive) }

  /// The last tokens of the drafts that are alive, with the drafts' shares of probability.
  package var blend: [TokenWeight] {
    guard let top = alive.map(\.score).max() else { return [] }
    let powers = alive.map { exp($0.score - top) }
    let total = powers.reduce(0, +)
    var blend: [TokenWeight] = []
    for (draft, power) in zip(alive, powers) {
      guard let token = draft.tokens.last else { continue }
      let weight = Float(power / total)
      if let place = blend.firstIndex(where: { $0.token == token }) {
        blend[place].weight += weight
      } else if weight > 0 {
        blend.append(TokenWeight(token: token, weight: weight))
      }
    }
    return blend
  }

  /// The best `count`, without those that read the same as a better one.
  private func distinct(_ drafts: [SuperposedDraft]) -> [SuperposedDraft] {
    var texts: Set<[UInt8]> = []
    let sorted = drafts.enumerated().sorted {
      ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
    }
    return Array(
      sorted.map(\.element).filter { texts.insert(text($0.tokens)).inserted }.prefix(count))
  }

  /// log p of each candidate at the temperature, of the candidates alone.
  private func logProbabilities(of candidates: [SuperposedCandidate]) -> [Double] {
    guard let top = candidates.map(\.logit).max() else { return [] }
    let scaled = candidates.map { ($0.logit - top) / temperature }
    let total = log(scaled.reduce(0) { $0 + exp($1) })
    return scaled.map { $0 - total }
  }

  /// log p = (1 - alpha) log p_model + alpha log p_ngram for the tokens that n-grams speak for; without any, the
  /// model's term less the penalty.
  private func extensions(
    of draft: Int, _ candidates: [SuperposedCandidate], _ logs: [Double], shares: [Double]
  ) -> [Extension] {
    let isSupported = shares.contains { $0 > 0 }
    return candidates.indices.map { index in
      let share = shares.isEmpty ? 0 : shares[index]
      var score = logs[index]
      if !shares.isEmpty {
        score = (1 - alpha) * logs[index] + (share > 0 ? alpha * log(share) : -penalty)
      }
      return Extension(
        draft: draft, candidate: candidates[index], score: alive[draft].score + score,
        isSupported: share > 0, isFiller: isSupported && share <= 0)
    }
  }
}
