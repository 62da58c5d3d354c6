import Foundation
import Inference
import Runtime

/// A set of prompts: JSON Lines with `prompt`, and optionally `system` and `maxTokens`.
struct RacePrompts {
  struct Entry: Decodable {
    var prompt: String
    var system: String?
    var maxTokens: Int?

    /// What the model reads; without a template it continues the text as it stands.
    func source(hasTemplate: Bool) -> PromptSource {
      guard hasTemplate else {
        return .raw((system.map { $0 + "\n\n" } ?? "") + prompt, parsesSpecial: false)
      }
      let turns = system.map { [ChatTurn(role: .system, text: $0)] } ?? []
      return .chat(turns + [ChatTurn(role: .user, text: prompt)])
    }
  }

  let name: String
  let entries: [Entry]

  /// - Throws: `environment` where the file cannot be read, `invalidRequest` where one of its lines is no prompt.
  init(path: String) throws(InferenceError) {
    let data = try InputFile.contents(of: path)
    var entries: [Entry] = []
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.allSatisfy({ $0 <= 0x20 }) {
      do {
        entries.append(try JSONDecoder().decode(Entry.self, from: Data(line)))
      } catch {
        throw InferenceError(
          .invalidRequest, "\(path) line \(index + 1): no JSON object with a text called prompt")
      }
      if let count = entries.last?.maxTokens, count < 1 {
        throw InferenceError(
          .invalidRequest, "\(path) line \(index + 1): maxTokens must be at least 1")
      }
    }
    guard !entries.isEmpty else {
      throw InferenceError(.invalidRequest, "\(path) holds no prompt")
    }
    let file = path.split(separator: "/").last.map(String.init) ?? path
    name = file.hasSuffix(".jsonl") ? String(file.dropLast(6)) : file
    self.entries = entries
  }

  /// A single prompt.
  init(text: String) {
    name = "prompt"
    entries = [Entry(prompt: text)]
  }
}
