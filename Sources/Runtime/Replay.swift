import Inference

/// Runs the answers of a session again and compares them token by token.
package struct Replay: Sendable {
  private let engine: Engine
  private let hashes: ModelHash?
  private let modelPath: String?
  private let modelFolder: String?

  /// - Parameters:
  ///   - hashes: computes the hash of the model file; nil leaves it unchecked.
  ///   - modelPath: a model file to use in place of those that the session names.
  ///   - modelFolder: where a file of the same name is looked for when a session's own path leads nowhere.
  package init(
    engine: Engine, hashes: ModelHash?, modelPath: String? = nil, modelFolder: String? = nil
  ) {
    self.engine = engine
    self.hashes = hashes
    self.modelPath = modelPath
    self.modelFolder = modelFolder
  }

  /// Stops at the first token that differs.
  ///
  /// - Parameter progress: called before each answer with its number and the count of all.
  /// - Throws: what loading or generating throws; `environment` where lines of the session cannot be read.
  package func run(
    _ session: SessionFile, progress: (Int, Int) -> Void = { _, _ in }
  ) async throws(InferenceError) -> ReplayOutcome {
    if let problem = session.problems.first { throw problem }
    var outcome = ReplayOutcome()
    var loaded: ModelReference?
    for (number, answer) in session.answers.enumerated() {
      progress(number + 1, session.answers.count)
      // A run that was stopped before its first token has nothing to compare.
      if answer.tokens.isEmpty, answer.wasStopped { continue }
      if loaded != answer.model {
        outcome.notes += try await load(answer.model)
        loaded = answer.model
      }
      let source = try await source(of: answer)
      outcome.divergence = try await compare(answer, source: source)
      if outcome.divergence != nil { return outcome }
      outcome.answers += 1
      outcome.tokens += answer.tokens.count
    }
    return outcome
  }

  // MARK: The model

  /// - Returns: what speaks against the model being the one that the session was made with.
  private func load(_ model: ModelReference) async throws(InferenceError) -> [String] {
    let path = path(of: model)
    guard SystemFile.exists(path) else {
      throw InferenceError(
        .modelFile, "the session's model \(path) is not there: name its file with --model")
    }
    var notes: [String] = []
    if let hashes {
      let hash = try hashes.hash(of: path)
      if model.hash.isEmpty {
        notes.append("the session does not tell the hash of its model \(model.name)")
      } else if hash != model.hash {
        notes.append("\(path) is not the model that the session was made with: its hash differs")
      }
    }
    for await event in engine.submit(.load(path: path, contextLength: model.contextLength)).events {
      if case .failed(let error) = event { throw error }
      if case .loaded(let summary) = event, summary.contextLength != model.contextLength {
        notes.append(
          "the context is \(summary.contextLength) tokens long, not \(model.contextLength)")
      }
    }
    return notes
  }

  private func path(of model: ModelReference) -> String {
    if let modelPath { return modelPath }
    guard let modelFolder, !SystemFile.exists(model.path),
      let name = model.path.split(separator: "/").last
    else { return model.path }
    return "\(modelFolder)/\(name)"
  }

  // MARK: The prompt

  /// The prompt that the answer had, as far as its length tells.
  ///
  /// Earlier answers stand in it as the tokens they were generated as or, where the program did not know these, as
  /// their text is tokenized.
  private func source(of answer: RecordedAnswer) async throws(InferenceError) -> PromptSource {
    if let source = answer.source { return source }
    let exact = PromptSource.chat(answer.turns)
    let plain = PromptSource.chat(answer.turns.map { ChatTurn(role: $0.role, text: $0.text) })
    for source in exact == plain ? [] : [exact, plain] {
      if try await promptCount(of: source) == answer.promptTokens { return source }
    }
    return exact
  }

  private func promptCount(of source: PromptSource) async throws(InferenceError) -> Int {
    for await event in engine.submit(.inspect(source)).events {
      if case .inspected(let prompt) = event { return prompt.tokens.count }
      if case .failed(let error) = event { throw error }
    }
    return 0
  }

  // MARK: The tokens

  private func compare(
    _ answer: RecordedAnswer, source: PromptSource
  ) async throws(InferenceError) -> ReplayDivergence? {
    var request = GenerateRequest(
      source: source, settings: answer.settings,
      maximumTokens: answer.wasStopped ? answer.tokens.count : answer.maximumTokens,
      stopStrings: answer.stopStrings, methods: answer.methods)
    request.scheduledChanges = answer.changes
    let job = engine.submit(.generate(request))
    var index = 0
    for await event in job.events {
      switch event {
      case .failed(let error): throw error
      case .contextFull(let needed, _):
        return ReplayDivergence(answer, .prompt(expected: answer.promptTokens, got: needed))
      case .started(let count, _, _) where count != answer.promptTokens:
        job.cancel()
        return ReplayDivergence(answer, .prompt(expected: answer.promptTokens, got: count))
      case .tokens(let chunk):
        for record in chunk.records {
          let expected = index < answer.tokens.count ? answer.tokens[index] : nil
          guard expected == record.sampled.token else {
            job.cancel()
            return ReplayDivergence(answer, at: index, expected: expected, record, chunk.pieces)
          }
          index += 1
        }
      default: break
      }
    }
    guard index < answer.tokens.count else { return nil }
    return ReplayDivergence(answer, .ended(index: index, expected: answer.tokens[index]))
  }
}

/// How a replay went.
package struct ReplayOutcome: Sendable, Equatable {
  /// Answers and tokens that came out the same.
  package var answers = 0
  package var tokens = 0
  /// Where the first difference is; nil where all is the same.
  package var divergence: ReplayDivergence?
  /// What speaks against an equal result from the start, such as another model file.
  package var notes: [String] = []
}

/// The first place where a replay differs from its session.
package struct ReplayDivergence: Sendable, Equatable, CustomStringConvertible {
  package enum Kind: Sendable, Equatable {
    /// The prompt has another count of tokens.
    case prompt(expected: Int, got: Int)
    /// Another token came. Probabilities are those of this run; nil for a token not among its best candidates.
    case token(index: Int, expected: Choice, got: Choice)
    /// The answer ended before this token.
    case ended(index: Int, expected: TokenID)
    /// The answer went on where the recorded one had ended.
    case wentOn(index: Int, got: Choice)
  }

  /// A token with its text and probability, as far as they are known.
  package struct Choice: Sendable, Equatable, CustomStringConvertible {
    package var token: TokenID
    package var text: String?
    package var probability: Float?

    package var description: String {
      let name = text.map { "\(token) \($0.debugDescription)" } ?? "\(token)"
      guard let probability else { return name + " (not among the best)" }
      return name + " (probability \((Double(probability) * 10_000).rounded() / 10_000))"
    }
  }

  package var message: MessageID
  package var kind: Kind

  init(_ answer: RecordedAnswer, _ kind: Kind) {
    message = answer.message
    self.kind = kind
  }

  init(
    _ answer: RecordedAnswer, at index: Int, expected: TokenID?, _ record: TokenRecord,
    _ pieces: [TokenID: String]
  ) {
    let sampled = record.sampled
    let got = Choice(
      token: sampled.token, text: pieces[sampled.token], probability: sampled.probability)
    guard let expected else {
      self.init(answer, .wentOn(index: index, got: got))
      return
    }
    let probability = sampled.alternatives.first { $0.token == expected }?.probability
    let wanted = Choice(token: expected, text: pieces[expected], probability: probability)
    self.init(answer, .token(index: index, expected: wanted, got: got))
  }

  package var description: String {
    switch kind {
    case .prompt(let expected, let got):
      "message \(message): the prompt has \(got) tokens, \(expected) were recorded"
    case .token(let index, let expected, let got):
      "message \(message), token \(index): expected \(expected), got \(got)"
    case .ended(let index, let expected):
      "message \(message), token \(index): expected \(expected), but the answer ended"
    case .wentOn(let index, let got):
      "message \(message), token \(index): the recorded answer ends here, got \(got)"
    }
  }
}

extension RecordedAnswer {
  /// Whether a person, or the end of the program, cut it short.
  fileprivate var wasStopped: Bool { provenance == nil || provenance?.finish == .cancelled }
}
