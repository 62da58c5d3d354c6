import Glibc

/// A file mapped read-only into memory for as long as the object lives.
@safe package final class MappedFile: @unchecked Sendable {
  // Sound to share: the mapping is read-only and never changes after init.
  package let path: String
  package let byteCount: Int
  let base: UnsafeRawPointer

  /// Maps the whole file.
  ///
  /// - Throws: `MappingError`, naming the system call that failed and why. An empty file maps to no bytes.
  package init(path: String) throws(MappingError) {
    self.path = path
    // Opening a named pipe would otherwise wait for its writer.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw MappingError(path: path, operation: "open", code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw MappingError(path: path, operation: "stat", code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw MappingError(path: path, operation: "open", code: EISDIR, note: "not a regular file")
    }
    byteCount = Int(status.st_size)
    if byteCount == 0 {
      unsafe base = UnsafeRawPointer(UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 64))
      return
    }
    guard let memory = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0),
      unsafe memory != MAP_FAILED
    else { throw MappingError(path: path, operation: "map", code: errno) }
    unsafe base = UnsafeRawPointer(memory)
  }

  deinit {
    if byteCount == 0 {
      unsafe base.deallocate()
    } else {
      unsafe munmap(UnsafeMutableRawPointer(mutating: base), byteCount)
    }
  }

  /// Calls `body` with a bounds-checked view of all bytes.
  package func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe RawSpan(_unsafeStart: base, byteCount: byteCount))
  }

  /// Whether a range can be read without waiting for the disk; true where the system does not tell.
  package func isResident(_ range: Range<Int>) -> Bool {
    let page = 4096
    let start = max(0, range.lowerBound) / page * page
    guard start < min(range.upperBound, byteCount) else { return true }
    let length = min(range.upperBound, byteCount) - start
    var pages = [UInt8](repeating: 1, count: (length + page - 1) / page)
    let memory = unsafe UnsafeMutableRawPointer(mutating: base + start)
    guard unsafe mincore(memory, length, &pages) == 0 else { return true }
    return pages.allSatisfy { $0 & 1 == 1 }
  }

  /// Whether a page of every `step` bytes of a range is in memory: to look at all of them takes as long as mapping them.
  package func isResident(_ range: Range<Int>, sampledEvery step: Int) -> Bool {
    stride(from: range.lowerBound, to: range.upperBound, by: max(step, 1)).allSatisfy {
      isResident($0..<$0 + 1)
    }
  }

  /// Asks the system to read a range from the disk soon; does not wait for it.
  package func prefetch(_ range: Range<Int>) {
    let start = max(0, range.lowerBound) / 4096 * 4096
    guard start < min(range.upperBound, byteCount) else { return }
    let memory = unsafe UnsafeMutableRawPointer(mutating: base + start)
    unsafe madvise(memory, min(range.upperBound, byteCount) - start, MADV_WILLNEED)
  }

  /// Reads a range from the disk where it is not in memory yet, and maps its pages; returns once that is done.
  package func populate(_ range: Range<Int>) {
    let page = 4096
    let start = max(0, range.lowerBound) / page * page
    guard start < min(range.upperBound, byteCount) else { return }
    let length = min(range.upperBound, byteCount) - start
    let memory = unsafe UnsafeMutableRawPointer(mutating: base + start)
    // MADV_POPULATE_READ, which the C library's header may not know yet; kernels before 5.14 refuse it.
    let populateRead: Int32 = 22
    if unsafe madvise(memory, length, populateRead) != 0 {
      unsafe madvise(memory, length, MADV_WILLNEED)
    }
  }

  /// Gives back the memory of a range, of whole pages; what is read there later is mapped anew.
  package func release(_ range: Range<Int>) {
    let page = 4096
    let start = (max(0, range.lowerBound) + page - 1) / page * page
    let end = min(range.upperBound, byteCount) / page * page
    guard start < end else { return }
    unsafe madvise(UnsafeMutableRawPointer(mutating: base + start), end - start, MADV_DONTNEED)
  }
}

/// Why a file could not be mapped or read.
package struct MappingError: Error, CustomStringConvertible {
  package let path: String
  package let operation: String
  package let code: Int32
  package var note: String?

  package var reason: String { unsafe note ?? String(cString: strerror(code)) }

  package var description: String { "cannot \(operation) \(path): \(reason)" }
}
