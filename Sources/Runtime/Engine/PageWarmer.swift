import Compute

/// Brings a model's file into memory behind the back of whoever begins to use it.
enum PageWarmer {
  /// Bytes between two looks at whether the file is still wanted.
  private static let sliceBytes = 32 << 20

  /// Starts a thread that ends with the file's last page, or once nobody else holds the file; in the first case it
  /// calls `done`.
  ///
  /// A first answer need not wait for it, and finds most pages mapped when it comes to them. A file that would not
  /// stay in memory is left to its user's own accesses.
  static func start(_ file: MappedFile, done: @escaping @Sendable () -> Void) {
    guard file.byteCount < ProcessMemory.availableBytes else { return }
    ComputeThread.start(name: "paceline-pages") { [weak file] in
      var offset = 0
      while let file {
        guard offset < file.byteCount else { return done() }
        file.populate(offset..<min(offset + sliceBytes, file.byteCount))
        offset += sliceBytes
      }
    }
  }
}
