import Compute
import Foundation
import Inference

/// Processor time that Linux has booked so far, in clock ticks.
package struct MachineLoad: Equatable, Sendable {
  /// Spent by all programs and the kernel.
  package var busy: Int
  /// Taken by the hypervisor for others.
  package var steal: Int
  /// Spent by this process and those of its children that have ended.
  package var own: Int

  /// Ticks of a second, as `/proc` counts them everywhere.
  package static let ticksPerSecond = 100.0

  package init(busy: Int, steal: Int, own: Int) {
    self.busy = busy
    self.steal = steal
    self.own = own
  }

  /// Reads the texts of `/proc/stat` and `/proc/self/stat`; nil where they look otherwise.
  package init?(stat: String, own: String) {
    guard let line = stat.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
    let numbers = line.split(separator: " ").dropFirst().compactMap { Int($0) }
    guard numbers.count >= 8 else { return nil }
    // user, nice and system; interrupts belong to whom they serve. Guests are in user already.
    busy = numbers[0] + numbers[1] + numbers[2]
    steal = numbers[7]
    // The name may hold anything, so fields are counted from behind it: the state is the third one.
    guard let end = own.lastIndex(of: ")") else { return nil }
    let fields = own[own.index(after: end)...].split(separator: " ")
    guard fields.count > 14 else { return nil }
    self.own = fields[11...14].compactMap { Int($0) }.reduce(0, +)
  }

  /// What is booked now; nil where the system does not tell.
  static func now() -> MachineLoad? {
    guard let stat = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
      let own = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)
    else { return nil }
    return MachineLoad(stat: stat, own: own)
  }

  /// Shares of one core that others and the hypervisor took since `before`.
  ///
  /// Ticks are coarse and booked at different moments, so two of them are no evidence.
  package func shares(
    since before: MachineLoad, seconds: Double
  ) -> (others: Double, steal: Double) {
    let elapsed = max(seconds, 1e-3) * Self.ticksPerSecond
    let others = busy - before.busy - (own - before.own) - 2
    return (Double(max(0, others)) / elapsed, Double(max(0, steal - before.steal - 1)) / elapsed)
  }
}

/// A fixed piece of integer arithmetic, to see how fast a core is just now.
enum FrequencyProbe {
  /// Nanoseconds of the fastest of three pieces, about 15 ms each.
  static func run() -> Double {
    var state: UInt64 = 1
    let times = (0..<3).map { _ in
      let start = monotonicNanoseconds()
      for _ in 0..<12_000_000 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      }
      return Double(monotonicNanoseconds() - start)
    }
    // The chain's end is used, or the loops would be left out.
    return state == 0 ? 0 : times.min() ?? 0
  }
}
