import Foundation
import Inference
import Runtime

/// What races of one method on one model over one set of prompts came to.
struct RaceRow: Encodable {
  var method: String
  var against: String
  var model: String
  var prompts: String
  /// Runs that were compared.
  var runs: Int
  /// Share of the runs whose tokens were the same.
  var identical: Double
  /// Median of the speed ratios, and their 10th and 90th percentile.
  var ratio: Double
  var ratioLow: Double
  var ratioHigh: Double
  /// Medians over the runs.
  var tokensPerSecond: Double
  var againstTokensPerSecond: Double
  /// Of all runs together.
  var tokensPerPass: Double
  var passesSaved: Double
  var acceptance: Double?
  /// Share of the method's time that went into drafting.
  var draftShare: Double
  /// The greatest of the runs.
  var extraBytes: Int
  /// Bytes read from disk for each token, where weights are streamed.
  var bytesReadPerToken: Int?

  init(
    method: MethodSelection, against: MethodSelection, model: String, prompts: String,
    results: [RaceResult]
  ) {
    self.method = method.title
    self.against = against.title
    self.model = model
    self.prompts = prompts
    runs = results.count
    identical =
      results.isEmpty ? 0 : Double(results.count { $0.isIdentical }) / Double(results.count)
    let ratios = results.flatMap(\.ratios)
    ratio = Statistics.median(ratios)
    ratioLow = Statistics.percentile(10, of: ratios)
    ratioHigh = Statistics.percentile(90, of: ratios)
    let lanes = results.map { $0.lanes[0] }
    tokensPerSecond = Statistics.median(lanes.compactMap(\.tokensPerSecond))
    againstTokensPerSecond = Statistics.median(results.compactMap { $0.lanes[1].tokensPerSecond })
    let tokens = lanes.reduce(0) { $0 + $1.passTokens }
    let passes = lanes.reduce(0) { $0 + $1.passes }
    tokensPerPass = passes > 0 ? Double(tokens) / Double(passes) : 0
    let plain = results.reduce(0) { $0 + $1.lanes[1].passes }
    passesSaved = plain > 0 ? 1 - Double(passes) / Double(plain) : 0
    let drafted = lanes.reduce(0) { $0 + $1.drafted }
    acceptance =
      drafted > 0 ? Double(lanes.reduce(0) { $0 + $1.accepted }) / Double(drafted) : nil
    let draftSeconds = lanes.reduce(0) { $0 + $1.draftSeconds }
    let seconds = lanes.reduce(draftSeconds) { $0 + $1.passSeconds + $1.verifySeconds }
    draftShare = seconds > 0 ? draftSeconds / seconds : 0
    extraBytes = lanes.map(\.extraBytes).max() ?? 0
    let read = lanes.reduce(0) { $0 + $1.bytesRead }
    bytesReadPerToken = read > 0 && tokens > 0 ? read / tokens : nil
  }

  static let markdownHead = """
    | method | against | model | prompts | runs | identical | speed ratio, median [p10, p90] | tokens/s | tokens per pass | passes saved | accepted | drafting | extra memory |
    | --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    """

  var markdown: String {
    let spread = "\(Self.two(ratio)) [\(Self.two(ratioLow)), \(Self.two(ratioHigh))]"
    let cells = [
      method, against, model, prompts, "\(runs)", Self.percent(identical), spread,
      Decimals.fixed(tokensPerSecond, 1), Self.two(tokensPerPass), Self.percent(passesSaved),
      acceptance.map(Self.percent) ?? "-", Self.percent(draftShare),
      extraBytes > 0 ? formatBytes(extraBytes) : "-",
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  private static func two(_ value: Double) -> String { Decimals.fixed(value, 2) }
  private static func percent(_ value: Double) -> String { Decimals.fixed(value * 100, 0) + " %" }
}
