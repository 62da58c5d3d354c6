import Inference
import Runtime

/// Where the time of a test goes, by class of operation, and how near that is to what the machine can do.
package struct BenchProfile: Codable, Equatable, Sendable {
  package struct Part: Codable, Equatable, Sendable {
    package var operation: String
    package var millisecondsPerToken: Double
    /// Share of all time that was booked.
    package var share: Double
    /// Weights and cache read; 0 where none are.
    package var gigabytesPerSecond: Double
    /// Products and sums of the matrices and of attention, 1e9 a second.
    package var gigaoperationsPerSecond: Double
    /// What bounds it; nil where it neither reads nor multiplies.
    package var bound: Roofs.Bound?
  }

  package var parts: [Part]
  /// Measured between the test's runs.
  package var roofs: Roofs

  package init(_ totals: OperationTotals, tokens: Int, roofs: Roofs) {
    self.roofs = roofs
    let all = Double(max(totals.totalNanoseconds, 1))
    func part(_ name: String, _ entry: OperationTotals.Entry) -> Part {
      let nanoseconds = Double(max(entry.nanoseconds, 1))
      return Part(
        operation: name, millisecondsPerToken: nanoseconds / 1e6 / Double(max(tokens, 1)),
        share: nanoseconds / all, gigabytesPerSecond: Double(entry.bytes) / nanoseconds,
        gigaoperationsPerSecond: Double(entry.operations) / nanoseconds,
        bound: roofs.bound(of: entry))
    }
    parts = OperationClass.allCases.filter { totals[$0].nanoseconds > 0 }
      .map { part($0.title, totals[$0]) }
    parts.append(part(Self.all, totals.total))
  }

  private static let all = "all"
  private var whole: Part? { parts.last { $0.operation == Self.all } }

  /// The class of operations that takes most of the time.
  package var largest: Part? {
    parts.filter { $0.operation != Self.all }.max { $0.share < $1.share }
  }

  package var millisecondsPerToken: Double { whole?.millisecondsPerToken ?? 0 }
  package var bytesPerSecond: Double { (whole?.gigabytesPerSecond ?? 0) * 1e9 }

  /// Share of the time that would do if every class ran at its roof; nil where the roofs are not known.
  package var shareAtRoofs: Double? {
    guard roofs.bytesPerSecond != nil, roofs.operationsPerSecond != nil else { return nil }
    return parts.filter { $0.operation != Self.all }
      .reduce(0) { $0 + $1.share * ($1.bound?.share ?? 0) }
  }

  /// One line for each class, and one for the roofs.
  package var lines: [String] {
    func rate(_ value: Double) -> String { padStart(value > 0 ? fixed(value, 1) : "-", 8) }
    var lines = parts.map { part in
      let bound = part.bound.flatMap { bound in
        bound.share.map { padStart(fixed($0 * 100, 0), 5) + " % of the \(bound.kind) roof" }
      }
      return padEnd(part.operation, 14) + padStart(fixed(part.millisecondsPerToken, 4), 10)
        + " ms/token" + padStart(fixed(part.share * 100, 1), 7) + " %"
        + rate(part.gigabytesPerSecond) + " GB/s" + rate(part.gigaoperationsPerSecond) + " GOPS"
        + (part.operation == Self.all ? "" : bound ?? "")
    }
    if let reading = roofs.bytesPerSecond, let arithmetic = roofs.operationsPerSecond {
      let least = shareAtRoofs.map { "; at them it would take \(fixed($0 * 100, 0)) % of the time" }
      lines.append(
        "roofs: \(fixed(reading / 1e9, 1)) GB/s, \(fixed(arithmetic / 1e9, 0)) GOPS\(least ?? "")")
    }
    return lines
  }
}
