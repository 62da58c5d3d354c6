import Inference

/// A session read back from its file.
package struct SessionFile: Sendable {
  package var path: String
  package var header: SessionHeader
  package var conversation: Conversation
  package var title: String?
  /// Every answer and continuation of one, in the order they were made.
  package var answers: [RecordedAnswer] = []
  package var races: [RaceResult] = []
  /// The model that a next answer would come from.
  package var model: ModelReference
  /// What a person may want to know, such as a torn last line.
  package var notes: [String] = []
  /// Lines that cannot be read, each naming file and line.
  ///
  /// What they told is missing.
  package var problems: [InferenceError] = []
}

/// One run of the model, as a session file tells it.
package struct RecordedAnswer: Sendable, Equatable {
  package var message: MessageID
  package var model: ModelReference
  /// What the model was asked to go on from: the branch at that time, with the part of the answer that was there.
  package var turns: [ChatTurn]
  /// The prompt, where it was something else than the turns through the template.
  package var source: PromptSource?
  package var settings: SamplerSettings
  package var promptTokens: Int
  package var maximumTokens: Int
  package var stopStrings: [String]
  package var methods = MethodSelection.none
  package var tokens: [TokenID] = []
  package var text = ""
  package var changes: [KnobChange] = []
  /// Nil where the program was ended in mid-answer.
  package var provenance: Provenance?
}
