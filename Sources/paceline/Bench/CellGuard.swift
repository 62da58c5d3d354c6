import Foundation
import Inference

/// How much the machine's other work disturbed a measurement.
package struct CellConditions: Codable, Equatable, Sendable {
  /// Share of a core that other programs used.
  package var others: Double
  /// Share of a core that the hypervisor took.
  package var steal: Double
  /// Relative difference of a core's speed before and after.
  package var drift: Double
  /// Measurements that were thrown away before this one.
  package var rejected: Int
  /// Whether a limit was broken and no attempt was left.
  package var isNoisy: Bool

  package init(
    others: Double, steal: Double, drift: Double, rejected: Int = 0, isNoisy: Bool = false
  ) {
    self.others = others
    self.steal = steal
    self.drift = drift
    self.rejected = rejected
    self.isNoisy = isNoisy
  }
}

/// Measures again what the machine's other work spoiled.
package struct CellGuard: Sendable {
  /// Share of a core that other programs may use.
  package var load: Double
  /// Share of a core that the hypervisor may take.
  package var steal: Double
  /// How much a core's speed may change.
  package var drift: Double
  package var retries: Int

  package init(load: Double, steal: Double, drift: Double, retries: Int) {
    self.load = load
    self.steal = steal
    self.drift = drift
    self.retries = retries
  }

  package func accepts(_ conditions: CellConditions) -> Bool {
    conditions.others <= load && conditions.steal <= steal && conditions.drift <= drift
  }

  /// Runs attempts until one's conditions are good or none is left; then the least disturbed counts, as noisy.
  ///
  /// - Parameter pause: called between two attempts; waits for a quiet machine where none is given.
  package func measure<Value, Failure: Error>(
    pause: (() -> Void)? = nil,
    attempt run: () throws(Failure) -> (Value, CellConditions)
  ) throws(Failure) -> (Value, CellConditions) {
    var best: (Value, CellConditions)?
    for attempt in 0...max(0, retries) {
      if attempt > 0 { if let pause { pause() } else { awaitQuiet(seconds: 30) } }
      var (value, conditions) = try run()
      conditions.rejected = attempt
      if accepts(conditions) { return (value, conditions) }
      if let old = best?.1, disturbance(old) <= disturbance(conditions) { continue }
      best = (value, conditions)
    }
    guard var kept = best else { return try run() }
    kept.1.rejected = max(0, retries)
    kept.1.isNoisy = true
    return kept
  }

  private func disturbance(_ conditions: CellConditions) -> Double {
    conditions.others + conditions.steal + conditions.drift
  }

  /// Waits until the machine's other work is within the limits, for as many seconds at most.
  func awaitQuiet(seconds: Int) {
    for _ in 0..<seconds {
      guard let before = MachineLoad.now() else { return }
      Thread.sleep(forTimeInterval: 1)
      guard let after = MachineLoad.now() else { return }
      let shares = after.shares(since: before, seconds: 1)
      if shares.others <= load, shares.steal <= steal { return }
    }
  }

  /// Runs a cell and watches the machine meanwhile.
  static func watch<Value, Failure: Error>(
    _ cell: () throws(Failure) -> Value
  ) throws(Failure) -> (Value, CellConditions) {
    let before = MachineLoad.now()
    let start = monotonicNanoseconds()
    let probeBefore = FrequencyProbe.run()
    let value = try cell()
    let probeAfter = FrequencyProbe.run()
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    let drift = probeBefore > 0 ? abs(probeAfter / probeBefore - 1) : 0
    guard let before, let after = MachineLoad.now() else {
      return (value, CellConditions(others: 0, steal: 0, drift: drift))
    }
    let shares = after.shares(since: before, seconds: seconds)
    return (value, CellConditions(others: shares.others, steal: shares.steal, drift: drift))
  }
}
