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
  /// `PACELINE_TEST_MODELS=all` lets the larger models take part in what takes long; by default only the default does.
  public var path: String? {
    guard self == .smollm2 || Self.environment("PACELINE_TEST_MODELS") == "all" else { return nil }
    return Self.path(fileName)
  }

  public var isAvailable: Bool { path != nil }

  /// A file of the models folder, or nil where it is not there.
  public static func path(_ file: String) -> String? {
    first(file, in: environment("PACELINE_MODELS"), cache.map { $0 + "/paceline-models" })
  }

  /// A file of a llama.cpp source folder, or nil where there is none.
  public static func llamaCppPath(_ file: String) -> String? {
    first(
      file, in: environment("PACELINE_LLAMA_CPP"),
      cache.map { $0 + "/paceline-peers/llama.cpp" })
  }

  /// The encoder of sentences; nil where it has not been fetched.
  public static var sentenceEncoder: (weights: String, vocabulary: String)? {
    guard let weights = path("all-MiniLM-L6-v2.safetensors"),
      let vocabulary = path("all-MiniLM-L6-v2.vocab.txt")
    else { return nil }
    return (weights, vocabulary)
  }

  /// The repository's own folder of assets.
  public static let assets: String = {
    let here = (#filePath as NSString).deletingLastPathComponent as NSString
    return ((here.deletingLastPathComponent as NSString).deletingLastPathComponent) + "/assets"
  }()

  /// What a skipped test says.
  public static let advice =
    "needs a model file: make test fetches the default one, make test-all all of them"

  private static func first(_ file: String, in folders: String?...) -> String? {
    folders.compactMap { $0 }.map { $0 + "/" + file }
      .first { FileManager.default.isReadableFile(atPath: $0) }
  }

  private static var cache: String? {
    environment("XDG_CACHE_HOME") ?? environment("HOME").map { $0 + "/.cache" }
  }

  private static func environment(_ name: String) -> String? {
    guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else { return nil }
    return value
  }
}
