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
  }

  var parts: [Part]

  init(_ totals: OperationTotals, tokens: Int) {
    let all = Double(max(totals.totalNanoseconds, 1))
    parts = OperationClass.allCases.compactMap { operation in
      let (nanoseconds, bytes) = totals[operation]
      guard nanoseconds > 0 else { return nil }
      return Part(
        operation: operation.title,
        millisecondsPerToken: Double(nanoseconds) / 1e6 / Double(max(tokens, 1)),
        share: Double(nanoseconds) / all,
        gigabytesPerSecond: Double(bytes) / Double(nanoseconds))
    }
    let bytes = OperationClass.allCases.reduce(0) { $0 + totals[$1].bytes }
    parts.append(
      Part(
        operation: "all", millisecondsPerToken: all / 1e6 / Double(max(tokens, 1)), share: 1,
        gigabytesPerSecond: Double(bytes) / all))
  }

  /// One line for each class.
  var lines: [String] {
    parts.map { part in
      let speed = part.gigabytesPerSecond > 0 ? fixed(part.gigabytesPerSecond, 2) : "-"
      return "  " + padEnd(part.operation, 14) + padStart(fixed(part.millisecondsPerToken, 4), 10)
        + " ms/token" + padStart(fixed(part.share * 100, 1), 7) + " %" + padStart(speed, 8)
        + " GB/s"
    }
  }
}
