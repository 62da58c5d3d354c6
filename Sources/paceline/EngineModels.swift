import Compute
import Inference
import Models
import Runtime

/// Makes model files into what the engine runs.
enum EngineModels {
  /// Positions of a context where none were asked for and the model knows more.
  static let usualContext = 8192

  /// Opens a model file with its tokenizer and chat template.
  static func load(_ path: String, contextLength: Int?) throws(InferenceError) -> EngineModel {
    let loaded = try ModelLoader.load(path: path, contextLength: contextLength ?? usualContext)
    let tokenizer = try TokenizerLoader.load(from: loaded.gguf)
    let summary = ModelSummary(
      name: loaded.name, path: path, architecture: loaded.gguf.architecture ?? "",
      format: loaded.format, parameters: loaded.parameters,
      fileBytes: loaded.gguf.file.byteCount, shape: loaded.model.shape,
      contextLength: loaded.model.shape.contextLength, template: nil, templateNote: nil,
      instructionSet: "", threads: 0, loadSeconds: 0)
    return EngineModel(
      model: loaded.model, tokenizer: tokenizer, template: nil, file: loaded.gguf.file,
      summary: summary)
  }
}

extension Engine {
  /// An engine for the program's own models.
  static func standard(threads: Int?) -> Engine {
    Engine(
      threads: threads, bandwidthFile: try? PacelinePaths().bandwidth,
      loader: { path, length throws(InferenceError) in
        try EngineModels.load(path, contextLength: length)
      })
  }

  /// Loads a model and waits for it.
  ///
  /// - Throws: what loading throws.
  func load(
    _ path: String, contextLength: Int?, progress: (Double) -> Void = { _ in }
  ) async throws(InferenceError) -> ModelSummary {
    for await event in submit(.load(path: path, contextLength: contextLength)).events {
      switch event {
      case .loading(let fraction): progress(fraction)
      case .loaded(let summary): return summary
      case .failed(let error): throw error
      default: break
      }
    }
    throw InferenceError(.cancelled, "loading ended early")
  }
}
