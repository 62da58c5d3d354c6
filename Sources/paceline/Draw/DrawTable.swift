import Foundation
import Inference
import Methods
import Runtime

/// All methods of painting, each raced against its baseline.
struct DrawTable {
  let engine: Engine
  let seed: UInt64
  let repeats: Int

  /// What is painted: faces, animals, food, things that move, and the sky.
  static let captions = [
    "red heart", "star", "grinning face", "dog face", "frog", "red apple", "banana", "strawberry",
    "automobile", "airplane", "sun", "rainbow",
  ]

  /// What a knob costs or gains.
  private static let turned = [
    ("next-scale:previews=6", "raster-scan:previews=6"),
    ("flexible-scales:scales=4", "flexible-scales:scales=8"),
    ("flexible-scales:size=128", "flexible-scales"),
    ("flow:steps=8", "flow:steps=50"), ("flow:guidance=1", "flow"),
    ("flow:order=2,steps=10", "flow"),
    ("ddim:cosine=1", "ddim"),
  ]

  /// The races: each method that has a baseline, and some knobs.
  static func races() throws -> [(method: [MethodChoice], against: [MethodChoice])] {
    let methods = MethodCatalog.painting.compactMap { entry in
      entry.baseline.map { ([MethodChoice(entry.card.id)], [MethodChoice($0)]) }
    }
    let knobs = try turned.map {
      ([try MethodCatalog.painting.choice($0)], [try MethodCatalog.painting.choice($1)])
    }
    return methods + knobs
  }

  func run(
    progress: (String, Int, Int) -> Void, onJob: @Sendable (Job) -> Void
  ) async throws -> [DrawRaceReport] {
    var reports: [DrawRaceReport] = []
    for race in try Self.races() {
      let runner = DrawRace(
        engine: engine, captions: Self.captions, seed: seed, method: race.method,
        against: race.against, repeats: repeats)
      let title = race.method.map(\.text).joined(separator: " + ")
      reports.append(
        try await runner.run(
          progress: { progress(title, $0, repeats * Self.captions.count) }, onJob: onJob))
    }
    return reports
  }

  /// A section of BENCHMARKS.md.
  static func markdown(_ reports: [DrawRaceReport], command: String) -> String {
    let rows = reports.map { report in
      "| \(report.lanes[0].row) | \(report.ratioText) | \(report.likenessText) |\n"
        + "| \(report.lanes[1].row) | 1 | |"
    }
    return """
      Each method above the baseline that it was raced against, on the same words and seeds, one after the other in changing
      order, after one pair that is not counted; \(reports.first?.pictures ?? 0) pictures of each way. Time is the median with the
      10th and 90th percentile, from the first step's start to the last one's end; pictures on the way, which nobody sees here,
      are decoded and counted only where `previews` says how many; faster is the median of the pairs' ratios; agreement is the mean cosine between the words and the caption that a judge sees, which no search
      looked for; the last column says how near the two ways' pictures are.
      Made by `\(command)`.

      | painter | a picture | passes | agreement | memory | faster | between them |
      | --- | ---: | ---: | ---: | ---: | ---: | ---: |
      \(rows.joined(separator: "\n"))
      """
  }
}
