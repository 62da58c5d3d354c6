import Inference

/// Gathers what passes cost and lets a sample out at most twenty times a second.
struct ProfileTicker {
  private static let interval: UInt64 = 50_000_000
  private var operations = OperationTotals()
  private var last: UInt64 = 0

  mutating func add(_ operations: OperationTotals) { self.operations.add(operations) }

  /// The totals since the sample before, where one is due at `time` or `always`.
  mutating func take(at time: UInt64, always: Bool = false) -> OperationTotals? {
    guard always || time >= last &+ Self.interval else { return nil }
    last = time
    defer { operations = OperationTotals() }
    return operations
  }
}
