import Foundation

/// What `llama-bench -o json` prints for one test.
package struct LlamaBenchOutput: Decodable, Equatable, Sendable {
  package var buildCommit: String
  package var buildNumber: Int
  package var modelType: String
  package var threads: Int
  package var promptTokens: Int
  package var generatedTokens: Int
  /// Older versions have none.
  package var depth: Int?
  /// Tokens per second of each repetition.
  package var samples: [Double]

  private enum CodingKeys: String, CodingKey {
    case buildCommit = "build_commit"
    case buildNumber = "build_number"
    case modelType = "model_type"
    case threads = "n_threads"
    case promptTokens = "n_prompt"
    case generatedTokens = "n_gen"
    case depth = "n_depth"
    case samples = "samples_ts"
  }

  /// The rows of an output; nil where it is none.
  package static func rows(_ text: String) -> [LlamaBenchOutput]? {
    // A warning may stand before the list.
    guard let start = text.range(of: "[\n")?.lowerBound ?? text.firstIndex(of: "[") else {
      return nil
    }
    return try? JSONDecoder().decode([LlamaBenchOutput].self, from: Data(text[start...].utf8))
  }

  /// Whether it is the answer to a request for this test.
  package func answers(_ test: BenchTest, _ setting: PeerSetting) -> Bool {
    guard let (count, depth, isPrompt) = test.speed else { return false }
    return threads == setting.threads && promptTokens == (isPrompt ? count : 0)
      && generatedTokens == (isPrompt ? 0 : count) && (self.depth ?? 0) == depth
      && !samples.isEmpty && samples.allSatisfy { $0 > 0 && $0.isFinite }
  }
}
