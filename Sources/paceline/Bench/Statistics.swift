/// Order statistics of small samples.
package enum Statistics {
  package static func median(_ samples: [Double]) -> Double { percentile(50, of: samples) }

  /// The percentile by linear interpolation between order statistics; 0 of no samples.
  package static func percentile(_ percent: Double, of samples: [Double]) -> Double {
    let sorted = samples.sorted()
    guard let last = sorted.last else { return 0 }
    let place = min(max(percent, 0), 100) / 100 * Double(sorted.count - 1)
    let index = Int(place)
    guard index + 1 < sorted.count else { return last }
    return sorted[index] + (sorted[index + 1] - sorted[index]) * (place - Double(index))
  }

  /// Confidence interval of the ratio of two medians, by resampling both samples with replacement.
  ///
  /// Source: Efron, Bootstrap methods: another look at the jackknife, 1979; the percentile interval.
  ///
  /// - Parameters:
  ///   - confidence: as a share, such as 0.95.
  ///   - seed: the same seed gives the same interval.
  package static func ratioInterval(
    _ numerator: [Double], _ denominator: [Double], confidence: Double = 0.95,
    resamples: Int = 2000, seed: UInt64 = 1
  ) -> ClosedRange<Double> {
    guard median(numerator) > 0, median(denominator) > 0 else { return 0...0 }
    var generator = SeededGenerator(seed: seed)
    let ratios = (0..<resamples).map { _ in
      let below = median(resample(denominator, &generator))
      return below > 0 ? median(resample(numerator, &generator)) / below : 0
    }
    let tail = (1 - confidence) / 2 * 100
    let low = percentile(tail, of: ratios)
    return low...max(low, percentile(100 - tail, of: ratios))
  }

  private static func resample(
    _ samples: [Double], _ generator: inout SeededGenerator
  ) -> [Double] {
    samples.indices.map { _ in samples[Int.random(in: samples.indices, using: &generator)] }
  }
}

/// A small repeatable source of random numbers.
///
/// Source: Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
