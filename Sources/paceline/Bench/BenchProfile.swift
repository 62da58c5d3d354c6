import Inference

/// Where the time of a test goes, by class of operation.
struct BenchProfile: Codable, Equatable {
  struct Part: Codable, Equatable {
    var operation: String
    var millisecondsPerToken: Double
    /// Share of all time that was booked.
    var share: Double
    /// Weights and cache read; 0 where none are.
    var gigabytesPerSecond: Double
    /// Products and sums of the matrices and of attention, 1e9 a second.
    var gigaoperationsPerSecond: Double
  }

  var parts: [Part]

  init(_ totals: OperationTotals, tokens: Int) {
    let all = Double(max(totals.totalNanoseconds, 1))
    func part(_ name: String, _ entry: OperationTotals.Entry) -> Part {
      let nanoseconds = Double(max(entry.nanoseconds, 1))
      return Part(
        operation: name, millisecondsPerToken: nanoseconds / 1e6 / Double(max(tokens, 1)),
        share: nanoseconds / all, gigabytesPerSecond: Double(entry.bytes) / nanoseconds,
        gigaoperationsPerSecond: Double(entry.operations) / nanoseconds)
    }
    parts = OperationClass.allCases.filter { totals[$0].nanoseconds > 0 }
      .map { part($0.title, totals[$0]) }
    parts.append(part("all", totals.total))
  }

  /// One line for each class.
  var lines: [String] {
    parts.map { part in
      func rate(_ value: Double) -> String { padStart(value > 0 ? fixed(value, 1) : "-", 8) }
      return "  " + padEnd(part.operation, 14) + padStart(fixed(part.millisecondsPerToken, 4), 10)
        + " ms/token" + padStart(fixed(part.share * 100, 1), 7) + " %"
        + rate(part.gigabytesPerSecond) + " GB/s" + rate(part.gigaoperationsPerSecond) + " GOPS"
    }
  }
}
