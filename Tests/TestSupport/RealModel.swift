import Glibc

/// Model files that tests use where a person has fetched them.
package enum RealModel {
  package static let smollm2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
  package static let coderSmall = "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf"
  package static let coderLarge = "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf"
  package static let gemma3 = "gemma-3-270m.Q4_K_M.gguf"

  /// Where a model file is, or nil where it has not been fetched.
  package static func path(_ file: String) -> String? {
    let folders =
      [environment("PACELINE_MODELS"), cache.map { $0 + "/paceline-models" }]
    return first(file, in: folders)
  }

  /// A file of a llama.cpp source folder, or nil where there is none.
  package static func llamaCppPath(_ file: String) -> String? {
    let folders = [
      environment("PACELINE_LLAMA_CPP"), cache.map { $0 + "/paceline-peers/llama.cpp" },
    ]
    return first(file, in: folders)
  }

  private static func first(_ file: String, in folders: [String?]) -> String? {
    folders.compactMap { $0 }.map { $0 + "/" + file }.first { access($0, R_OK) == 0 }
  }

  private static var cache: String? {
    environment("XDG_CACHE_HOME") ?? environment("HOME").map { $0 + "/.cache" }
  }

  private static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value[0] != 0 else { return nil }
    return String(cString: value)
  }
}
