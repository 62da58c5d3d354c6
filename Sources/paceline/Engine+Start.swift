import Inference
import Runtime

extension Engine {
  /// Positions of a context where none were asked for and the model knows more.
  static let usualContext = 8192

  /// An engine for the program's own models.
  ///
  /// - Parameter measuresRoofs: whether there is a screen that holds the profile against what this machine can do.
  static func standard(threads: Int?, measuresRoofs: Bool = false) -> Engine {
    Engine(
      threads: threads, rooflineFile: measuresRoofs ? try? PacelinePaths().roofline : nil,
      supplies: supplies)
  }

  /// Says on standard error where a model got fewer positions than were asked for.
  static func noteContext(_ asked: Int?, given summary: ModelSummary) {
    guard let asked, summary.contextLength < asked else { return }
    Console.note(
      "note: --context \(asked): \(summary.name) has \(summary.contextLength) positions, so these are used"
    )
  }

  /// Draft models come from the model folder, weights of our own from the assets.
  private static var supplies: MethodSupplies {
    var supplies = MethodSupplies(
      weightsFolder: (try? AssetsFolder.find()).map { $0 + "/weights" }
    ) { summary throws(InferenceError) in
      try ModelFolder.standard().draftModelPath(for: summary)
    }
    supplies.sentenceEncoder = { (try? ModelFolder.standard())?.sentenceEncoder }
    return supplies
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
