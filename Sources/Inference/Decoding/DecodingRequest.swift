/// One run of a decoding loop: token ids in, events out.
package struct DecodingRequest {
  package var prompt: [TokenID]
  /// The first tokens of `prompt` that the plan's cache already holds.
  package var cachedCount: Int
  package var maximumTokens: Int
  /// Tokens that end the answer; they are not part of it.
  package var stopTokens: Set<TokenID>
  /// Rows computed in one pass while the prompt is read.
  package var chunkLength: Int
  package var control: DecodingControl
  /// Called on the engine's thread with each event; answers whether to go on.
  package var emit: (DecodingEvent) -> Flow

  package enum Flow: Sendable { case go, stop }

  package init(
    prompt: [TokenID], cachedCount: Int = 0, maximumTokens: Int, stopTokens: Set<TokenID>,
    chunkLength: Int = 128, control: DecodingControl = DecodingControl(),
    emit: @escaping (DecodingEvent) -> Flow
  ) {
    self.prompt = prompt
    self.cachedCount = cachedCount
    self.maximumTokens = maximumTokens
    self.stopTokens = stopTokens
    self.chunkLength = chunkLength
    self.control = control
    self.emit = emit
  }

  /// - Throws: `invalidRequest` for a prompt without tokens, or with one that the vocabulary lacks.
  package func checkPrompt(vocabulary: Int) throws(InferenceError) {
    guard !prompt.isEmpty else {
      throw InferenceError(.invalidRequest, "the prompt has no tokens")
    }
    if let stray = prompt.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw InferenceError(
        .invalidRequest, "prompt token \(stray) is outside the vocabulary of \(vocabulary)")
    }
  }
}

/// What a decoding loop tells while it runs.
package enum DecodingEvent: Sendable {
  /// Rows of the prompt read so far, of those that had to be read.
  case prefill(done: Int, total: Int)
  case token(TokenRecord)
  /// A round is over whose tokens were emitted.
  case round(RoundRecord)
}

/// One generated token with its circumstances.
package struct TokenRecord: Sendable {
  package var sampled: SampledToken
  /// 0 for the first generated token.
  package var index: Int
  /// `monotonicNanoseconds()` when it was chosen.
  package var time: UInt64
  /// Time by class of operation since the token before.
  package var operations: OperationTotals
  /// Set on the first token that new settings acted on.
  package var settings: SamplerSettings?
  /// Whether a drafter had guessed it.
  package var wasDrafted: Bool
  /// The one of several writers that it comes from.
  package var writer: Int

  package init(
    sampled: SampledToken, index: Int, time: UInt64, operations: OperationTotals,
    settings: SamplerSettings? = nil, wasDrafted: Bool = false, writer: Int = 0
  ) {
    self.sampled = sampled
    self.index = index
    self.time = time
    self.operations = operations
    self.settings = settings
    self.wasDrafted = wasDrafted
    self.writer = writer
  }
}

/// Why an answer ended.
package enum FinishReason: String, Sendable, Codable {
  /// A stop token or stop string came.
  case stop
  /// The token limit was reached.
  case length
  case cancelled
  /// The context is full.
  case contextFull
}
