import Foundation

/// A real model that tests use where its file is there.
public enum RealModel: String, CaseIterable, Sendable {
  case smollm2
  case coderHalf = "coder-0.5b"
  case coderLarge = "coder-1.5b"
  case gemma3

  public var fileName: String {
    switch self {
    case .smollm2: "SmolLM2-135M-Instruct.Q4_1.gguf"
    case .coderHalf: "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf"
    case .coderLarge: "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf"
    case .gemma3: "gemma-3-270m.Q4_K_M.gguf"
    }
  }

  /// Where the file lies, or nil where it has not been fetched.
  ///
  /// `PACELINE_TEST_MODELS=all` lets the larger models take part; by default only the default model does.
  public var path: String? {
    let environment = ProcessInfo.processInfo.environment
    guard self == .smollm2 || environment["PACELINE_TEST_MODELS"] == "all" else { return nil }
    let home = environment["HOME"] ?? ""
    let cache = environment["XDG_CACHE_HOME"] ?? home + "/.cache"
    let folder = environment["PACELINE_MODELS"] ?? cache + "/paceline-models"
    let path = folder + "/" + fileName
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  public var isAvailable: Bool { path != nil }

  /// What a skipped test says.
  public static let advice = "needs a model file: make test fetches the default one, make test-all all of them"
}
