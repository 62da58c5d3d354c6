import Inference
import Runtime
import Terminal

/// Everything the screen shows, as one value.
package struct PlaygroundState: Sendable {
  package var size: Size
  package var clock = Clock()
  /// Seconds east of UTC.
  package var utcOffset: Int

  package var mode = InputMode.insert
  package var focus = PaneID.chat
  package var isZoomed = false
  /// Which of the layout's presets is shown.
  package var preset = 0
  package var overlays: [Overlay] = []

  package var model = ModelState.none
  /// Of the model file, lower-case hexadecimal; empty until known.
  package var modelHash = ""
  /// That of the file that is being loaded: one that was computed before is here sooner than the model.
  package var loadingHash = ""
  /// What to return to when loading another model fails.
  package var previousModel: ModelState?
  package var modelFiles: [ModelEntry] = []
  /// The file that a person means by a name or a path.
  package var findModel: @Sendable (String) -> Result<String, InferenceError> = { .success($0) }
  /// Positions to load models with; nil leaves it to the engine.
  package var contextLength: Int?
  package var prompt = PromptState()
  package var settings = SamplerSettings() {
    didSet { if settings != oldValue { knobs.take(settings) } }
  }
  package var maximumTokens = 1024
  /// Whether the seed grows by one after each answer, so that a regenerated answer differs.
  package var advancesSeed = true

  package var chat = ChatState()
  package var profile = ProfileState()
  package var knobs = KnobsState()
  package var methods = MethodsState()
  package var pictures = PicturesState()
  package var sessions = SessionsState()
  package var session = SessionIdentity()

  package var running: RunningAnswer?
  /// Tickets of jobs that answer a question of the interface, with what it was.
  package var inquiries: [Int: Inquiry] = [:]
  package var nextTicket = 1
  package var undo = UndoHistory()

  package var notice: Notice?
  /// Monotonic time at which the notice came.
  package var noticeTime: UInt64 = 0
  package var log: [Notice] = []
  package var isQuitting = false

  package init(
    size: Size, utcOffset: Int = 0, methods: [MethodEntry] = [], painters: [MethodEntry] = []
  ) {
    self.size = size
    self.utcOffset = utcOffset
    self.methods = MethodsState(entries: methods)
    pictures = PicturesState(entries: painters)
  }

  /// Whether a key goes to the prompt or acts by itself.
  package enum InputMode: Sendable, Equatable { case insert, normal }

  /// A job that is no answer.
  package enum Inquiry: Sendable, Equatable {
    case load(path: String)
    /// Counts the context.
    case measure
    /// Shows the exact prompt.
    case inspect
    case race
    /// Has what a method needs made ready.
    case prepare(method: String)
    case paint
  }

  /// Whether anything moves by itself, so that the screen must be drawn again without a key.
  package var isAnimating: Bool {
    isBusy
  }

  /// Whether the engine has something to do.
  package var isBusy: Bool { keepsAnswersWaiting || pictures.isPainting }

  /// Whether an answer must wait; for a picture it need not, which is painted on when the answer is done.
  package var keepsAnswersWaiting: Bool {
    if running != nil || methods.race?.isRunning == true { return true }
    if case .loading = model { return true }
    return false
  }
}

/// The panes, by the numbers that choose them.
package enum PaneID: Int, Sendable, Hashable, CaseIterable {
  case chat = 1
  case profile = 2
  case knobs = 3
  case pictures = 4
  case sessions = 5
  case methods = 6

  package var title: String {
    switch self {
    case .chat: "chat"
    case .profile: "profile"
    case .knobs: "knobs"
    case .pictures: "pictures"
    case .sessions: "sessions"
    case .methods: "methods"
    }
  }
}

/// The session that is being written.
package struct SessionIdentity: Sendable, Equatable {
  /// nil until its file is made.
  package var id: String?
  package var title: String?
  /// Wall time of the last record; nil before the first.
  package var savedAt: Double?
  /// Why its last records are not on the disk; nil where they are, or will be in a moment.
  package var failure: String?
}

/// Branch moves and knob edits, newest last.
package struct UndoHistory: Sendable, Equatable {
  package enum Step: Sendable, Equatable {
    case head(MessageID?)
    case settings(SamplerSettings)
    case methods(MethodsState.Setup)
  }

  package var past: [Step] = []
  package var future: [Step] = []

  package mutating func push(_ step: Step) {
    // Turning one knob several times in a row is still several steps: each is undone by itself.
    past.append(step)
    if past.count > 200 { past.removeFirst() }
    future = []
  }
}

/// What lies over the panes; the last one takes the keys.
package enum Overlay: Sendable, Equatable {
  case help(SearchList)
  case palette(SearchList)
  case models(SearchList)
  case recent(SearchList)
  case dialog(Dialog)
  case input(LineInput)
  case inspector(PromptInspector)
  case log(Int)
  /// The race that runs, or the last one.
  case race
  /// The shown picture on the whole screen.
  case picture

  /// A name for each kind of layer.
  package var kind: String {
    switch self {
    case .help: "help"
    case .palette: "palette"
    case .models: "models"
    case .recent: "recent"
    case .dialog: "dialog"
    case .input: "input"
    case .inspector: "inspector"
    case .log: "log"
    case .race: "race"
    case .picture: "picture"
    }
  }

  /// Whether it closes when another layer of its sort opens.
  package var isList: Bool {
    switch self {
    case .dialog, .race, .picture: false
    default: true
    }
  }
}

/// A filter with a list under it.
package struct SearchList: Sendable, Equatable {
  package var editor = LineEditor()
  package var selected = 0

  package init() {}
}

/// A question with a key for each answer.
package struct Dialog: Sendable, Equatable {
  package enum Purpose: Sendable, Equatable {
    case contextFull(needed: Int, capacity: Int, message: MessageID)
    case quitWhileRunning
  }

  package var purpose: Purpose
  package var title: String
  package var text: String
  package var choices: [Choice]

  package struct Choice: Sendable, Equatable {
    package var key: Character
    package var label: String
  }
}

/// A one-line question over the hints row.
package struct LineInput: Sendable, Equatable {
  package enum Purpose: Sendable, Equatable {
    case search(PaneID)
    case knob(Int)
    case methodKnob(method: String, knob: String)
    case title
  }

  package var purpose: Purpose
  package var label: String
  package var editor: LineEditor
}

/// The exact prompt, token by token.
package struct PromptInspector: Sendable, Equatable {
  package struct Token: Sendable, Equatable {
    package var id: TokenID
    package var text: String
    package var isSpecial: Bool
  }

  package var tokens: [Token]
  package var showsIDs = false
  package var top = 0
}
