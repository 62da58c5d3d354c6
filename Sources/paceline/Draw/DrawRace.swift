import Foundation
import Inference
import Runtime

/// Two ways of painting the same words with the same seeds, one after the other in changing order.
struct DrawRace {
  let engine: Engine
  let words: String
  let seed: UInt64
  let method: [MethodChoice]
  let against: [MethodChoice]
  /// Pairs that count; one before them warms up.
  let repeats: Int

  /// - Throws: what painting throws; a cancelled painting ends the race.
  func run(
    progress: (Int) -> Void, onJob: (Job) -> Void
  ) async throws -> DrawRaceReport {
    var pairs: [(PaintingReport, PaintingReport)] = []
    for pair in 0...repeats {
      progress(pair)
      let seed = self.seed &+ UInt64(max(0, pair - 1))
      let isSwapped = pair % 2 == 1
      let first = try await paint(isSwapped ? against : method, seed, onJob)
      let second = try await paint(isSwapped ? method : against, seed, onJob)
      if pair > 0 { pairs.append(isSwapped ? (second, first) : (first, second)) }
    }
    return DrawRaceReport(pairs)
  }

  private func paint(
    _ methods: [MethodChoice], _ seed: UInt64, _ onJob: (Job) -> Void
  ) async throws -> PaintingReport {
    let job = engine.submit(
      .paint(PaintingRequest(description: words, seed: seed, methods: methods)))
    onJob(job)
    for await event in job.events {
      switch event {
      case .failed(let error): throw error
      case .painting(.finished(let report)):
        if report.isCancelled { throw ExitStatus.interrupted }
        return report
      default: break
      }
    }
    throw ExitStatus.interrupted
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

    init(_ reports: [PaintingReport]) {
      method = reports.first?.request.methodTitle ?? ""
      let times = reports.map { $0.seconds * 1000 }
      milliseconds = Statistics.median(times)
      low = Statistics.percentile(10, of: times)
      high = Statistics.percentile(90, of: times)
      evaluations = Statistics.median(reports.compactMap { $0.steps.last?.evaluations })
      tokens = reports.compactMap { $0.steps.last?.tokens }.max() ?? 0
      bytes = reports.map(\.byteCount).max() ?? 0
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

  init(_ pairs: [(PaintingReport, PaintingReport)]) {
    description = pairs.first?.0.request.description ?? ""
    pictures = pairs.count
    lanes = [Lane(pairs.map(\.0)), Lane(pairs.map(\.1))]
    let ratios = pairs.map { $0.1.seconds / max($0.0.seconds, 1e-9) }
    ratio = Statistics.median(ratios)
    ratioLow = Statistics.percentile(10, of: ratios)
    ratioHigh = Statistics.percentile(90, of: ratios)
  }

  /// A section of BENCHMARKS.md.
  func markdown(command: String) -> String {
    let rows = lanes.map { lane in
      "| \(lane.method) | \(Decimals.plain(lane.milliseconds, 1)) ms | \(Decimals.plain(lane.low, 1)), "
        + "\(Decimals.plain(lane.high, 1)) | \(Decimals.plain(lane.evaluations, 0)) | \(lane.tokens) | "
        + "\(formatBytes(lane.bytes)) |"
    }
    return """
      ## Painting

      "\(description)", \(pictures) pictures of each way with the same seeds, in changing order after one pair that is not
      counted; time from the first step's start to the last one's end, a preview after each step included.
      Made by `\(command)`.

      | painter | median | p10, p90 | passes of the network | tokens | memory |
      | --- | ---: | ---: | ---: | ---: | ---: |
      \(rows.joined(separator: "\n"))

      `\(lanes[0].method)` is \(Decimals.plain(ratio, 2)) times as fast as `\(lanes[1].method)` \
      [\(Decimals.plain(ratioLow, 2)), \(Decimals.plain(ratioHigh, 2))].
      """
  }

  /// Lines for a person.
  var lines: [String] {
    let width = lanes.map(\.method.count).max() ?? 0
    let rows = lanes.map { lane in
      let name = lane.method.padding(toLength: width, withPad: " ", startingAt: 0)
      return
        "\(name)  \(Decimals.plain(lane.milliseconds, 1)) ms [\(Decimals.plain(lane.low, 1)), \(Decimals.plain(lane.high, 1))]"
        + "  \(Decimals.plain(lane.evaluations, 0)) passes, \(lane.tokens) tokens, \(formatBytes(lane.bytes))"
    }
    return rows + [
      "\(lanes[0].method) is \(Decimals.plain(ratio, 2)) times as fast "
        + "[\(Decimals.plain(ratioLow, 2)), \(Decimals.plain(ratioHigh, 2))], \(pictures) pictures each"
    ]
  }
}
