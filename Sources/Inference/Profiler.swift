import Glibc

/// Monotonic time in nanoseconds.
package func monotonicNanoseconds() -> UInt64 {
  var now = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &now)
  return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// A class of operations whose time is told apart.
package enum OperationClass: Int, Sendable, CaseIterable, Codable {
  case embedding, norm, projection, attention, feedForward, head, sampling, other

  /// What a person reads; the small work between matrix products is partly waiting for its end.
  package var title: String {
    switch self {
    case .embedding: "embedding"
    case .norm: "norm+waiting"
    case .projection: "q k v o"
    case .attention: "attention"
    case .feedForward: "feed-forward"
    case .head: "head"
    case .sampling: "sampling"
    case .other: "other"
    }
  }
}

/// Time and traffic by class of operation: worker 0 marks the end of each phase of a pass.
///
/// One mark costs a clock reading, about 25 ns.
package final class PhaseClock {
  package private(set) var totals = OperationTotals()
  private var last: UInt64 = 0

  package init() {}

  /// Starts timing; what came before is not counted.
  package func start() { last = monotonicNanoseconds() }

  /// Books the time since the last mark, and the bytes of weights or cache read in it.
  package func mark(_ operation: OperationClass, bytes: Int = 0) {
    let now = monotonicNanoseconds()
    totals.add(operation, nanoseconds: now - last, bytes: bytes)
    last = now
  }

  /// What was booked since the last call.
  package func take() -> OperationTotals {
    defer { totals = OperationTotals() }
    return totals
  }
}

/// Nanoseconds and bytes by `OperationClass`.
package struct OperationTotals: Sendable, Equatable {
  package private(set) var nanoseconds = [UInt64](
    repeating: 0, count: OperationClass.allCases.count)
  package private(set) var bytes = [Int](repeating: 0, count: OperationClass.allCases.count)

  package init() {}

  package mutating func add(_ operation: OperationClass, nanoseconds: UInt64, bytes: Int) {
    self.nanoseconds[operation.rawValue] += nanoseconds
    self.bytes[operation.rawValue] += bytes
  }

  package mutating func add(_ other: OperationTotals) {
    for index in nanoseconds.indices {
      nanoseconds[index] += other.nanoseconds[index]
      bytes[index] += other.bytes[index]
    }
  }

  package subscript(operation: OperationClass) -> (nanoseconds: UInt64, bytes: Int) {
    (nanoseconds[operation.rawValue], bytes[operation.rawValue])
  }

  package var totalNanoseconds: UInt64 { nanoseconds.reduce(0, +) }
}
