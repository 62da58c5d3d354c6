import Foundation
import Inference
import Runtime

/// A file that the command line names, or a pipe.
enum InputFile {
  /// All of its bytes.
  ///
  /// - Throws: `environment`, with the reason.
  static func contents(of path: String) throws(InferenceError) -> Data {
    if let data = FileManager.default.contents(atPath: path) { return data }
    // Fails again, and tells why.
    _ = try SystemFile.contents(of: path, limit: 0)
    throw InferenceError(.environment, "cannot read \(path)")
  }
}
