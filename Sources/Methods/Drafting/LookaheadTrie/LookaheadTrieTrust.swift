import Glibc
import Inference

/// The estimated probability that a drafted token is right, given that those before it are.
///
/// A logistic model of a few traits. It starts from weights that were fitted on answers of SmolLM2-135M-Instruct, and
/// goes on learning from every verified token, of drafts that were cut too.
struct LookaheadTrieTrust {
  /// What the estimate is made from.
  struct Traits: Equatable {
    /// Tokens of context that the phrase has in common with the text.
    var matched: Int
    var standing: Standing
    /// Tokens in a row that were foretold up to here.
    var run: Int
    /// How often the phrase came, in all.
    var count: Float
    /// Its share of what came in this context, above 0.
    var share: Float
    /// How many longer suffixes had something else to say.
    var level: Int
  }

  /// Who knows the token in its context.
  enum Standing: Int, CaseIterable {
    /// Only the prompt knows the context, or only answers do.
    case promptAlone, answersAlone
    /// Both know the context, and the token is known to both or to one of them.
    case both, promptOnly, answersOnly
  }

  private var bias: Float = 1.9
  private var matched: [Float] = [-1.2, -0.65, -0.2, 0, 0.05, 0.35, 0.8, 0.9]
  private var standing: [Float] = [1, 0.55, -0.9, -1.2, 0.5]
  private var run: [Float] = [-0.6, -0.3, 0, 0, 1]
  private var count: [Float] = [-1.3, 0.05, 1.25]
  private var share: Float = 2.2
  private var fallback: Float = -0.7
  /// How this answer differs from the others.
  private var mood: Float = 0

  private static let rate: Float = 0.02
  private static let moodRate: Float = 0.08

  mutating func beginAnswer() { mood = 0 }

  func probability(_ traits: Traits) -> Float {
    let place = Place(traits)
    var score = bias + mood + matched[place.matched] + standing[place.standing] + run[place.run]
    score += count[place.count] + share * log(max(traits.share, 1e-6))
    if traits.level > 0 { score += fallback }
    return 1 / (1 + exp(-score))
  }

  /// Takes in whether a token was right: one step down the gradient of the logarithmic loss.
  mutating func learn(_ traits: Traits, wasRight: Bool) {
    let error = (wasRight ? 1 : 0) - probability(traits)
    let step = Self.rate * error
    let place = Place(traits)
    bias += step
    matched[place.matched] += step
    standing[place.standing] += step
    run[place.run] += step
    count[place.count] += step
    share = min(max(share + step * log(max(traits.share, 1e-6)), 0.2), 4)
    if traits.level > 0 { fallback += step }
    mood = min(max(mood + Self.moodRate * error, -2), 2)
  }

  /// Which weight each trait has.
  private struct Place {
    let matched, standing, run, count: Int

    init(_ traits: Traits) {
      matched = min(max(traits.matched, 1), 8) - 1
      standing = traits.standing.rawValue
      run =
        switch traits.run {
        case ...0: 0
        case 1: 1
        case 2...3: 2
        case 4...7: 3
        default: 4
        }
      count = traits.count < 1.5 ? 0 : traits.count < 3.5 ? 1 : 2
    }
  }
}
