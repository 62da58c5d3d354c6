import Compute
import Inference

/// Reads a mapped file with all workers, so that its pages are in memory before they are needed.
struct PageReader {
  private static let pieceBytes = 32 << 20

  let file: MappedFile
  let kernels: Kernels
  let pool: WorkerPool

  /// Reads a range once, every worker its share.
  func read(_ range: Range<Int>) {
    pool.run { worker in
      let share = worker.share(of: range.count, multipleOf: 4096)
      kernels.stream(
        file, range.lowerBound + share.lowerBound..<range.lowerBound + share.upperBound)
    }
  }

  /// Reads the whole file with progress, unless it would not stay in memory anyway.
  ///
  /// - Throws: `cancelled`.
  func readAll(
    cancellation: CancellationFlag, progress: (Double) -> Void
  ) throws(InferenceError) {
    guard file.byteCount < ProcessMemory.availableBytes else { return }
    file.willNeed(0..<file.byteCount)
    var told = monotonicNanoseconds()
    for start in stride(from: 0, to: file.byteCount, by: Self.pieceBytes) {
      guard !cancellation.isRaised else {
        throw InferenceError(.cancelled, "loading was cancelled")
      }
      let end = min(start + Self.pieceBytes, file.byteCount)
      read(start..<end)
      let now = monotonicNanoseconds()
      if now - told > 50_000_000 {
        told = now
        progress(Double(end) / Double(file.byteCount))
      }
    }
  }
}
