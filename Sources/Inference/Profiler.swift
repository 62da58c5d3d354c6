import Glibc

/// Monotonic time in nanoseconds.
package func monotonicNanoseconds() -> UInt64 {
  var now = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &now)
  return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// A class of operations whose time is told apart.
package enum OperationClass: Int, Sendable, CaseIterable, Codable {
  case embedding, norm, projection, attention, feedForward, head, sampling, drafting, other
  case convolution

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
    case .drafting: "drafting"
    case .convolution: "convolution"
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

  /// Books the time since the last mark, the bytes of weights or cache read in it, and the arithmetic done: two
  /// operations for a multiply-add.
  package func mark(_ operation: OperationClass, bytes: Int = 0, operations: Int = 0) {
    let now = monotonicNanoseconds()
    totals.add(operation, nanoseconds: now - last, bytes: bytes, operations: operations)
    last = now
  }

  /// What was booked since the last call.
  package func take() -> OperationTotals {
    defer { totals = OperationTotals() }
    return totals
  }
}

/// Time, traffic and arithmetic by `OperationClass`.
package struct OperationTotals: Sendable, Equatable {
  /// What one class took.
  package struct Entry: Sendable, Equatable {
    package var nanoseconds: UInt64 = 0
    /// Bytes of weights and cache that were read.
    package var bytes = 0
    /// Two for a multiply-add.
    package var operations = 0

    package init(nanoseconds: UInt64 = 0, bytes: Int = 0, operations: Int = 0) {
      self.nanoseconds = nanoseconds
      self.bytes = bytes
      self.operations = operations
    }

    package static func += (left: inout Entry, right: Entry) {
      left.nanoseconds += right.nanoseconds
      left.bytes += right.bytes
      left.operations += right.operations
    }
  }

  private var entries = [Entry](repeating: Entry(), count: OperationClass.allCases.count)

  package init() {}

  package mutating func add(
    _ operation: OperationClass, nanoseconds: UInt64, bytes: Int, operations: Int = 0
  ) {
    entries[operation.rawValue] += Entry(
      nanoseconds: nanoseconds, bytes: bytes, operations: operations)
  }

  package mutating func add(_ other: OperationTotals) {
    for index in entries.indices { entries[index] += other.entries[index] }
  }

  package subscript(operation: OperationClass) -> Entry { entries[operation.rawValue] }

  /// All classes together.
  package var total: Entry { entries.reduce(into: Entry()) { $0 += $1 } }

  package var totalNanoseconds: UInt64 { total.nanoseconds }
}
