import CSystem
import Glibc

/// The time that one thread was ready to run but had no processor, as the kernel accounts for it.
///
/// Owned and read by that thread. Where the kernel does not tell, it stays 0.
struct SchedulerDelay: ~Copyable {
  private let file: Int32
  private var last: UInt64 = 0

  /// For the calling thread.
  init() {
    file = unsafe open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
    _ = take()
  }

  deinit { if file >= 0 { close(file) } }

  /// Nanoseconds since the last call.
  mutating func take() -> UInt64 {
    guard file >= 0, let total = read() else { return 0 }
    defer { last = total }
    return total >= last ? total - last : 0
  }

  /// The second number of the file's line.
  private func read() -> UInt64? {
    var line = InlineArray<64, UInt8>(repeating: 0)
    var span = line.mutableSpan
    let count = unsafe span.withUnsafeMutableBytes {
      unsafe pread(file, $0.baseAddress, $0.count, 0)
    }
    var field = 0
    var value: UInt64 = 0
    for index in 0..<max(0, min(count, 64)) {
      let byte = line[index]
      if byte == 0x20 || byte == 0x0A {
        if field == 1 { return value }
        field += 1
      } else if field == 1, byte >= 0x30, byte <= 0x39 {
        value = value &* 10 &+ UInt64(byte - 0x30)
      }
    }
    return nil
  }
}

/// The delay of whichever thread asks; what a thread waited before it asked for the first time does not count.
struct CallersDelay: ~Copyable {
  private var thread: Int32 = 0
  private var delay: SchedulerDelay?

  init() {}

  mutating func take() -> UInt64 {
    let caller = cs_thread_id()
    if thread != caller {
      thread = caller
      delay = SchedulerDelay()
    }
    return delay?.take() ?? 0
  }
}
