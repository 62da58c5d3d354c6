import Inference
import PictureFiles
import Runtime
import Terminal

/// Something that happened: the only way into the state.
package enum Action: Sendable {
  case key(Key)
  /// A key or a paste went to the prompt; what came of it follows.
  case typed
  case resize(Size)
  /// The clock, set before the other actions of a batch.
  case time(Clock)
  /// The prompt's text or display changed.
  case prompt(PromptState)
  /// The prompt's text was accepted.
  case submitted(String)
  case job(ticket: Int, JobEvent)
  /// The stream of a job ended.
  case jobEnded(ticket: Int)
  case sessions([SessionEntry])
  case sessionOpened(OpenedSession)
  /// The file of the present session was made.
  case sessionCreated(id: String)
  /// The present session cannot be written, or, with nil, can be again.
  case sessionFailed(String?)
  case models([ModelEntry])
  /// An editor came back; nil text means that it was given up.
  case edited(EditPurpose, String?)
  case notice(Notice)
  case pictureOpened(PictureFile, path: String)
  /// A command by its name.
  case command(String)
  /// The hash of a model file became known.
  case modelHash(path: String, hash: String)
  /// The process was asked to end by a signal.
  case terminate
}

/// Wall time in seconds since 1970, monotonic time in nanoseconds.
package struct Clock: Sendable, Equatable {
  package var wall: Double
  package var monotonic: UInt64

  package init(wall: Double = 0, monotonic: UInt64 = 0) {
    self.wall = wall
    self.monotonic = monotonic
  }
}

/// The prompt as readline left it.
package struct PromptState: Sendable, Equatable {
  package var display: PromptDisplay
  /// Completions to choose from; empty when none are shown.
  package var matches: [String]

  package init(
    _ display: PromptDisplay = PromptDisplay(prompt: "> ", text: "", cursor: 0),
    matches: [String] = []
  ) {
    self.display = display
    self.matches = matches
  }

  package var text: String { display.text }
}

/// A saved session, as the list shows it.
package struct SessionEntry: Sendable, Equatable {
  package var id: String
  package var path: String
  package var title: String
  /// Seconds since 1970 of the last change.
  package var time: Double
  package var turns: Int
  package var model: String

  package init(
    id: String, path: String, title: String, time: Double, turns: Int, model: String
  ) {
    self.id = id
    self.path = path
    self.title = title
    self.time = time
    self.turns = turns
    self.model = model
  }
}

/// A session that was read from its file.
package struct OpenedSession: Sendable {
  package var id: String
  package var title: String
  package var conversation: Conversation
  /// The settings of its last answer.
  package var settings: SamplerSettings?
  /// What was missing or could not be read; nil when all was well.
  package var note: String?

  package init(
    id: String, title: String, conversation: Conversation, settings: SamplerSettings?,
    note: String? = nil
  ) {
    self.id = id
    self.title = title
    self.conversation = conversation
    self.settings = settings
    self.note = note
  }
}

/// A model file on this machine.
package struct ModelEntry: Sendable, Equatable {
  package var name: String
  package var path: String
  package var bytes: Int

  package init(name: String, path: String, bytes: Int) {
    self.name = name
    self.path = path
    self.bytes = bytes
  }
}

/// A line for the status row and the log.
package struct Notice: Sendable, Equatable {
  package enum Level: String, Sendable { case info, warning, error }

  package var level: Level
  package var text: String

  package init(_ level: Level = .info, _ text: String) {
    self.level = level
    self.text = text
  }
}

/// What an external editor was opened for.
package enum EditPurpose: Sendable, Equatable {
  case prompt
  case message(MessageID)
}

/// What the outside is asked to do.
package enum Effect: Sendable {
  case submit(ticket: Int, JobRequest)
  case cancel(ticket: Int)
  case change(ticket: Int, SamplerSettings)
  case hold(ticket: Int, Bool)
  /// Adds to the session's file; the file is made first where there is none yet.
  case record([SessionRecord])
  /// Ends the session's file; the next record starts another one.
  case closeSession
  case syncSession
  case listSessions
  case openSession(path: String)
  /// Copies the branch up to a message into a session of its own and opens that.
  case forkSession(at: MessageID)
  case listModels
  /// Writes a race beside the sessions.
  case exportRace(RaceExport)
  /// Writes a picture; without a path beside the sessions, under a name that begins with `stem`.
  case savePicture(PictureFile, stem: String, path: String)
  case openPicture(path: String)
  case setPrompt(String)
  /// Bytes for readline, as if typed.
  case feedPrompt([UInt8])
  case edit(EditPurpose, String)
  case copy(String)
  case suspend
  case repaint
  case quit
}
