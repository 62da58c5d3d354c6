/// Random numbers as a function of a key and a counter: nothing is stored, so nothing can get out of step.
///
/// Philox 4x32 with ten rounds. Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011, section 3.3.
package struct RandomNumbers: Sendable, Equatable {
  /// What a number is drawn for; draws for different purposes at one place are independent.
  package enum Purpose: UInt32, Sendable {
    case token = 0
    case xtc = 1
    /// Accepting or rejecting a drafted token, for verifiers that draw.
    case acceptance = 2
    /// Drawing the tokens of a draft.
    case draft = 3
    /// Drawing a token of a picture.
    case pictureToken = 4
    /// The noise that a picture is made from.
    case pictureNoise = 5
  }

  package let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  /// A number in 0..<1 with 53 random bits.
  ///
  /// - Parameters:
  ///   - position: the token's place in its sequence, prompt included.
  ///   - index: numbers the draws for one purpose at one place.
  package func uniform(at position: Int, for purpose: Purpose, index: Int = 0) -> Double {
    let place = UInt64(truncatingIfNeeded: position)
    let block = Self.block(
      counter: SIMD4(
        UInt32(truncatingIfNeeded: place), UInt32(truncatingIfNeeded: place >> 32),
        purpose.rawValue,
        UInt32(truncatingIfNeeded: index)),
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
    let bits = UInt64(block[0]) << 32 | UInt64(block[1])
    return Double(bits >> 11) * 0x1p-53
  }

  /// One block of the generator.
  package static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var x = counter
    var key = key
    for _ in 0..<10 {
      let a = UInt32(0xD251_1F53).multipliedFullWidth(by: x[0])
      let b = UInt32(0xCD9E_8D57).multipliedFullWidth(by: x[2])
      x = SIMD4(b.high ^ x[1] ^ key[0], b.low, a.high ^ x[3] ^ key[1], a.low)
      key &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return x
  }
}
