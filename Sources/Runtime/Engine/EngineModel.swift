import Compute
import Inference

/// A model ready for the engine, with everything that turns its tokens into talk.
package struct EngineModel: Sendable {
  package var model: any LanguageModel
  package var tokenizer: any Tokenizer
  /// Renders a conversation; nil where the file has no template or an unknown one.
  package var template: (@Sendable ([ChatTurn]) throws(InferenceError) -> [PromptSegment])?
  /// The mapped weights; nil for a model without a file.
  package var file: MappedFile?
  /// Bytes of activations and other working memory.
  package var scratchBytes: @Sendable () -> Int = { 0 }
  /// Its `instructionSet`, `threads` and `loadSeconds` are filled in by the engine.
  package var summary: ModelSummary

  package init(
    model: any LanguageModel, tokenizer: any Tokenizer,
    template: (@Sendable ([ChatTurn]) throws(InferenceError) -> [PromptSegment])?,
    file: MappedFile?, summary: ModelSummary
  ) {
    self.model = model
    self.tokenizer = tokenizer
    self.template = template
    self.file = file
    self.summary = summary
  }
}

/// A stretch of a rendered conversation.
package enum PromptSegment: Sendable, Equatable {
  /// The text of exactly one special token, such as `<|im_start|>`.
  case special(String)
  /// The template's own words.
  case plain(String)
  /// The text of a turn, by its index; special tokens in it are ordinary text.
  case turn(Int, String)
}

/// Opens the model at a path for a context length (nil: the model's own, within reason).
package typealias EngineModelLoader =
  @Sendable (_ path: String, _ contextLength: Int?) throws(InferenceError) -> EngineModel
