import CSystem
import Glibc

/// A file that is read past the page cache, so that reading takes no memory but the reader's own.
///
/// Where the file system refuses that, reads go through the cache, and what they left there is given up at once.
@safe package final class DirectFile: Sendable {
  /// Offsets, lengths and memory of a read are multiples of it.
  package static let alignment = 4096

  package let path: String
  package let byteCount: Int
  /// Whether the page cache is passed by.
  package let bypassesCache: Bool
  private let descriptor: Int32

  /// - Throws: `MappingError`, naming the system call that failed and why.
  package init(path: String) throws(MappingError) {
    self.path = path
    let direct = unsafe cs_open_direct(path)
    let opened: Int32
    if direct >= 0, DirectFile.canRead(direct) {
      opened = direct
    } else {
      if direct >= 0 { close(direct) }
      opened = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    }
    guard opened >= 0 else { throw MappingError(path: path, operation: "open", code: errno) }
    bypassesCache = opened == direct
    descriptor = opened
    var status = stat()
    guard unsafe fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      throw MappingError(path: path, operation: "open", code: EISDIR, note: "not a regular file")
    }
    byteCount = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Some file systems open a file so, but refuse to read it.
  private static func canRead(_ descriptor: Int32) -> Bool {
    let page = Storage<UInt8>(count: 1 << 16)
    return unsafe pread(descriptor, page.base, alignment, 0) >= 0
  }

  /// Reads a range into `bytes` from `offset` on.
  ///
  /// - Parameters:
  ///   - range: its ends are multiples of `alignment`; it may pass the end of the file.
  ///   - needed: where the bytes that the caller needs end.
  /// - Throws: `MappingError`; where the file ends too early, with a note that says where.
  package func read(
    _ range: Range<Int>, needed: Int, into bytes: Storage<UInt8>, at offset: Int
  ) throws(MappingError) {
    precondition(range.lowerBound % Self.alignment == 0 && range.count % Self.alignment == 0)
    precondition(offset % Self.alignment == 0 && offset >= 0 && offset + range.count <= bytes.count)
    precondition(unsafe Int(bitPattern: bytes.base) % Self.alignment == 0)
    var place = range.lowerBound
    while place < range.upperBound {
      let target = unsafe bytes.base + offset + (place - range.lowerBound)
      let count = unsafe pread(descriptor, target, range.upperBound - place, off_t(place))
      if count < 0 {
        if errno == EINTR { continue }
        throw MappingError(path: path, operation: "read", code: errno)
      }
      place += count
      // Only the end of the file leaves a read short by less than a block.
      if count == 0 || count % Self.alignment != 0 { break }
    }
    if !bypassesCache {
      posix_fadvise(
        descriptor, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_DONTNEED)
    }
    guard place >= needed else {
      throw MappingError(
        path: path, operation: "read", code: EIO,
        note: "the file ends at byte \(place), but \(needed) bytes are needed: it was cut off")
    }
  }
}
