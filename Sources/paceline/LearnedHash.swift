import Runtime
import Synchronization

/// The hash of a model's file, computed while other things go on.
final class LearnedHash: Sendable {
  private let found = Mutex("")

  init(of path: String, by hashes: ModelHash) {
    hashes.hash(of: path) { [self] result in
      if case .success(let hash) = result { found.withLock { $0 = hash } }
    }
  }

  /// Empty until it is known, and where the file cannot be read.
  var value: String { found.withLock { $0 } }
}
