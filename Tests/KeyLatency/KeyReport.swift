import Foundation

/// The times of one model on one size of screen.
struct KeyReport: Codable {
  /// Milliseconds that the playground promises for 99 of 100 keys.
  static let target = 33.0

  var model: String
  /// Whether pictures were painted in place of answers.
  var paints: Bool
  var columns: Int
  var rows: Int
  /// Processes that used processor time beside the playground.
  var busy: Int
  var keys: Int
  var p50: Double
  var p90: Double
  var p99: Double
  var max: Double
  /// The 99th percentile of each kind of key.
  var kinds: [String: Double]
  /// Answers that it took; one ends where the context is full.
  var answers: Int
  var tokensPerSecond: Double
  /// Processors that programs used which the measurement did not start.
  var others: Double
  /// Milliseconds in all that the measurement itself waited for a processor; they count as the playground's.
  var ownDelay: Double

  private var speed: String {
    "\(Self.fixed(tokensPerSecond)) \(paints ? "steps/s of a picture" : "tokens/s")"
  }
  var isMet: Bool { p99 < Self.target }
  var size: String { "\(columns)x\(rows)" }
  var verdict: String { isMet ? "met" : "missed by \(Self.fixed(p99 - Self.target)) ms" }

  /// A line for a person.
  var line: String {
    let kinds = kinds.sorted { $0.key < $1.key }.map { "\($0.key) \(Self.fixed($0.value))" }
    return "\(model) \(size) busy \(busy): \(keys) keys,"
      + " p50 \(Self.fixed(p50)) p90 \(Self.fixed(p90)) p99 \(Self.fixed(p99))"
      + " max \(Self.fixed(max)) ms (p99 of \(kinds.joined(separator: ", ")));"
      + " \(speed), \(answers) \(answers == 1 ? "answer" : "answers"),"
      + " others used \(Self.fixed(others, 2)) processors,"
      + " own delay \(Self.fixed(ownDelay)) ms in all; \(verdict)"
  }

  /// Reports as a section of BENCHMARKS.md.
  static func markdown(_ reports: [KeyReport], command: String) -> String {
    let rows = reports.map { report in
      let load =
        switch report.busy {
        case 0: "quiet"
        case 1: "one busy process"
        default: "\(report.busy) busy processes"
        }
      let times = [report.p50, report.p90, report.p99, report.max].map { "\(fixed($0)) ms" }
      return "| \(report.model) | \(report.size) | \(load) | \(report.keys) "
        + "| \(report.speed) | \(times.joined(separator: " | ")) "
        + "| < \(fixed(target, 0)) ms | \(report.verdict) |"
    }
    return """
      ## Key to paint

      Time from a key's arrival at the playground's terminal to the arrival of the change that it makes on the screen,
      while an answer streams or a picture is painted. Keys are typed at random moments, 20 to 200 ms apart, on a pseudo-terminal: letters,
      erasing, knobs and, where the chat has a title that tells, looking back. Answers are greedy and cannot end; one
      that reaches the end of the context is followed by another in a fresh process, and a run whose count of tokens
      stands still fails. A busy process is one that uses a processor throughout.
      The measurement itself runs before all other programs where that is permitted.
      Made by `\(command)`.

      | model | screen | beside it | keys | generation | p50 | p90 | p99 | max | target p99 | verdict |
      | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
      \(rows.joined(separator: "\n"))

      """
  }

  /// Digits by hand: the decimal point must not follow the locale.
  private static func fixed(_ value: Double, _ decimals: Int = 1) -> String {
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    let scaled = Int((value * Double(scale)).rounded())
    guard decimals > 0 else { return "\(scaled)" }
    let digits = String(scaled.magnitude % UInt(scale))
    let zeros = String(repeating: "0", count: decimals - digits.count)
    return (scaled < 0 ? "-" : "") + "\(scaled.magnitude / UInt(scale)).\(zeros)\(digits)"
  }
}
