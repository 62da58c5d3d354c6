import Foundation

/// Model files that tests use where they are present.
enum RealModels {
  static let smolLM2 = path("SmolLM2-135M-Instruct.Q4_1.gguf")

  private static func path(_ name: String) -> String? {
    let environment = ProcessInfo.processInfo.environment
    let folders = [
      environment["PACELINE_MODELS"], environment["XDG_CACHE_HOME"].map { $0 + "/paceline-models" },
      environment["HOME"].map { $0 + "/.cache/paceline-models" },
    ]
    return folders.compactMap { $0 }.map { "\($0)/\(name)" }
      .first { FileManager.default.fileExists(atPath: $0) }
  }
}
