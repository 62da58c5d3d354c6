import Foundation
import Inference

/// Compares files with what the catalogue says of them.
package struct ModelCheck {
  private let environment: [String: String]
  private let isCancelled: () -> Bool

  package init(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    isCancelled: @escaping () -> Bool = { false }
  ) {
    self.environment = environment
    self.isCancelled = isCancelled
  }

  /// What differs between a file and its entry; nil for nothing.
  ///
  /// - Throws: `environment` where the checksum cannot be computed, `cancelled`.
  package func fault(
    of path: String, against file: CatalogueFile
  ) throws(InferenceError) -> String? {
    guard let size = fileSize(path) else { return "\(file.file) is not there" }
    guard size == file.bytes else {
      return "\(file.file) has \(size) bytes instead of \(file.bytes)"
    }
    let hash = try Checksum.sha256(
      of: path, environment: environment, isCancelled: isCancelled)
    return hash == file.sha256
      ? nil : "\(file.file) has the SHA-256 \(hash) instead of \(file.sha256)"
  }
}
