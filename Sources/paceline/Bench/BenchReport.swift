import Runtime

/// All that a comparison found.
package struct BenchReport: Codable, Equatable, Sendable {
  package struct Machine: Codable, Equatable, Sendable {
    package var processor: String
    package var cores: Int
    package var features: [String]
    package var kernel: String
    package var memory: String
    package var hugePages: String

    package init(
      processor: String, cores: Int, features: [String], kernel: String, memory: String,
      hugePages: String
    ) {
      self.processor = processor
      self.cores = cores
      self.features = features
      self.kernel = kernel
      self.memory = memory
      self.hugePages = hugePages
    }
  }

  package var machine: Machine
  /// Version and kernels of this program.
  package var paceline: String
  /// What the other program says of its build.
  package var peer: String
  package var threads: Int
  package var rounds: Int
  package var seed: UInt64
  /// What a cell was rejected for.
  package var limits: String
  package var models: [ModelReport] = []

  package init(
    machine: Machine, paceline: String, peer: String, threads: Int, rounds: Int, seed: UInt64,
    limits: String
  ) {
    self.machine = machine
    self.paceline = paceline
    self.peer = peer
    self.threads = threads
    self.rounds = rounds
    self.seed = seed
    self.limits = limits
  }
}

/// The figures of one model.
package struct ModelReport: Codable, Equatable, Sendable {
  package var file: String
  package var name: String
  package var format: String
  /// Tokens of the prompt of the time to the first token.
  package var promptTokens: Int
  package var figures: [FigureReport] = []
  /// Ratios of this program's own figures, and of llama.cpp's to one another.
  package var ratios: [OwnRatio] = []
  /// Where this program's time goes, of each speed the median round.
  package var profiles: [NamedProfile] = []
  package var quality: QualityReport?
  package var cells = 0
  package var rejected = 0
  package var noisy = 0
  /// Cells that gave no figure, and why.
  package var failures: [String] = []
  /// One command of each kind, with the winning setting.
  package var commands: [String] = []

  package init(file: String, name: String, format: String, promptTokens: Int) {
    self.file = file
    self.name = name
    self.format = format
    self.promptTokens = promptTokens
  }

  package var title: String { "\(file) (\(format))" }

  /// Of each missed speed where its time goes, and what it would be with every class of operations at its roof.
  package var missedBounds: [String] {
    figures.filter { $0.verdict == .missed && !$0.unit.isShare }.compactMap { row in
      guard let profile = profiles.first(where: { $0.test == row.name })?.profile,
        let part = profile.largest, let bound = part.bound, let share = bound.share,
        let least = profile.shareAtRoofs, least > 0
      else { return nil }
      return "\(row.name): \(part.operation) takes \(fixed(part.share * 100, 0)) % of the time, at "
        + "\(fixed(share * 100, 0)) % of the \(bound.kind) roof; with every class at its roof it would "
        + "be \(fixed(row.ratio / least, 2)) times llama.cpp's speed."
    }
  }
}

/// A profile and the test that it is of.
package struct NamedProfile: Codable, Equatable, Sendable {
  package var test: String
  package var profile: BenchProfile

  package init(test: String, profile: BenchProfile) {
    self.test = test
    self.profile = profile
  }
}

/// Perplexity of both programs over the same text.
package struct QualityReport: Codable, Equatable, Sendable {
  package var theirs: Double?
  package var ours: Double

  package init(theirs: Double?, ours: Double) {
    self.theirs = theirs
    self.ours = ours
  }

  /// Relative difference in percent; nil where there is nothing to compare with.
  package var difference: Double? { theirs.map { (ours / $0 - 1) * 100 } }
}

/// One figure of both programs, round by round.
package struct FigureReport: Codable, Equatable, Sendable {
  package struct Round: Codable, Equatable, Sendable {
    package var round: Int
    package var ours: Double
    package var theirs: Double
    package var ratio: Double
    package var isNoisy: Bool
  }

  package enum Verdict: String, Codable, Sendable {
    case met, missed, ahead, level, behind
  }

  package var name: String
  package var unit: BenchUnit
  /// The setting of theirs that was best.
  package var setting: String
  package var rounds: [Round]
  /// Medians of the rounds.
  package var ours: Double
  package var theirs: Double
  package var ratio: Double
  package var ratioLow: Double
  package var ratioHigh: Double
  package var target: Double?
  package var verdict: Verdict
  /// Medians of theirs at every setting that was measured in all rounds.
  package var settings: [String: Double]

  /// - Parameters:
  ///   - ours: figures of the rounds, with whether their cell was noisy.
  ///   - theirs: the same by setting.
  /// - Returns: nil where a side has nothing.
  package init?(
    name: String, unit: BenchUnit, ours: [Int: (Double, Bool)],
    theirs: [PeerSetting: [Int: (Double, Bool)]], target: Double?
  ) {
    let medians = theirs.mapValues { Statistics.median($0.values.map(\.0)) }
    let best = medians.sorted { $0.key.description < $1.key.description }
      .reduce(nil as (key: PeerSetting, value: Double)?) { best, next in
        guard let best else { return next }
        return unit.advantage(of: next.value, over: best.value) > 1 ? next : best
      }
    guard let best, let samples = theirs[best.key] else { return nil }
    rounds = ours.keys.sorted().compactMap { round in
      guard let ours = ours[round], let theirs = samples[round], ours.0 > 0, theirs.0 > 0 else {
        return nil
      }
      return Round(
        round: round, ours: ours.0, theirs: theirs.0, ratio: unit.ratio(ours.0, theirs.0),
        isNoisy: ours.1 || theirs.1)
    }
    guard !rounds.isEmpty else { return nil }
    let ratios = rounds.map(\.ratio)
    self.name = name
    self.unit = unit
    setting = best.key.description
    self.ours = Statistics.median(rounds.map(\.ours))
    self.theirs = Statistics.median(rounds.map(\.theirs))
    ratio = Statistics.median(ratios)
    ratioLow = Statistics.percentile(10, of: ratios)
    ratioHigh = Statistics.percentile(90, of: ratios)
    self.target = target
    verdict = Self.verdict(ratio, ratioLow...ratioHigh, unit, target)
    settings = Dictionary(uniqueKeysWithValues: medians.map { ($0.key.description, $0.value) })
  }

  private static func verdict(
    _ ratio: Double, _ spread: ClosedRange<Double>, _ unit: BenchUnit, _ target: Double?
  ) -> Verdict {
    if let target { return (unit.isShare ? ratio <= target : ratio >= target) ? .met : .missed }
    if spread.contains(1) { return .level }
    return (ratio > 1) != unit.isShare ? .ahead : .behind
  }

  /// How far the target is missed, in percent of it.
  package var shortfall: Double? {
    guard verdict == .missed, let target, target > 0 else { return nil }
    return abs(ratio / target - 1) * 100
  }
}

extension BenchUnit {
  /// Memory is compared as a share of theirs, speed and time as times better than theirs.
  package var isShare: Bool { self == .mebibytes }

  package func ratio(_ ours: Double, _ theirs: Double) -> Double {
    isShare ? ours / theirs : advantage(of: ours, over: theirs)
  }
}
