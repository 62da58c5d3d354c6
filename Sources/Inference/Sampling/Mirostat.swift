import Glibc

/// The state of mirostat version 2: how much surprise a token may bring, in bits.
///
/// Source: Basu et al., "Mirostat: a neural text decoding algorithm that directly controls perplexity",
/// arXiv:2007.14966, algorithm 2. As in llama.cpp the surprise is that of the truncated distribution.
package struct Mirostat: Sendable, Equatable, Codable {
  /// The greatest surprise that the next token may bring; begins at twice the target.
  package private(set) var mu: Double

  package init(target: Double) { mu = 2 * target }

  /// Corrects `mu` by the surprise of the token that was chosen.
  package mutating func observe(probability: Float, target: Double, rate: Double) {
    guard probability > 0 else { return }
    let next = mu - rate * (-log2(Double(probability)) - target)
    if next.isFinite { mu = next }
  }
}

extension Candidates {
  /// Drops tokens that would surprise by more than `mu` bits; the best one stays always.
  func mirostat(_ mu: Double) -> Bool {
    let before = count
    guard before > 1 else { return false }
    let mass = mass
    keep(atLeast: Float(Double(mass.shift) + log(mass.total) - mu * M_LN2))
    return count < before
  }
}
