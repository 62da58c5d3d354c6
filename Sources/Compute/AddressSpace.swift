import Glibc

/// The addresses that this process may still use.
package enum AddressSpace {
  /// Whether `Storage` of so many bytes in all can be had, though not touched everywhere.
  ///
  /// Sizes that a file decides are to be asked about before storage is made, which ends the program where it fails.
  package static func hasRoom(for byteCount: Int) -> Bool {
    guard byteCount > 0 else { return byteCount == 0 }
    let memory = unsafe mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return false }
    unsafe munmap(memory, byteCount)
    return true
  }
}
