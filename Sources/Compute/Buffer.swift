import Glibc

/// Mutable activations and scratch: floats, zeroed, aligned to 64 bytes.
package typealias Buffer = Storage<Float>

/// Mutable memory for a fixed count of plain values, zeroed and aligned to 64 bytes.
///
/// Not Sendable on purpose: it belongs to the engine's thread. Inside `WorkerPool.run` workers share it and write
/// disjoint ranges. Large storage takes physical memory only where it is touched. Public, since the compiler writes single
/// reads and writes into the loops of other modules only then.
@safe public final class Storage<Element: BitwiseCopyable> {
  /// Bytes from which on memory comes page by page as it is touched; less is cleared at once.
  private static var leastMapped: Int { 1 << 16 }

  public let count: Int
  @usableFromInline let base: UnsafeMutablePointer<Element>
  private let mappedByteCount: Int

  package init(count: Int) {
    precondition(count >= 0)
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    if bytes >= Self.leastMapped {
      let memory = unsafe mmap(
        nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
      guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
        fatalError("out of memory: \(bytes) bytes")
      }
      mappedByteCount = bytes
      unsafe base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
    } else {
      mappedByteCount = 0
      let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      unsafe memset(memory, 0, bytes)
      unsafe base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
    }
  }

  deinit {
    if mappedByteCount > 0 {
      unsafe munmap(base, mappedByteCount)
    } else {
      unsafe UnsafeMutableRawPointer(base).deallocate()
    }
  }

  /// Gives back the memory of the range, of a large storage by whole pages; what is given back reads as zero.
  ///
  /// A page that holds other values too stays as it is.
  package func release(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    let stride = MemoryLayout<Element>.stride
    guard mappedByteCount > 0 else { return }
    let page = Self.pageByteCount
    let start = (range.lowerBound * stride + page - 1) / page * page
    let end = range.upperBound * stride / page * page
    guard start < end else { return }
    unsafe madvise(UnsafeMutableRawPointer(base) + start, end - start, MADV_DONTNEED)
  }

  package static var pageByteCount: Int { Int(sysconf(Int32(_SC_PAGESIZE))) }

  /// Bytes of physical memory, in whole pages.
  package var residentByteCount: Int {
    let page = Self.pageByteCount
    guard mappedByteCount > 0 else { return (byteCount + page - 1) / page * page }
    var pages = [UInt8](repeating: 0, count: (mappedByteCount + page - 1) / page)
    guard unsafe mincore(base, mappedByteCount, &pages) == 0 else { return mappedByteCount }
    return pages.count { $0 & 1 == 1 } * page
  }

  /// Bytes reserved; of a large storage only touched pages count as resident.
  package var byteCount: Int { count * MemoryLayout<Element>.stride }

  @inlinable package subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count)
      return unsafe base[index]
    }
    set {
      precondition(index >= 0 && index < count)
      unsafe base[index] = newValue
    }
  }

  /// Calls `body` with a bounds-checked view of a range.
  package func withSpan<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (Span<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return try body(unsafe Span(_unsafeStart: base + range.lowerBound, count: range.count))
  }

  /// Calls `body` with a bounds-checked view of a range that it may write.
  package func withMutableSpan<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    var span = unsafe MutableSpan(_unsafeStart: base + range.lowerBound, count: range.count)
    return try body(&span)
  }

  /// A copy of a range, for tests and slow paths.
  package func array(_ range: Range<Int>) -> [Element] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return unsafe Array(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// Copies values in, from `offset` on.
  package func replace(at offset: Int, with values: [Element]) {
    precondition(offset >= 0 && offset + values.count <= count)
    for (index, value) in values.enumerated() { unsafe base[offset + index] = value }
  }

  /// Sets a range to one value.
  package func fill(_ range: Range<Int>, with value: Element) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    unsafe (base + range.lowerBound).update(repeating: value, count: range.count)
  }

  /// Copies `count` values of `source`, which may be this storage; the ranges may overlap.
  package func copy(from source: Storage, _ range: Range<Int>, to offset: Int) {
    precondition(range.lowerBound >= 0 && range.upperBound <= source.count)
    precondition(offset >= 0 && offset + range.count <= count)
    unsafe memmove(
      base + offset, source.base + range.lowerBound, range.count * MemoryLayout<Element>.stride)
  }
}
