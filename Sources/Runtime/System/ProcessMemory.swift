import Glibc

/// Figures of this process and machine that Linux keeps in text files.
package enum ProcessMemory {
  /// Physical memory that this process uses; 0 where the system does not tell.
  package static var residentBytes: Int {
    let fields = text("/proc/self/statm").split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
    return pages * Int(getpagesize())
  }

  /// Memory that could be had without swapping; no limit where the system does not tell.
  package static var availableBytes: Int {
    field("MemAvailable", in: "/proc/meminfo")
      .flatMap { $0.split(separator: " ").first.flatMap { Int($0) } }
      .map { $0 * 1024 } ?? .max
  }

  package static var processorName: String {
    field("model name", in: "/proc/cpuinfo").map(String.init) ?? "unknown processor"
  }

  private static func field(_ name: String, in file: String) -> Substring? {
    for line in text(file).split(separator: "\n") where line.hasPrefix(name) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      return line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
    }
    return nil
  }

  private static func text(_ file: String) -> String {
    guard let bytes = try? SystemFile.contents(of: file, limit: 1 << 20) else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }
}
