import Inference
import Runtime
import Terminal

/// Something that happened: the only way into the state.
package enum Action: Sendable {
  case key(Key)
  case resize(Size)
  /// The clock, set before the other actions of a batch.
  case time(Clock)
  /// The prompt's text or display changed.
  case prompt(PromptContent)
  /// The prompt's text was accepted.
  case submitted(String)
  case job(ticket: Int, JobEvent)
  /// The stream of a job ended.
  case jobEnded(ticket: Int)
  case sessions([SessionEntry])
  case sessionOpened(OpenedSession)
  /// The file of the present session was made.
  case sessionCreated(id: String)
  case models([ModelEntry])
  /// An editor came back; nil text means that it was given up.
  case edited(EditPurpose, String?)
  case notice(Notice)
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

/// What the prompt shows.
package struct PromptContent: Sendable, Equatable {
  package var text: String
  /// Clusters of `text` before the cursor.
  package var cursor: Int
  /// What stands before the text, such as `> ` or the label of a history search.
  package var label: String
  /// Completions to choose from; empty when none are shown.
  package var matches: [String]
  /// The sub-mode of readline's vi keys; nil otherwise.
  package var isVICommand: Bool?

  package init(
    text: String = "", cursor: Int = 0, label: String = "> ", matches: [String] = [],
    isVICommand: Bool? = nil
  ) {
    self.text = text
    self.cursor = cursor
    self.label = label
    self.matches = matches
    self.isVICommand = isVICommand
  }
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
  case closeSession(forkedFrom: String?)
  case syncSession
  case listSessions
  case openSession(path: String)
  case listModels
  case setPrompt(String)
  case acceptPrompt
  case edit(EditPurpose, String)
  case copy(String)
  case title(String)
  case suspend
  case repaint
  case quit
}
