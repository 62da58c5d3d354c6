import Inference
import Methods

/// The methods that an engine knows, and where they get what they need beside the model.
package struct MethodSupplies: Sendable {
  package var methods: [MethodEntry]
  package var paintingMethods = MethodCatalog.painting
  /// The file of the small model that drafts for a model.
  package var draftModelPath: @Sendable (ModelSummary) throws(InferenceError) -> String
  /// The folder of weights of our own; nil where there is none.
  package var weightsFolder: String?
  /// The files of the encoder of sentences; nil where it was not fetched.
  package var sentenceEncoder: @Sendable () -> (weights: String, vocabulary: String)? = { nil }

  package init(
    methods: [MethodEntry] = MethodCatalog.all, weightsFolder: String? = nil,
    draftModelPath: @escaping @Sendable (ModelSummary) throws(InferenceError) -> String
  ) {
    self.methods = methods
    self.draftModelPath = draftModelPath
    self.weightsFolder = weightsFolder
  }

  /// All methods, but no other files.
  package static let methodsOnly = MethodSupplies { summary throws(InferenceError) in
    throw InferenceError(.invalidRequest, "no draft model is known for \(summary.name)")
  }
}

extension ModelFolder {
  /// The encoder of sentences: its weights and its vocabulary; nil where they are not there.
  package var sentenceEncoder: (weights: String, vocabulary: String)? {
    guard let entry = catalogue["minilm"], holds(entry), entry.files.count == 2 else { return nil }
    return (path(of: entry.files[0]), path(of: entry.files[1]))
  }

  /// The file of the model that drafts for the one at a path.
  ///
  /// - Throws: `invalidRequest` where the catalogue names none; `modelFile` where it is not there yet, with the command
  ///   that fetches it.
  package func draftModelPath(for summary: ModelSummary) throws(InferenceError) -> String {
    let file = summary.path.split(separator: "/").last.map(String.init) ?? ""
    guard let entry = catalogue.models.first(where: { $0.files.contains { $0.file == file } }),
      let drafter = entry.drafter
    else {
      let pairs = catalogue.models.compactMap { entry in
        entry.drafter.map { "\($0) drafts for \(entry.name)" }
      }
      throw InferenceError(
        .invalidRequest,
        "no smaller model drafts for \(summary.name); \(pairs.joined(separator: ", "))")
    }
    return try resolve(drafter)
  }
}
