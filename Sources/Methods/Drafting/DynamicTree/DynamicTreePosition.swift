import Inference

/// A place in a draft where tokens may come: below one row, each token the sibling of those before it.
struct DynamicTreePosition {
  /// The row below which it is; -1 for the end of the text.
  let row: Int
  /// The probability that verification comes here: that the row stands and none of the tokens taken so far does.
  private var value: Double
  private var supply: Supply
  private var isFresh = true

  private enum Supply {
    /// Tokens are drawn from what is left of a distribution.
    case drawn(Distribution)
    /// Tokens are taken in falling order of probability; of each the probability among all.
    case ranked([Candidate], next: Int, reach: Double)
  }

  /// A token that was taken.
  struct Taken {
    var token: TokenID
    /// How much it pays to have it, as far as could be known before it was taken.
    var worth: Double
    /// The probability that it is accepted, its ancestors included.
    var confidence: Double
    /// What it was drawn from; nil where it was chosen.
    var proposal: Distribution?
  }

  init(below row: Int, confidence: Double, drawingFrom distribution: Distribution) {
    self.row = row
    value = confidence
    supply = .drawn(distribution)
  }

  init(below row: Int, confidence: Double, inOrder tokens: [Candidate]) {
    self.row = row
    value = confidence
    supply = .ranked(tokens, next: 0, reach: confidence)
  }

  /// What the next token would be worth; nil where none is left.
  ///
  /// Of a token that will be drawn nothing is known but the value of its place. One that will be chosen is known, and
  /// worth its own probability: among trees of chosen tokens that finds the best, too.
  var worth: Double? {
    switch supply {
    case .drawn(let left): left.isEmpty ? nil : value
    case .ranked(let tokens, let next, let reach):
      next < tokens.count ? reach * Double(tokens[next].probability) : nil
    }
  }

  /// Takes the next token and leaves its siblings: value v and chance p give a child of v·p and a place of v·(1 - p).
  ///
  /// - Parameters:
  ///   - share: a random number in 0..<1, for tokens that are drawn.
  ///   - calibration: tells a drawn token's chance by its probability; nil for that itself.
  mutating func take(at share: Double, calibration: DynamicTreeCalibration?) -> Taken? {
    guard let worth else { return nil }
    defer { isFresh = false }
    switch supply {
    case .drawn(let left):
      guard let token = left.token(at: share) else { return nil }
      let probability = left[token]
      let chance = calibration?.chance(probability, isFirst: isFresh) ?? probability
      let taken = Taken(token: token, worth: worth, confidence: value * chance, proposal: left)
      value *= 1 - chance
      supply = .drawn(left.removing(token))
      return taken
    case .ranked(let tokens, let next, let reach):
      supply = .ranked(tokens, next: next + 1, reach: reach)
      return Taken(token: tokens[next].token, worth: worth, confidence: worth, proposal: nil)
    }
  }
}
