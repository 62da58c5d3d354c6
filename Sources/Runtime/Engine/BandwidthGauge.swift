import Compute
import Inference

/// Measures how fast this machine reads memory: the ceiling that generation is held against.
///
/// The weights themselves are read, in slices of a millisecond, and only while no job waits. The best figure of this
/// and earlier runs counts, so that a busy moment does not lower it for good.
package struct BandwidthGauge {
  private static let sliceBytes = 32 << 20
  private static let slices = 40
  /// Slices that are timed together, so that what the processor's caches still hold weighs little.
  private static let windowSlices = 4
  /// Slices that are added after an answer, in case the machine was busy before.
  private static let renewedSlices = 8
  /// Less would measure the processor's caches.
  private static let leastBytes = 80 << 20

  /// Bytes per second; nil until measured on this processor with this many threads.
  package private(set) var ceiling: Double?
  private let file: String?
  private let key: String
  private var slicesLeft = slices
  /// What the file holds.
  private var savedCeiling: Double?
  private var offset = 0
  /// Nanoseconds of the window's slices so far.
  private var windowTime: UInt64 = 0

  package init(file: String?, threads: Int) {
    self.file = file
    key = "\(threads) threads, \(ProcessMemory.processorName)"
    ceiling = file.flatMap { Self.entries(of: $0)[key] }
    savedCeiling = ceiling
  }

  /// Allows a little more measuring.
  package mutating func renew() { slicesLeft = max(slicesLeft, Self.renewedSlices) }

  /// Reads on from where the last call ended, until the figure stands or `isIdle` says otherwise.
  package mutating func measure(
    _ weights: MappedFile, on pool: WorkerPool, kernels: Kernels, while isIdle: () -> Bool
  ) {
    guard slicesLeft > 0, weights.byteCount >= Self.leastBytes else { return }
    while slicesLeft > 0, isIdle() {
      if offset + Self.sliceBytes > weights.byteCount { offset = 0 }
      let start = monotonicNanoseconds()
      let begin = offset
      pool.run { worker in
        let share = worker.share(of: Self.sliceBytes, multipleOf: 4096)
        kernels.stream(weights, begin + share.lowerBound..<begin + share.upperBound)
      }
      windowTime += max(1, monotonicNanoseconds() - start)
      offset += Self.sliceBytes
      slicesLeft -= 1
      if slicesLeft % Self.windowSlices == 0 {
        let bytes = Double(Self.sliceBytes * Self.windowSlices)
        ceiling = max(ceiling ?? 0, bytes * 1e9 / Double(windowTime))
        windowTime = 0
      }
    }
    if slicesLeft == 0 { save() }
  }

  private mutating func save() {
    guard let file, let ceiling, ceiling > 1.01 * (savedCeiling ?? 0) else { return }
    savedCeiling = ceiling
    var entries = Self.entries(of: file)
    entries[key] = ceiling
    let text = entries.sorted { $0.key < $1.key }
      .map { "\(Int($0.value))\t\($0.key)\n" }.joined()
    // The figure is a convenience: where it cannot be kept, it is measured again.
    try? SystemFile.replace(file, with: Array(text.utf8))
  }

  /// The file's lines: bytes per second, a tab, and what they were measured on.
  private static func entries(of file: String) -> [String: Double] {
    guard let bytes = try? SystemFile.contents(of: file, limit: 1 << 16) else { return [:] }
    var entries: [String: Double] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: "\t", maxSplits: 1)
      guard fields.count == 2, let value = Double(fields[0]), value > 0, value.isFinite else {
        continue
      }
      entries[String(fields[1])] = value
    }
    return entries
  }
}
