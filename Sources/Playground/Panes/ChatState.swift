import Inference
import Runtime
import Terminal

/// The chat pane: the conversation, its laid-out branch, and where the reader stands.
package struct ChatState: Sendable, Equatable {
  package var conversation = Conversation()
  package var transcript = Transcript()
  package var scroll = Scroll()
  /// The message that `J` and `K` chose; nil for the last one.
  package var cursor: MessageID?
  package var search: Search?
  package var isRaw = false
  /// Whether text that a drafter had guessed is marked.
  package var isTinted = false
  /// What was guessed of each answer made with methods, as bytes of its text in UTF-8.
  package var drafted: [MessageID: [Range<Int>]] = [:]
  /// The message whose text is being edited in the prompt.
  package var editing: MessageID?
  /// Messages that wait until the engine is free.
  package var queue: [String] = []
  /// Exact tokens in the context; nil until the engine counted.
  package var contextTokens: Int?

  /// The code block that was copied last.
  package var copiedBlock: CopiedBlock?

  package struct CopiedBlock: Sendable, Equatable {
    package var message: MessageID
    package var index: Int
  }

  package struct Search: Sendable, Equatable {
    package var query: String
    /// The line that `n` and `N` stand at.
    package var line: Int?
  }

  package init() {}

  /// The message that commands act on.
  package var target: ChatMessage? {
    if let cursor, let message = conversation[cursor] { return message }
    return conversation.head.flatMap { conversation[$0] }
  }
}

/// An answer that is being made.
package struct RunningAnswer: Sendable, Equatable {
  package enum Phase: Sendable, Equatable {
    /// Submitted; the engine has not begun.
    case waiting
    case reading(done: Int, total: Int, seconds: Double)
    case generating
  }

  package var ticket: Int
  package var message: MessageID
  package var phase = Phase.waiting
  package var settings: SamplerSettings
  package var maximumTokens: Int
  package var methods: MethodSelection
  /// What the model reads, where that is something else than the branch through its template.
  package var recordedSource: PromptSource?
  package var changes: [KnobChange] = []
  package var tokens = 0
  /// Texts of the writers after the first, by their numbers from 1.
  package var writers: [Int: String] = [:]
  package var isHeld = false
  /// Monotonic time at which a stop was asked for.
  package var stoppingSince: UInt64?
  package var submitted: UInt64

  package init(
    ticket: Int, message: MessageID, request: GenerateRequest, submitted: UInt64
  ) {
    self.ticket = ticket
    self.message = message
    settings = request.settings
    maximumTokens = request.maximumTokens
    methods = request.methods
    if case .raw = request.source { recordedSource = request.source }
    self.submitted = submitted
  }
}

/// What the engine has loaded.
package enum ModelState: Sendable, Equatable {
  case none
  case loading(path: String, fraction: Double)
  case ready(ModelSummary)
  case failed(path: String, reason: String)

  package var summary: ModelSummary? {
    if case .ready(let summary) = self { return summary }
    return nil
  }
}
