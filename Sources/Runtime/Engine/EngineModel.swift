import Compute
import Inference

/// A model ready for the engine, with everything that turns its tokens into talk.
package struct EngineModel: Sendable {
  package var model: any LanguageModel
  package var tokenizer: any Tokenizer
  /// Renders a conversation; nil where the file has no template or an unknown one.
  ///
  /// A turn's text is a piece of its own. A last turn of the assistant stays open.
  package var template: (@Sendable ([ChatTurn]) throws(InferenceError) -> [PromptPiece])?
  /// The mapped weights; nil for a model without a file.
  package var file: MappedFile?
  /// The model once more, its weights read from disk while it computes; nil where that is not possible.
  package var streamed: (@Sendable (StreamingOptions) throws(InferenceError) -> any LanguageModel)?
  /// Bytes of activations and other working memory.
  package var scratchBytes: @Sendable () -> Int = { 0 }
  /// Its `instructionSet`, `threads` and `loadSeconds` are filled in by the engine.
  package var summary: ModelSummary

  package init(
    model: any LanguageModel, tokenizer: any Tokenizer,
    template: (@Sendable ([ChatTurn]) throws(InferenceError) -> [PromptPiece])?,
    file: MappedFile?, summary: ModelSummary
  ) {
    self.model = model
    self.tokenizer = tokenizer
    self.template = template
    self.file = file
    self.summary = summary
  }
}

/// Opens the model at a path for a context length (nil: the model's own, within reason).
package typealias EngineModelLoader =
  @Sendable (_ path: String, _ contextLength: Int?) throws(InferenceError) -> EngineModel
