import Inference

/// One line of a session file.
///
/// The file is only ever appended to.
package enum SessionRecord: Sendable, Equatable {
  /// First line of every file.
  case header(SessionHeader)
  /// The model that answers from here on, or the hash of the one at hand once it is known.
  case model(ModelReference)
  case system(String?)
  /// A message that a person wrote, or an answer that begins (with empty text).
  case message(ChatMessage)
  /// What an answer, or the continuation of one, began with: the settings and the prompt's token count.
  ///
  /// `source` is set only where the prompt was something else than the branch rendered through the template.
  case answerStarted(
    message: MessageID, settings: SamplerSettings, promptTokens: Int, maximumTokens: Int,
    stopStrings: [String] = [], source: PromptSource? = nil, methods: MethodSelection = .none)
  /// Tokens and text that came since the last such line.
  case answerTokens(message: MessageID, tokens: [TokenID], text: String)
  case knobs(message: MessageID, change: KnobChange)
  case answerFinished(message: MessageID, provenance: Provenance)
  /// A race of methods on a prompt.
  case race(RaceResult, prompt: PromptSource)
  /// The branch shown ends here now.
  case head(MessageID?)
  case title(String)
  /// A program took the session up again after its last line had been torn in writing: that many bytes stand before.
  case resumed(tornBytes: Int)
}

/// Which model answers.
package struct ModelReference: Sendable, Equatable {
  package var name: String
  package var path: String
  /// SHA-256 of the model file, lower-case hexadecimal; empty until known.
  package var hash: String
  package var contextLength: Int

  package init(name: String, path: String, hash: String, contextLength: Int) {
    self.name = name
    self.path = path
    self.hash = hash
    self.contextLength = contextLength
  }
}

/// What a session was made with.
package struct SessionHeader: Sendable, Equatable {
  package var format = 1
  /// The file's name without its ending; given by the store where empty.
  package var id: String
  /// A time as RFC 3339 writes it.
  package var created: String
  package var program: String
  package var modelName: String
  package var modelPath: String
  /// SHA-256 of the model file, lower-case hexadecimal; empty until known.
  package var modelHash: String
  package var contextLength: Int
  package var threads: Int
  package var instructionSet: String
  /// The session and message this one was forked from.
  package var forkedFrom: String?

  package init(
    id: String, created: String, program: String, modelName: String, modelPath: String,
    modelHash: String, contextLength: Int, threads: Int, instructionSet: String,
    forkedFrom: String? = nil
  ) {
    self.id = id
    self.created = created
    self.program = program
    self.modelName = modelName
    self.modelPath = modelPath
    self.modelHash = modelHash
    self.contextLength = contextLength
    self.threads = threads
    self.instructionSet = instructionSet
    self.forkedFrom = forkedFrom
  }

  /// The model that the session began with.
  package var model: ModelReference {
    ModelReference(
      name: modelName, path: modelPath, hash: modelHash, contextLength: contextLength)
  }
}
