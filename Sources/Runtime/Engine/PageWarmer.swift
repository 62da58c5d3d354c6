import Compute

/// Brings a model's file into memory behind the back of whoever begins to use it.
enum PageWarmer {
  /// Bytes between two looks at whether the file is still wanted.
  private static let sliceBytes = 8 << 20

  /// Starts a thread that ends with the file's last page, or once nobody else holds the file; in the first case it
  /// calls `done`.
  ///
  /// A first answer need not wait for it, and finds what was on the disk in memory when it comes to it. While a job
  /// reads the weights, pages that are in memory are left to it: to map them for it would only take processor time
  /// from it. A file that would not stay in memory is left to its user's own accesses.
  static func start(
    _ file: MappedFile, isRead: @escaping @Sendable () -> Bool, done: @escaping @Sendable () -> Void
  ) {
    guard file.byteCount < ProcessMemory.availableBytes else { return }
    ComputeThread.start(name: "paceline-pages") { [weak file] in
      var offset = 0
      while let file {
        guard offset < file.byteCount else { return done() }
        let slice = offset..<min(offset + sliceBytes, file.byteCount)
        if !isRead() || !file.isResident(slice, sampledEvery: 1 << 20) { file.populate(slice) }
        offset = slice.upperBound
      }
    }
  }
}
