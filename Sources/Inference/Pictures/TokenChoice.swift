import Compute
import Glibc

/// A token of a picture, and how open the choice was.
struct DrawnToken {
  var token: Int
  /// Nats.
  var entropy: Double
}

/// Draws tokens of a picture among the most probable ones.
struct TokenChoice {
  /// The next token's, `[codes]`, for the caller to fill; drawing changes them.
  let logits: Buffer
  /// Of each code, the greatest 1.
  private let weights: Buffer
  private let kernels = Kernels.shared

  init(codes: Int) {
    logits = Buffer(count: codes)
    weights = Buffer(count: codes)
  }

  /// Draws by the greatest sum of logit and Gumbel noise, so that runs with the same seed draw alike where their logits are
  /// alike.
  func draw(
    _ settings: TokenPaintingSettings, _ random: RandomNumbers, position: Int
  ) -> DrawnToken {
    let codes = 0..<logits.count
    let sharpness = Float(1 / max(settings.temperature, 1e-3))
    kernels.scale(logits, at: 0, count: codes.count, by: sharpness)
    let greatest = kernels.maximum(logits, codes)
    kernels.exponentials(of: logits, codes, shift: greatest, into: weights)
    var (sum, moment) = (0.0, 0.0)
    for code in codes {
      let weight = Double(weights[code])
      sum += weight
      if weight > 0 { moment += weight * Double(logits[code] - greatest) }
    }
    let token =
      race(from: last(settings, sum: sum), random, position: position)
      ?? kernels.argmax(logits, codes)
    return DrawnToken(token: token, entropy: log(sum) - moment / sum)
  }

  /// What codes are put in order by: the most probable last, of equal ones the first.
  private func rank(_ code: Int) -> UInt64 {
    UInt64(weights[code].bitPattern) << 32 | UInt64(UInt32.max - UInt32(code))
  }

  /// The rank of the least probable code that may be drawn.
  private func last(_ settings: TokenPaintingSettings, sum: Double) -> UInt64 {
    let (wanted, most) = (settings.topP * sum, max(settings.topK, 1))
    // All codes below the least weight together are not worth the share that is left out.
    let least = Float((1 - settings.topP) * sum / Double(weights.count))
    // Sums by exponent, so that only those codes are put in order among which the choice ends.
    var shares = [Double](repeating: 0, count: 256)
    var counts = [Int](repeating: 0, count: 256)
    for code in 0..<weights.count where weights[code] >= least {
      let exponent = Int(weights[code].exponentBitPattern)
      shares[exponent] += Double(weights[code])
      counts[exponent] += 1
    }
    var exponent = 255
    var (kept, count) = (0.0, 0)
    while exponent > 0, kept + shares[exponent] < wanted, count + counts[exponent] < most {
      kept += shares[exponent]
      count += counts[exponent]
      exponent -= 1
    }
    var ranks: [UInt64] = []
    for code in 0..<weights.count
    where weights[code] >= least && weights[code].exponentBitPattern == exponent {
      ranks.append(rank(code))
    }
    ranks.sort(by: >)
    var last = UInt64(exponent + 1) << 55
    for rank in ranks where kept < wanted && count < most {
      kept += Double(Float(bitPattern: UInt32(rank >> 32)))
      count += 1
      last = rank
    }
    return last
  }

  /// A code from a rank up; nil where none has a weight.
  ///
  /// The sum of logit and noise is greatest where -log(u) / weight is least: exponential clocks, of which the first to ring
  /// wins.
  private func race(from last: UInt64, _ random: RandomNumbers, position: Int) -> Int? {
    var best = Double.infinity
    var token: Int?
    for code in 0..<weights.count where rank(code) >= last {
      let (weight, u) = (
        Double(weights[code]), random.uniform(at: position, for: .pictureToken, index: code)
      )
      // No logarithm is less than this, so few have to be taken.
      guard 1 - u < best * weight else { continue }
      let time = -log(max(u, 0x1p-53)) / weight
      if time < best { (best, token) = (time, code) }
    }
    return token
  }
}
