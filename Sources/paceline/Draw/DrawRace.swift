import Foundation
import Inference
import Runtime

/// Two ways of painting the same words with the same seeds, one after the other in changing order.
struct DrawRace {
  let engine: Engine
  let captions: [String]
  let seed: UInt64
  let method: [MethodChoice]
  let against: [MethodChoice]
  /// Pairs of each caption that count; one before all of them warms up.
  let repeats: Int

  /// - Throws: what painting throws; a cancelled painting ends the race.
  func run(
    progress: (Int) -> Void, onJob: @Sendable (Job) -> Void
  ) async throws -> DrawRaceReport {
    var pairs: [(PaintingReport, PaintingReport)] = []
    for pair in 0...repeats * captions.count {
      progress(pair)
      let number = max(0, pair - 1)
      let words = captions[number % captions.count]
      let seed = self.seed &+ UInt64(number / captions.count)
      let isSwapped = pair % 2 == 1
      let first = try await paint(words, isSwapped ? against : method, seed, onJob)
      let second = try await paint(words, isSwapped ? method : against, seed, onJob)
      if pair > 0 { pairs.append(isSwapped ? (second, first) : (first, second)) }
    }
    return DrawRaceReport(pairs)
  }

  private func paint(
    _ words: String, _ methods: [MethodChoice], _ seed: UInt64, _ onJob: @Sendable (Job) -> Void
  ) async throws -> PaintingReport {
    try await engine.paint(
      PaintingRequest(description: words, seed: seed, methods: methods, isWatched: false),
      onJob: onJob)
  }
}

/// What a race of painters came to.
struct DrawRaceReport: Encodable {
  struct Lane: Encodable {
    var method: String
    /// Milliseconds of a picture: median, 10th and 90th percentile.
    var milliseconds: Double
    var low: Double
    var high: Double
    var evaluations: Double
    var tokens: Int
    var bytes: Int
    /// The mean of what the judge sees in common with the words.
    var agreement: Double?

    init(_ reports: [PaintingReport]) {
      method = reports.first?.request.methodTitle ?? ""
      let times = reports.map { $0.seconds * 1000 }
      milliseconds = Statistics.median(times)
      low = Statistics.percentile(10, of: times)
      high = Statistics.percentile(90, of: times)
      evaluations = Statistics.median(reports.compactMap { $0.steps.last?.evaluations })
      tokens = reports.compactMap { $0.steps.last?.tokens }.max() ?? 0
      bytes = reports.map(\.byteCount).max() ?? 0
      let seen = reports.compactMap(\.agreement)
      agreement = seen.isEmpty ? nil : seen.reduce(0, +) / Double(seen.count)
    }
  }

  var description: String
  var pictures: Int
  /// The method, and what it ran against.
  var lanes: [Lane]
  /// How many times faster the method was: median of the pairs, 10th and 90th percentile.
  var ratio: Double
  var ratioLow: Double
  var ratioHigh: Double
  /// The mean squared difference between the pictures of the two ways, of channels from 0 to 1; nil where sizes differ.
  var difference: Double?

  init(_ pairs: [(PaintingReport, PaintingReport)]) {
    description = pairs.first?.0.request.description ?? ""
    pictures = pairs.count
    lanes = [Lane(pairs.map(\.0)), Lane(pairs.map(\.1))]
    let ratios = pairs.map { $0.1.seconds / max($0.0.seconds, 1e-9) }
    ratio = Statistics.median(ratios)
    ratioLow = Statistics.percentile(10, of: ratios)
    ratioHigh = Statistics.percentile(90, of: ratios)
    let errors = pairs.compactMap { first, second in
      first.picture.flatMap { one in second.picture.flatMap { one.squaredError(to: $0) } }
    }
    difference = errors.isEmpty ? nil : errors.reduce(0, +) / Double(errors.count)
  }

  /// How much faster the method was, with percentiles.
  var ratioText: String {
    "\(Decimals.plain(ratio, 2)) [\(Decimals.plain(ratioLow, 2)), \(Decimals.plain(ratioHigh, 2))]"
  }

  var likenessText: String {
    difference.map { $0 > 0 ? Decimals.plain(-10 * log10($0), 1) + " dB" : "equal" } ?? "-"
  }

  /// Lines for a person.
  var lines: [String] {
    let width = lanes.map(\.method.count).max() ?? 0
    let rows = lanes.map { lane in
      let name = lane.method.padding(toLength: width, withPad: " ", startingAt: 0)
      return
        "\(name)  \(Decimals.plain(lane.milliseconds, 1)) ms [\(Decimals.plain(lane.low, 1)), \(Decimals.plain(lane.high, 1))]"
        + "  \(lane.passesText) passes"
        + (lane.tokens > 0 ? ", \(lane.tokens) tokens" : "")
        + (lane.agreement.map { ", agreement \(Decimals.plain($0, 2))" } ?? "")
        + ", \(formatBytes(lane.bytes))"
    }
    return rows + [
      "\(lanes[0].method) is \(ratioText) times as fast, \(pictures) \(pictures == 1 ? "picture" : "pictures") each; "
        + "between them: \(likenessText)"
    ]
  }
}

extension DrawRaceReport.Lane {
  var passesText: String {
    Decimals.plain(evaluations, evaluations == evaluations.rounded() ? 0 : 1)
  }

  /// A row of a table: the method, its time, passes, agreement and memory.
  var row: String {
    "\(method) | \(Decimals.plain(milliseconds, 1)) ms [\(Decimals.plain(low, 1)), \(Decimals.plain(high, 1))] | "
      + "\(passesText) | \(agreement.map { Decimals.plain($0, 3) } ?? "-") | \(formatBytes(bytes))"
  }
}

extension Picture {
  /// The mean squared difference of all channels, from 0 to 1; nil where the sizes differ.
  func squaredError(to other: Picture) -> Double? {
    guard width == other.width, height == other.height else { return nil }
    let sum = zip(pixels, other.pixels).reduce(0) { sum, pair in
      let difference = Int(pair.0) - Int(pair.1)
      return sum + difference * difference
    }
    return Double(sum) / Double(pixels.count) / (255 * 255)
  }
}
