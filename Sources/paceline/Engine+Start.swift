import Inference
import Runtime

extension Engine {
  /// Positions of a context where none were asked for and the model knows more.
  static let usualContext = 8192

  /// An engine for the program's own models.
  static func standard(threads: Int?) -> Engine {
    Engine(threads: threads, rooflineFile: try? PacelinePaths().roofline)
  }

  /// Loads a model and waits for it.
  ///
  /// - Throws: what loading throws.
  func load(
    _ path: String, contextLength: Int?, progress: (Double) -> Void = { _ in }
  ) async throws(InferenceError) -> ModelSummary {
    let request = JobRequest.load(path: path, contextLength: contextLength ?? Engine.usualContext)
    for await event in submit(request).events {
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
