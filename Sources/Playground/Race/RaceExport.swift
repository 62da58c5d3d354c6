import FoundationEssentials
import Inference
import Runtime

/// A race as a file of JSON for other programs.
package struct RaceExport: Sendable, Equatable, Encodable {
  package var model: String
  /// SHA-256 of the model file; empty where it is not known yet.
  package var modelHash: String
  package var method: String
  package var against: String
  package var prompt: String
  package var settings: String
  package var seed: UInt64
  package var maximumTokens: Int
  /// 1 for a race by turns.
  package var repeats: Int
  package var identical: Bool
  /// Median of the speed ratios; nil where an answer was too short to time.
  package var ratio: Double?
  package var verdict: String
  package var result: RaceResult

  package init(
    model: String, modelHash: String, request: RaceRequest, promptText: String, result: RaceResult,
    verdict: String
  ) {
    self.model = model
    self.modelHash = modelHash
    method = request.lanes.first?.title ?? ""
    against = request.lanes.dropFirst().first?.title ?? ""
    prompt = promptText
    settings = PlaygroundState.summary(of: request.settings)
    seed = request.settings.seed
    maximumTokens = request.maximumTokens
    if case .solo(let count, _, _) = request.mode { repeats = count } else { repeats = 1 }
    identical = result.isIdentical
    ratio = result.ratio
    self.verdict = verdict
    self.result = result
  }

  /// - Throws: `invalidRequest` where a figure has no JSON.
  package func json() throws(InferenceError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    } catch {
      throw InferenceError(.invalidRequest, "the race has no JSON: \(error)")
    }
  }
}
