/// One measured figure with its samples.
package struct BenchRow: Codable, Equatable, Sendable {
  package var name: String
  package var model: String
  package var format: String
  package var threads: Int
  package var instructionSet: String
  package var unit: BenchUnit
  package var median: Double
  package var minimum: Double
  package var maximum: Double
  /// Distance of the extremes, as a share of the median.
  package var spread: Double
  package var samples: [Double]
  /// Where the time went; nil unless asked for.
  package var profile: BenchProfile?

  package init(
    _ name: String, model: String, format: String, threads: Int, instructionSet: String,
    unit: BenchUnit, samples: [Double], profile: BenchProfile? = nil
  ) {
    self.name = name
    self.model = model
    self.format = format
    self.threads = threads
    self.instructionSet = instructionSet
    self.unit = unit
    median = Statistics.median(samples)
    minimum = samples.min() ?? 0
    maximum = samples.max() ?? 0
    spread = median > 0 ? (maximum - minimum) / median : 0
    self.samples = samples
    self.profile = profile
  }
}

/// What a figure is counted in.
package enum BenchUnit: String, Codable, Sendable {
  case tokensPerSecond = "tokens/s"
  case milliseconds = "ms"
  case mebibytes = "MiB"

  package var higherIsBetter: Bool { self == .tokensPerSecond }

  /// How many times better `ours` is than `theirs`: above 1 where it is faster or smaller.
  package func advantage(of ours: Double, over theirs: Double) -> Double {
    guard ours > 0, theirs > 0 else { return 0 }
    return higherIsBetter ? ours / theirs : theirs / ours
  }
}
