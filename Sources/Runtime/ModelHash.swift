import Compute
import Inference

/// SHA-256 of model files, remembered for as long as a file stays the same.
package struct ModelHash: Sendable {
  /// Where known hashes are kept; nil keeps none.
  private let file: String?

  package init(file: String?) { self.file = file }

  /// The hash in lower-case hexadecimal; reads the whole file where it is not known yet.
  ///
  /// Blocks the calling thread, for seconds with a large file.
  ///
  /// - Throws: `environment` where the file or `sha256sum` cannot be used.
  package func hash(of path: String) throws(InferenceError) -> String {
    try hash(of: path, isUrgent: true)
  }

  private func hash(of path: String, isUrgent: Bool) throws(InferenceError) -> String {
    let version = try SystemFile(path, .read).version
    if let known = known(path, version) { return known }
    let background = isUrgent ? [] : ["nice", "-n", "19"]
    let hash = try Checksum.sha256(of: path, by: background + ["sha256sum"])
    // The file may have changed while it was read.
    if try SystemFile(path, .read).version == version { remember(hash, path, version) }
    return hash
  }

  /// Computes the hash on a thread of its own, with the lowest priority, and hands it over there.
  package func hash(
    of path: String, then deliver: @escaping @Sendable (Result<String, InferenceError>) -> Void
  ) {
    ComputeThread.start(name: "paceline-hash") {
      do throws(InferenceError) {
        deliver(.success(try hash(of: path, isUrgent: false)))
      } catch {
        deliver(.failure(error))
      }
    }
  }

  // One line for each file: hash, version, path, parted by tabs.

  private func known(_ path: String, _ version: String) -> String? {
    for line in lines() {
      let fields = line.split(separator: "\t", maxSplits: 2)
      if fields.count == 3, fields[1] == version, fields[2] == path, fields[0].count == 64 {
        return String(fields[0])
      }
    }
    return nil
  }

  private func remember(_ hash: String, _ path: String, _ version: String) {
    guard let file, !path.contains("\n") else { return }
    let others = lines().filter { $0.split(separator: "\t", maxSplits: 2).last != path[...] }
    let text =
      (others.suffix(255) + ["\(hash)\t\(version)\t\(path)"]).joined(separator: "\n") + "\n"
    // Where it cannot be kept, it is computed again.
    try? SystemFile.replace(file, with: Array(text.utf8))
  }

  private func lines() -> [Substring] {
    guard let file, let bytes = try? SystemFile.contents(of: file, limit: 1 << 20) else {
      return []
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }
}
