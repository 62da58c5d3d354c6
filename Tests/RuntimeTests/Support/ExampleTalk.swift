import Inference
import Runtime

/// What a person does in an example session.
enum ExampleStep {
  case ask(String)
  /// Another answer to the last question.
  case regenerate
  /// Goes on with the last answer, up to so many more tokens.
  case goOn(Int)
}

/// A talk as the playground would lead and record it.
struct ExampleTalk {
  var name: String
  var title: String
  var system: String?
  var settings: SamplerSettings
  var maximumTokens: Int
  /// New settings for the first answer, at a token of it.
  var change: KnobChange?
  var steps: [ExampleStep]

  /// The examples that are kept in the repository.
  static let all: [ExampleTalk] = [
    ExampleTalk(
      name: "greedy-facts", title: "Two facts, greedily", system: nil, settings: .greedy,
      maximumTokens: 16,
      steps: [.ask("Name the capital of France."), .ask("And of Italy?")]),
    ExampleTalk(
      name: "knob-mid-answer", title: "A knob turned in mid-answer",
      system: "You are a poet. Be brief.", settings: SamplerSettings(), maximumTokens: 24,
      change: KnobChange(tokenIndex: 10, settings: warm(1.4)),
      steps: [.ask("Write one line about the sea."), .regenerate]),
    ExampleTalk(
      name: "stop-and-continue", title: "Stopped and continued", system: nil,
      settings: warm(0.6), maximumTokens: 8,
      steps: [.ask("Count from one to ten in words."), .goOn(12)]),
  ]

  private static func warm(_ temperature: Double) -> SamplerSettings {
    var settings = SamplerSettings()
    settings.temperature = temperature
    return settings
  }

  /// Leads the talk and hands each record over.
  func lead(on engine: Engine, record: (SessionRecord) -> Void) async throws(InferenceError) {
    var conversation = Conversation(system: system)
    if let system { record(.system(system)) }
    var seed = settings.seed
    for (number, step) in steps.enumerated() {
      var request = GenerateRequest(
        source: .chat([]), settings: settings, maximumTokens: maximumTokens)
      var answer: MessageID
      switch step {
      case .ask(let text):
        let question = conversation.append(
          .user, text, after: conversation.head, time: time(number))
        tell(question, of: conversation, to: record)
        answer = conversation.append(.assistant, "", after: question, time: time(number))
        tell(answer, of: conversation, to: record)
        request.source = .chat(conversation.turns(to: question))
      case .regenerate:
        let parent = conversation.head.flatMap { conversation[$0]?.parent }
        answer = conversation.append(.assistant, "", after: parent, time: time(number))
        tell(answer, of: conversation, to: record)
        seed += 1
        request.settings.seed = seed
        request.source = .chat(conversation.turns(to: parent))
      case .goOn(let count):
        answer = conversation.head ?? 0
        request.maximumTokens = count
        request.source = .chat(conversation.turns(to: answer))
      }
      if number == 0, let change { request.scheduledChanges = [change] }
      for await event in engine.submit(.generate(request)).events {
        switch event {
        case .started(let prompt, _, _):
          record(
            .answerStarted(
              message: answer, settings: request.settings, promptTokens: prompt,
              maximumTokens: request.maximumTokens))
        case .tokens(let chunk):
          let ids = chunk.records.map(\.sampled.token)
          conversation.appendText(chunk.text, tokens: ids, to: answer)
          record(.answerTokens(message: answer, tokens: ids, text: chunk.text))
        case .finished(var provenance):
          // Timings would make every recording a different file.
          provenance.promptSeconds = 0
          provenance.generationSeconds = 0
          provenance.timeToFirstToken = 0
          record(.answerFinished(message: answer, provenance: provenance))
        case .failed(let error): throw error
        default: break
        }
      }
    }
    record(.title(title))
  }

  private func time(_ step: Int) -> Double { 1_772_368_200 + Double(step) }

  private func tell(
    _ id: MessageID, of conversation: Conversation, to record: (SessionRecord) -> Void
  ) {
    if let message = conversation[id] { record(.message(message)) }
  }
}
