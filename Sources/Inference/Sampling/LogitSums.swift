/// Sums over a row of logits that need every one of them.
enum LogitSums {
  private typealias Lanes = SIMD16<Float>

  /// The sum of `exp(x - shift)` and of `(x - shift) * exp(x - shift)`; `shift` is at least the greatest logit.
  ///
  /// NaN and anything more than 87 below `shift` count as nothing worth speaking of (1e-38).
  static func exponentials(_ x: Span<Float>, shift: Float) -> (total: Double, moment: Double) {
    var sums = (total: 0.0, moment: 0.0)
    let whole = x.count / 16
    // Lanes are added up in double precision every so often: a cut at 0.9999 of the mass needs the digits.
    for start in stride(from: 0, to: whole, by: 16) {
      var total = Lanes()
      var moment = Lanes()
      for block in start..<min(start + 16, whole) {
        let part = x.extracting(block * 16..<block * 16 + 16)
        var values = Lanes()
        for lane in 0..<16 { values[lane] = part[lane] }
        values -= shift
        let terms = exponential(&values)
        total += terms
        moment += terms * values
      }
      sums.total += Double(total.sum())
      sums.moment += Double(moment.sum())
    }
    if whole * 16 < x.count {
      var values = Lanes(repeating: -.infinity)
      for index in whole * 16..<x.count { values[index - whole * 16] = x[index] }
      values -= shift
      let terms = exponential(&values)
      sums.total += Double(terms.sum())
      sums.moment += Double((terms * values).sum())
    }
    return sums
  }

  /// The exponentials of 16 values not above 0, to about 2 units in the last place.
  ///
  /// Clamps the values to -87 first.
  /// Splits x into n ln 2 + r and scales a polynomial in r (Cephes' coefficients) by 2^n.
  @inline(__always)
  private static func exponential(_ x: inout Lanes) -> Lanes {
    x.replace(with: -87, where: .!(x .>= -87))
    // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
    let rounded = x * 1.442_695_04 + 12_582_912
    let n = rounded - 12_582_912
    let r = x - n * 0.693_359_375 + n * 2.121_944_4e-4
    var p = r * 1.987_569_15e-4 + 1.398_199_95e-3
    p = p * r + 8.333_451_9e-3
    p = p * r + 4.166_579_6e-2
    p = p * r + 1.666_666_55e-1
    p = p * r + 0.5
    p = p * r * r + r + 1
    var power = Lanes()
    for lane in 0..<16 {
      let whole = rounded[lane].bitPattern &- 0x4B40_0000
      power[lane] = Float(bitPattern: whole &<< 23 &+ 0x3F80_0000)
    }
    return p * power
  }

  /// Mean and standard deviation (of the population) of the logits above -infinity.
  static func spread(_ x: Span<Float>, near shift: Float) -> (mean: Double, deviation: Double) {
    var count = 0
    var sum = 0.0
    var squares = 0.0
    for index in 0..<x.count where x[index] > -.infinity {
      let distance = Double(x[index]) - Double(shift)
      count += 1
      sum += distance
      squares += distance * distance
    }
    guard count > 0 else { return (Double(shift), 0) }
    let mean = sum / Double(count)
    let variance = max(0, squares / Double(count) - mean * mean)
    return (Double(shift) + mean, variance.squareRoot())
  }
}
