import Compute
import Foundation
import Runtime

extension BenchReport.Machine {
  /// What Linux tells of this machine.
  static func current() -> BenchReport.Machine {
    let wanted: Set<String> = [
      "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
      "avx512_bf16", "gfni", "amx_int8", "asimd", "asimddp", "i8mm",
    ]
    let flags = text("/proc/cpuinfo").split(separator: "\n").first {
      $0.hasPrefix("flags") || $0.hasPrefix("Features")
    }
    let words = (flags ?? "").split(whereSeparator: { " :\t".contains($0) }).map(String.init)
    let memory = text("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
    let kibibytes = memory?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return BenchReport.Machine(
      processor: ProcessMemory.processorName, cores: WorkerPool.availableProcessors,
      features: words.filter(wanted.contains),
      kernel: "Linux " + oneLine("/proc/sys/kernel/osrelease"),
      memory: formatBytes(kibibytes * 1024),
      hugePages: oneLine("/sys/kernel/mm/transparent_hugepage/enabled"))
  }

  private static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }

  private static func oneLine(_ path: String) -> String {
    text(path).split(separator: "\n").first.map(String.init) ?? "unknown"
  }
}
