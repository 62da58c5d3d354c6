import Foundation

/// Processor time that Linux has booked, in seconds.
enum ProcessorTime {
  private static let ticksPerSecond = 100.0

  /// Of all programs and the kernel, and what the hypervisor took.
  static func machine() -> Double {
    guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else { return 0 }
    let numbers = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap {
      Double($0)
    }
    guard numbers.count >= 8 else { return 0 }
    return (numbers[0] + numbers[1] + numbers[2] + numbers[7]) / ticksPerSecond
  }

  /// Of one process.
  static func process(_ identifier: Int32) -> Double {
    guard let text = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return 0 }
    // The name may hold anything, so fields are counted from behind it: the state is the third one.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12 else { return 0 }
    return fields[11...12].compactMap { Double($0) }.reduce(0, +) / ticksPerSecond
  }
}
