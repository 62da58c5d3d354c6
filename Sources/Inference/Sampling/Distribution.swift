/// Tokens with their probabilities, ascending by token; what is not listed is impossible.
package struct Distribution: Sendable, Equatable {
  package private(set) var tokens: [TokenID]
  /// Their sum is 1 but for rounding, or 0 where nothing is left.
  package private(set) var probabilities: [Double]

  /// - Parameter weights: not negative; they need not add up to 1.
  package init(tokens: [TokenID], weights: [Double]) {
    precondition(tokens.count == weights.count)
    self.tokens = tokens
    probabilities = weights
    normalize()
  }

  package var isEmpty: Bool { tokens.isEmpty }

  /// Where a token stands in the list.
  private func place(of token: TokenID) -> Int? {
    var low = 0
    var high = tokens.count
    while low < high {
      let middle = (low + high) / 2
      if tokens[middle] < token { low = middle + 1 } else { high = middle }
    }
    return low < tokens.count && tokens[low] == token ? low : nil
  }

  package subscript(token: TokenID) -> Double { place(of: token).map { probabilities[$0] } ?? 0 }

  /// The most probable token, of equal ones the lowest; nil where nothing is left.
  package var best: TokenID? {
    var best: Int?
    for index in tokens.indices where probabilities[index] > best.map({ probabilities[$0] }) ?? 0 {
      best = index
    }
    return best.map { tokens[$0] }
  }

  /// The token at a share of the cumulated probability, in ascending order of tokens; nil where nothing is left.
  package func token(at share: Double) -> TokenID? {
    var sum = 0.0
    var chosen: TokenID?
    for index in tokens.indices where probabilities[index] > 0 {
      chosen = tokens[index]
      sum += probabilities[index]
      if sum > share { break }
    }
    return chosen
  }

  /// Without one token, the others to the same proportions.
  package func removing(_ token: TokenID) -> Distribution {
    guard let place = place(of: token) else { return self }
    var rest = self
    rest.tokens.remove(at: place)
    rest.probabilities.remove(at: place)
    rest.normalize()
    return rest
  }

  /// `norm(max(self - other, 0))`: what is drawn from after a token of `other` was refused.
  package func exceeding(_ other: Distribution) -> Distribution {
    var rest = self
    var place = 0
    for index in tokens.indices {
      while place < other.tokens.count, other.tokens[place] < tokens[index] { place += 1 }
      guard place < other.tokens.count, other.tokens[place] == tokens[index] else { continue }
      rest.probabilities[index] = max(0, probabilities[index] - other.probabilities[place])
    }
    rest.normalize()
    return rest
  }

  private mutating func normalize() {
    let sum = probabilities.reduce(0, +)
    guard sum > 0, sum.isFinite else {
      tokens = []
      probabilities = []
      return
    }
    for index in probabilities.indices { probabilities[index] /= sum }
  }
}

extension Candidates {
  /// The candidates that are left, with their probabilities.
  func distribution() -> Distribution {
    let total = mass.total
    if isDense {
      let shift = mass.shift
      gather(atLeast: -.greatestFiniteMagnitude)
      weigh(shift: shift)
    }
    let list = entries.filter { $0.weight > 0 }
    return Distribution(
      tokens: list.map(\.token), weights: list.map { Double($0.weight) / total })
  }
}
