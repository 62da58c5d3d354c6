import CTerminal
import Glibc

/// Bytes on their way to the terminal, which may take them late or never.
///
/// Writes never block: the descriptor is our own and non-blocking, and what does not fit waits.
struct ScreenOutput {
  private let descriptor: Int32
  private var queue: [UInt8] = []
  private(set) var isBroken = false

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  var isEmpty: Bool { queue.isEmpty }

  mutating func append(_ bytes: some Sequence<UInt8>) {
    queue.append(contentsOf: bytes)
  }

  /// Writes what the terminal takes now.
  mutating func flush() {
    var written = 0
    while written < queue.count, !isBroken {
      // Sound: the pointer is used within the closure and within the array's bounds.
      let result = unsafe queue.withUnsafeBytes {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: $0[written...])
        return unsafe write(descriptor, rest.baseAddress, rest.count)
      }
      if result > 0 {
        written += result
      } else if errno == EINTR {
        continue
      } else if errno == EAGAIN {
        break
      } else {
        isBroken = true
      }
    }
    queue.removeSubrange(..<min(written, queue.count))
    if isBroken { queue = [] }
    ct_set_partial(queue.isEmpty ? 0 : 1)
  }

  /// Writes everything, waiting at most `milliseconds`; what is left then is thrown away.
  mutating func drain(milliseconds: Int32) {
    let end = ContinuousClock.now + .milliseconds(Int(milliseconds))
    flush()
    while !queue.isEmpty, !isBroken {
      let left = end - .now
      guard left > .zero else { break }
      var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      unsafe poll(&wait, 1, Int32(left / .milliseconds(1)) + 1)
      flush()
    }
    if !queue.isEmpty {
      cancel()
      flush()
      queue = []
    }
  }

  /// Throws away what the terminal has not taken yet.
  mutating func cancel() {
    // A sequence cut in half is cancelled, so that what follows is not read as its rest.
    if !queue.isEmpty { queue = [0x18, 0x1B, 0x5C] }
  }
}

/// A file in memory that a C library writes into instead of the terminal.
struct MemoryFile {
  let descriptor: Int32

  init?(name: String) {
    descriptor = unsafe ct_memory_file(name)
    if descriptor < 0 { return nil }
  }

  /// The bytes written since the last call.
  func take() -> [UInt8] {
    let size = Int(lseek(descriptor, 0, SEEK_CUR))
    guard size > 0 else { return [] }
    // Sound: the buffer has `size` bytes and only those that were read are kept.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      unsafe count = max(0, pread(descriptor, buffer.baseAddress, size, 0))
    }
    ftruncate(descriptor, 0)
    lseek(descriptor, 0, SEEK_SET)
    return bytes
  }
}
