import Foundation
import Inference

/// Rows of an earlier run to compare with.
package struct BenchBaseline: Sendable {
  package var rows: [BenchRow]
  /// What counts as a regression, as a share.
  package var tolerance: Double

  package init(rows: [BenchRow], tolerance: Double) {
    self.rows = rows
    self.tolerance = tolerance
  }

  package enum Verdict: String, Sendable {
    case faster, slower
    case same = "no difference"
  }

  /// How a row stands to the earlier one.
  package struct Comparison: Sendable {
    /// How many times better the median is; memory is better when there is less of it.
    package var ratio: Double
    /// The interval that holds that ratio with 95 % confidence.
    package var interval: ClosedRange<Double>
    package var verdict: Verdict
    /// Whether it became worse by more than the tolerance.
    package var isRegression: Bool
  }

  /// - Throws: `environment` where the file cannot be read, `invalidRequest` where it is no output of `bench --json`.
  static func read(_ path: String, tolerance: Double) throws(InferenceError) -> BenchBaseline {
    let data = try InputFile.contents(of: path)
    guard let rows = try? JSONDecoder().decode([BenchRow].self, from: data) else {
      throw InferenceError(.invalidRequest, "\(path) is no output of `bench --json`")
    }
    return BenchBaseline(rows: rows, tolerance: tolerance)
  }

  /// Compares with the row of the same model and test; nil where there is none.
  package func compare(_ row: BenchRow) -> Comparison? {
    let old = rows.first {
      $0.name == row.name && $0.model == row.model && $0.format == row.format && $0.unit == row.unit
    }
    guard let old, old.samples.allSatisfy({ $0 > 0 }), !old.samples.isEmpty else { return nil }
    let (better, worse) =
      row.unit.higherIsBetter ? (row.samples, old.samples) : (old.samples, row.samples)
    let below = Statistics.median(worse)
    guard below > 0 else { return nil }
    let ratio = Statistics.median(better) / below
    let interval = Statistics.ratioInterval(better, worse)
    let verdict: Verdict =
      interval.upperBound < 1 ? .slower : interval.lowerBound > 1 ? .faster : .same
    return Comparison(
      ratio: ratio, interval: interval, verdict: verdict,
      isRegression: verdict == .slower && ratio < 1 - tolerance)
  }

  /// What a person reads of a row.
  func line(_ row: BenchRow) -> String {
    guard let found = compare(row) else { return "\(row.name): not in the earlier output" }
    let interval = [found.interval.lowerBound, found.interval.upperBound]
      .map { fixed($0, 3) }.joined(separator: ", ")
    let verdict =
      row.unit == .mebibytes && found.verdict != .same
      ? (found.verdict == .slower ? "more" : "less") : found.verdict.rawValue
    return "\(row.name): \(fixed(found.ratio, 3)) [\(interval)] of the earlier one, \(verdict)"
      + (found.isRegression ? ": REGRESSION" : "")
  }
}
