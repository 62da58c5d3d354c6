import Inference

/// Checksums of files, by the system's own program.
enum Checksum {
  /// SHA-256 in lower-case hexadecimal; blocks the calling thread, for seconds with a large file.
  ///
  /// - Parameter program: what to run before the path, such as `nice` with the program.
  /// - Throws: `environment` where the file or `sha256sum` cannot be used, `cancelled`.
  static func sha256(
    of path: String, by program: [String] = ["sha256sum"], environment: [String: String]? = nil,
    isCancelled: () -> Bool = { false }
  ) throws(InferenceError) -> String {
    let ending = try ChildProcess.run(
      "/usr/bin/env", program + ["--", path], environment: environment, isCancelled: isCancelled)
    // A name with a backslash or a line end in it makes the line begin with a backslash.
    let digits = ending.output.drop { $0 == UInt8(ascii: "\\") }.prefix(64)
    let hash = String(decoding: digits, as: UTF8.self)
    guard ending.status == 0, hash.utf8.count == 64, hash.allSatisfy(\.isHexDigit) else {
      let errors = String(decoding: ending.errors, as: UTF8.self)
      throw InferenceError(.environment, "sha256sum failed on \(path): \(errors)")
    }
    return hash
  }
}
