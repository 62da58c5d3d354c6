import Glibc
import Inference

/// An open file of the operating system, closed with the object.
package final class SystemFile: Sendable {
  package enum Mode: Sendable {
    case read
    /// Writing at the end; the file must be there.
    case append
    /// Writing at the end of a file that must not be there yet; only its owner may read it.
    case create
  }

  package let path: String
  private let descriptor: Int32

  /// - Throws: `environment`, naming the call and the path.
  package init(_ path: String, _ mode: Mode) throws(InferenceError) {
    let flags =
      switch mode {
      case .read: O_RDONLY
      case .append: O_RDWR | O_APPEND
      case .create: O_RDWR | O_APPEND | O_CREAT | O_EXCL
      }
    descriptor = unsafe open(path, flags | O_CLOEXEC | O_NOCTTY, 0o600)
    self.path = path
    guard descriptor >= 0 else { throw .system("open", path) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  package var byteCount: Int { status.map { Int($0.st_size) } ?? 0 }

  /// What tells this version of the file from others: size, inode and time of the last change.
  package var version: String {
    guard let status else { return "" }
    return
      "\(status.st_size)-\(status.st_ino)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
  }

  /// Seconds since 1970.
  package var modified: Double {
    guard let time = status?.st_mtim else { return 0 }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private var status: stat? {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 ? status : nil
  }

  /// At most `count` bytes from `offset` on; fewer only at the end of the file.
  package func read(at offset: Int, count: Int) throws(InferenceError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = unsafe bytes.withUnsafeMutableBytes { memory in
        unsafe pread(
          descriptor, memory.baseAddress.map { unsafe $0 + done }, count - done, offset + done)
      }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw .system("read", path) }
      if got == 0 { break }
      done += got
    }
    bytes.removeLast(count - done)
    return bytes
  }

  /// Writes all bytes at the end, or leaves the file as it was.
  package func append(_ bytes: [UInt8]) throws(InferenceError) {
    let before = byteCount
    var done = 0
    while done < bytes.count {
      let put = unsafe bytes.withUnsafeBytes { memory in
        unsafe write(descriptor, memory.baseAddress.map { unsafe $0 + done }, bytes.count - done)
      }
      if put < 0 && errno == EINTR { continue }
      guard put > 0 else {
        let error = InferenceError.system("write to", path)
        ftruncate(descriptor, before)
        throw error
      }
      done += put
    }
  }

  /// Returns once what was written is on the disk.
  package func sync() throws(InferenceError) {
    guard fdatasync(descriptor) == 0 else { throw .system("sync", path) }
  }

  /// Takes the file for this object alone; the lock ends with it.
  ///
  /// - Returns: false where someone else has it. A file system that knows no locks counts as nobody.
  package func lock() -> Bool {
    flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
  }

  // MARK: Whole files and folders

  /// The bytes of a small file.
  ///
  /// - Throws: `environment` where it cannot be read or holds more than `limit` bytes.
  package static func contents(of path: String, limit: Int) throws(InferenceError) -> [UInt8] {
    let file = try SystemFile(path, .read)
    var bytes: [UInt8] = []
    while true {
      let piece = try file.read(at: bytes.count, count: min(1 << 16, limit + 1 - bytes.count))
      if piece.isEmpty { return bytes }
      bytes += piece
      guard bytes.count <= limit else {
        throw InferenceError(.environment, "\(path) is longer than \(limit) bytes")
      }
    }
  }

  /// Removes a file; one that is not there, or cannot be removed, is left as it is.
  package static func remove(_ path: String) { _ = unsafe unlink(path) }

  package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// Puts a small file in the place of an older one, in one step.
  package static func replace(_ path: String, with bytes: [UInt8]) throws(InferenceError) {
    let temporary = "\(path).\(getpid()).tmp"
    unsafe unlink(temporary)
    try SystemFile(temporary, .create).append(bytes)
    guard unsafe rename(temporary, path) == 0 else {
      let error = InferenceError.system("replace", path)
      unsafe unlink(temporary)
      throw error
    }
  }

  /// Makes a folder that only its owner may enter, and the folders above it.
  package static func makeFolder(_ path: String) throws(InferenceError) {
    if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw .system("make the folder", path)
    }
    try makeFolder(String(path[..<slash]))
    guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw .system("make the folder", path)
    }
  }
}

extension InferenceError {
  /// The last failure of a system call.
  static func system(_ action: String, _ path: String) -> InferenceError {
    let reason = unsafe String(cString: strerror(errno))
    return InferenceError(.environment, "cannot \(action) \(path): \(reason)")
  }
}
