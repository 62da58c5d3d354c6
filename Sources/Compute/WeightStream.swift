import Glibc
import Synchronization

/// Parts of a file read in the same order again and again, by a thread of its own and two parts ahead.
///
/// One thread takes the parts: `begin`, then for each part `next` until it is there, and `release` once it is done
/// with. Between two passes the first parts of the next one are fetched already.
package final class WeightStream: Sendable {
  private let reader: StreamReader

  /// - Parameters:
  ///   - parts: not empty.
  ///   - bytesPerSecond: what it reads at most, to stand for a slower disk; nil for no limit.
  package init(file: DirectFile, parts: [StreamedPart], bytesPerSecond: Int? = nil) {
    precondition(!parts.isEmpty)
    let reader = StreamReader(file: file, parts: parts, bytesPerSecond: bytesPerSecond)
    self.reader = reader
    ComputeThread.start(name: "paceline-read") { reader.run() }
  }

  deinit { reader.stop() }

  /// Bytes of the two buffers.
  package var bufferByteCount: Int { reader.buffers.reduce(0) { $0 + $1.byteCount } }

  /// Bytes read so far.
  package var bytesRead: Int { reader.bytesRead.load(ordering: .relaxed) }

  /// Bytes a second, of what was read lately; nil before the first part.
  package var rate: Double? { reader.state.withLock { $0.rate } }

  /// Begins a pass over the first `count` parts.
  package func begin(count: Int) {
    reader.begin(count: count)
  }

  /// The buffer that holds the next part; nil while it is on its way.
  ///
  /// - Throws: why it could not be read; every later call throws the same.
  package func next() throws(MappingError) -> Storage<UInt8>? { try reader.next() }

  /// Nanoseconds until the next part is probably there.
  package var expectedWait: UInt64 { reader.expectedWait }

  /// Gives back the part that `next` gave.
  package func release() { reader.release() }

  /// Ends a pass before its end; the next one begins with the first part all the same.
  package func abandon() { reader.abandon() }
}

/// The reading thread and what it shares with the thread that takes the parts.
@safe private final class StreamReader: @unchecked Sendable {
  // Sound to share: a buffer is written only by the reading thread while its number is not in `ready`, and read only
  // while it is; both happen under the lock. All else is immutable or atomic.
  struct State {
    /// The numbers that the parts of the pass at hand begin with, and how many there are.
    ///
    /// Numbers go on and on; those behind the pass are the first parts of the next one.
    var first = 0
    var count = 0
    /// The first number that is not done with.
    var consumed = 0
    /// The number that is being read, or is to be read next.
    var filling = 0
    /// Which number each buffer holds.
    var ready = [-1, -1]
    var error: MappingError?
    var rate: Double?
    var isStopping = false
  }

  let file: DirectFile
  let parts: [StreamedPart]
  let buffers: [Storage<UInt8>]
  let state = Mutex(State())
  let bytesRead = Atomic<Int>(0)
  /// Bytes of the part at hand that are still to be read.
  private let remaining = Atomic<Int>(0)
  private let work = Gate()
  private let bytesPerSecond: Double?
  /// Bytes of a run, short enough that a limit acts evenly.
  private let runLength: Int

  init(file: DirectFile, parts: [StreamedPart], bytesPerSecond: Int?) {
    self.file = file
    self.parts = parts
    self.bytesPerSecond = bytesPerSecond.map { Double(max(1, $0)) }
    let block = DirectFile.alignment
    runLength = bytesPerSecond.map { max(block, min($0 / 200 / block * block, 4 << 20)) } ?? 4 << 20
    let size = parts.reduce(0) { max($0, $1.byteCount) }
    buffers = (0..<2).map { _ in StreamedPart.buffer(byteCount: size) }
    state.withLock { $0.count = parts.count }
  }

  /// The part of a number.
  private func part(_ number: Int, _ state: State) -> Int {
    let index = number - state.first
    return index < state.count ? index : (index - state.count) % parts.count
  }

  func begin(count: Int) {
    precondition(count > 0 && count <= parts.count)
    // What was fetched ahead took the pass to go on to the second part.
    if count == 1, parts.count > 1 { abandon() }
    state.withLock { state in
      state.first = state.consumed
      state.count = count
    }
    work.open()
  }

  func next() throws(MappingError) -> Storage<UInt8>? {
    let (number, error) = state.withLock { state in
      (state.ready.contains(state.consumed) ? state.consumed : nil, state.error)
    }
    if let number { return buffers[number & 1] }
    if let error { throw error }
    return nil
  }

  func release() {
    state.withLock { $0.consumed += 1 }
    work.open()
  }

  func abandon() {
    state.withLock { state in
      // The part that is perhaps being read is let go, too.
      state.consumed = max(state.consumed, state.filling + 1)
      state.first = state.consumed
      state.count = parts.count
    }
    work.open()
  }

  func stop() {
    state.withLock { $0.isStopping = true }
    work.open()
  }

  var expectedWait: UInt64 {
    guard let rate = state.withLock({ $0.rate }), rate > 0 else { return 0 }
    return UInt64(max(0, Double(remaining.load(ordering: .relaxed)) / rate * 1e9))
  }

  // MARK: The reading thread

  func run() {
    while true {
      let seen = work.current
      let (number, index, isStopping) = state.withLock { state -> (Int?, Int, Bool) in
        if state.filling < state.consumed { state.filling = state.consumed }
        guard state.error == nil, state.filling < state.consumed + 2 else {
          return (nil, 0, state.isStopping)
        }
        state.ready[state.filling & 1] = -1
        return (state.filling, part(state.filling, state), state.isStopping)
      }
      if isStopping { return }
      guard let number else {
        work.wait(past: seen, spins: 0)
        continue
      }
      fill(buffers[number & 1], with: parts[index], number: number)
    }
  }

  private func fill(_ buffer: Storage<UInt8>, with part: StreamedPart, number: Int) {
    let start = now()
    var allowed = start
    remaining.store(part.byteCount, ordering: .relaxed)
    var failure: MappingError?
    do throws(MappingError) {
      try part.read(from: file, into: buffer, run: runLength) { count in
        bytesRead.add(count, ordering: .relaxed)
        remaining.subtract(count, ordering: .relaxed)
        if let bytesPerSecond {
          allowed += UInt64(Double(count) / bytesPerSecond * 1e9)
          sleep(until: allowed)
        }
        return !state.withLock { $0.isStopping || $0.consumed > number }
      }
    } catch {
      failure = error
    }
    let rate = Double(part.byteCount) / Double(max(1, now() - start)) * 1e9
    state.withLock { state in
      if let failure {
        state.error = failure
      } else if state.consumed <= number {
        state.ready[number & 1] = number
        state.rate = state.rate.map { $0 + 0.2 * (rate - $0) } ?? rate
      }
      state.filling = max(state.filling, number + 1)
    }
  }

  private func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  private func sleep(until time: UInt64) {
    let left = Int64(bitPattern: time &- now())
    guard left > 0 else { return }
    var pause = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
    unsafe nanosleep(&pause, nil)
  }
}
