import Foundation
import Inference

/// The ratios to llama.cpp that the project wants to reach, by model file and figure.
package struct BenchTargets: Codable, Equatable, Sendable {
  /// Times better for speeds and times; the share of theirs at most for memory.
  package var models: [String: [String: Double]]

  package init(models: [String: [String: Double]]) { self.models = models }

  package subscript(file: String, figure: String) -> Double? { models[file]?[figure] }

  /// - Throws: `invalidRequest` where the file is no table of targets.
  static func read(_ path: String) throws(InferenceError) -> BenchTargets {
    guard let data = FileManager.default.contents(atPath: path),
      let targets = try? JSONDecoder().decode(BenchTargets.self, from: data)
    else { throw InferenceError(.invalidRequest, "\(path) is no table of targets") }
    return targets
  }
}
