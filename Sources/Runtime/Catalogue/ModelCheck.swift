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
  /// - Parameter folder: takes the output of the helper program; nil for the system's temporary folder.
  /// - Throws: `environment` where the checksum cannot be computed, `cancelled`.
  package func fault(
    of path: String, against file: CatalogueFile, workIn folder: String? = nil
  ) throws(InferenceError) -> String? {
    guard let size = fileSize(path) else { return "\(file.file) is not there" }
    guard size == file.bytes else {
      return "\(file.file) has \(size) bytes instead of \(file.bytes)"
    }
    let hash = try sha256(of: path, workIn: folder)
    return hash == file.sha256
      ? nil : "\(file.file) has the SHA-256 \(hash) instead of \(file.sha256)"
  }

  private func sha256(of path: String, workIn folder: String?) throws(InferenceError) -> String {
    let own = folder ?? NSTemporaryDirectory() + "paceline-check-\(UUID().uuidString)"
    if folder == nil {
      try? FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
    }
    defer { if folder == nil { try? FileManager.default.removeItem(atPath: own) } }
    let helper = HelperProgram(environment: environment, isCancelled: isCancelled)
    let result = try helper.run(["sha256sum", "--binary", "--", path], in: own)
    // A name with a backslash or newline makes sha256sum put a backslash before the line.
    let hash = result.output.drop { $0 == "\\" }.prefix(64)
    guard result.status == 0, hash.count == 64 else {
      throw InferenceError(.environment, "sha256sum failed on \(path): \(result.errors)")
    }
    return String(hash)
  }
}
