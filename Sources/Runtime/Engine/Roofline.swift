import Compute
import Inference

/// Measures the roofs that a forward pass is held against: how fast this machine reads memory and multiplies bytes.
///
/// The weights themselves are read, and integers multiplied in registers, in slices of about half a millisecond, and
/// only while no job waits: a burst of about a tenth of a second after the start, and a fifth of that after each answer.
/// A few slices make a window. A roof is the 90th percentile of this run's latest windows: neither a busy moment
/// lowers it nor can a figure stay that the machine, or another of the same name, no longer reaches. What the run
/// before found stands in only until this run has some windows of its own. A matrix that stays in the processor's
/// caches may be read faster than memory.
package struct Roofline {
  private static let readSlice = 8 << 20
  /// Slices of a window: long enough to outweigh what the caches still hold, short enough for some windows to pass
  /// between two interruptions.
  private static let slicesOfReading = 4
  private static let slicesOfArithmetic = 2
  /// Windows of each kind measured after the start, and after each answer.
  private static let firstWindows = 40
  private static let renewedWindows = 8
  /// Slices found on the disk only, after which a call reads no more.
  private static let mostMisses = 4
  /// What is read, again and again: less would measure the processor's caches.
  package static let leastBytes = 80 << 20
  package static let mostBytes = 512 << 20
  /// A shorter slice of arithmetic would measure the start of the threads, a longer one keep a job waiting.
  private static let sliceNanoseconds: ClosedRange<UInt64> = 250_000...750_000

  private let file: String?
  private let key: String
  private let kernels: Kernels
  private var saved: Roofs
  private var reading = RecentRates(slices: slicesOfReading)
  private var arithmetic = RecentRates(slices: slicesOfArithmetic)
  private var readingLeft = firstWindows
  private var arithmeticLeft = firstWindows
  private var offset = 0
  /// Steps of a slice of arithmetic, on each thread.
  private var steps = 1 << 10

  /// - Parameter file: where the figures are kept between runs; nil keeps them nowhere.
  package init(file: String?, threads: Int, kernels: Kernels) {
    self.file = file
    self.kernels = kernels
    let key = "\(threads) threads, \(kernels.name), \(ProcessMemory.processorName)"
    self.key = key
    saved = file.flatMap { Self.entries(of: $0)[key] } ?? Roofs()
  }

  package var roofs: Roofs {
    Roofs(
      bytesPerSecond: reading.roof ?? saved.bytesPerSecond,
      operationsPerSecond: arithmetic.roof ?? saved.operationsPerSecond)
  }

  /// Allows a little more measuring.
  package mutating func renew() {
    readingLeft = max(readingLeft, Self.renewedWindows)
    arithmeticLeft = max(arithmeticLeft, Self.renewedWindows)
  }

  /// Goes on from where the last call ended, until all allowed windows are full or `isIdle` says otherwise.
  ///
  /// - Parameter weights: what is read; without it, or where it is small, only arithmetic is measured.
  package mutating func measure(
    _ weights: MappedFile?, on pool: WorkerPool, while isIdle: () -> Bool
  ) {
    let weights = weights.flatMap { $0.byteCount >= Self.leastBytes ? $0 : nil }
    var misses = weights == nil ? Self.mostMisses : 0
    func reads() -> Bool { readingLeft > 0 && misses < Self.mostMisses }
    guard reads() || arithmeticLeft > 0 else { return }
    while reads() || arithmeticLeft > 0 {
      guard isIdle() else { return }
      if let weights, reads(), readingLeft >= arithmeticLeft || arithmeticLeft == 0 {
        if !readSlice(of: weights, on: pool) { misses += 1 }
      } else {
        multiplySlice(on: pool)
      }
    }
    save()
  }

  /// Times one slice; answers whether it was in memory.
  private mutating func readSlice(of weights: MappedFile, on pool: WorkerPool) -> Bool {
    if offset + Self.readSlice > min(weights.byteCount, Self.mostBytes) { offset = 0 }
    let slice = offset..<offset + Self.readSlice
    offset += Self.readSlice
    // To wait for the disk would measure the wrong thing, and keep a job waiting.
    guard weights.isResident(slice) else {
      weights.prefetch(slice)
      reading.dropWindow()
      return false
    }
    weights.populate(slice)
    let time = Self.time {
      pool.run { worker in
        let share = worker.share(of: slice.count, multipleOf: 4096)
        kernels.stream(
          weights, slice.lowerBound + share.lowerBound..<slice.lowerBound + share.upperBound)
      }
    }
    if reading.add(Double(slice.count), nanoseconds: time) { readingLeft -= 1 }
    return true
  }

  private mutating func multiplySlice(on pool: WorkerPool) {
    let steps = steps
    var workers = 1
    let time = Self.time {
      pool.run { worker in
        kernels.multiplyIntegers(steps: steps)
        if worker.index == 0 { workers = worker.count }
      }
    }
    if time < Self.sliceNanoseconds.lowerBound {
      // Overflow would take a processor that does 2^62 steps in a quarter of a millisecond.
      self.steps *= 2
      return
    }
    if time > Self.sliceNanoseconds.upperBound { self.steps = max(1, steps / 2) }
    let operations = 2.0 * Double(steps * kernels.integerProductsPerStep) * Double(workers)
    if arithmetic.add(operations, nanoseconds: time) { arithmeticLeft -= 1 }
  }

  private static func time(_ body: () -> Void) -> UInt64 {
    let start = monotonicNanoseconds()
    body()
    return max(1, monotonicNanoseconds() - start)
  }

  // MARK: The file

  private mutating func save() {
    let roofs = roofs
    guard let file, roofs != saved else { return }
    saved = roofs
    var entries = Self.entries(of: file)
    entries[key] = roofs
    let text = entries.sorted { $0.key < $1.key }.map { key, roofs in
      "\(Int(roofs.bytesPerSecond ?? 0))\t\(Int(roofs.operationsPerSecond ?? 0))\t\(key)\n"
    }.joined()
    // The figures are a convenience: where they cannot be kept, they are measured again.
    if let slash = file.lastIndex(of: "/") { try? SystemFile.makeFolder(String(file[..<slash])) }
    try? SystemFile.replace(file, with: Array(text.utf8))
  }

  /// The file's lines: bytes and operations per second (0 for not known) and what they were measured on.
  ///
  /// Other lines are passed over.
  private static func entries(of file: String) -> [String: Roofs] {
    guard let bytes = try? SystemFile.contents(of: file, limit: 1 << 16) else { return [:] }
    var entries: [String: Roofs] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: "\t", maxSplits: 2)
      guard fields.count == 3, let read = rate(fields[0]), let multiplied = rate(fields[1]) else {
        continue
      }
      entries[String(fields[2])] = Roofs(
        bytesPerSecond: read > 0 ? read : nil,
        operationsPerSecond: multiplied > 0 ? multiplied : nil)
    }
    return entries
  }

  /// A rate that a machine may have, so that it can be written again.
  private static func rate(_ text: Substring) -> Double? {
    Double(text).flatMap { $0 >= 0 && $0 < 1e18 ? $0 : nil }
  }
}

/// The latest windows of one figure, each the rate over some slices of measuring.
struct RecentRates {
  private static let kept = 120
  /// Windows without which there is no roof yet.
  private static let least = 8
  private let slices: Int
  private var rates: [Double] = []
  private var amount = 0.0
  private var time: UInt64 = 0
  private var count = 0

  /// - Parameter slices: slices of a window.
  init(slices: Int) { self.slices = slices }

  /// Adds a slice; answers whether it filled a window.
  mutating func add(_ amount: Double, nanoseconds: UInt64) -> Bool {
    self.amount += amount
    time += nanoseconds
    count += 1
    guard count == slices else { return false }
    rates.append(self.amount * 1e9 / Double(time))
    if rates.count > Self.kept { rates.removeFirst() }
    dropWindow()
    return true
  }

  /// Forgets the slices of the window under way.
  mutating func dropWindow() {
    amount = 0
    time = 0
    count = 0
  }

  /// The 90th percentile of the latest windows.
  var roof: Double? {
    guard rates.count >= Self.least else { return nil }
    return rates.sorted()[((rates.count - 1) * 9 + 9) / 10]
  }
}
