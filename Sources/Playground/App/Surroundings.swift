import Inference
import PictureFiles
import Runtime
import Terminal

/// What the event loop waits for.
package struct LoopInput: Sendable {
  package var bytes: [UInt8] = []
  /// The size, where it may have changed.
  package var size: Size?
  /// Another process asks to stop.
  package var isStopRequested = false
  package var terminationSignal: Int32?
  /// The terminal is gone.
  package var isClosed = false

  package init() {}
}

/// The world around the event loop, as functions: the real one in `PlaygroundApp`, a played one in tests.
package struct Surroundings {
  /// Puts a job in the engine's queue.
  package var submit: @MainActor (JobRequest) -> Job
  /// Waits for input, a wake-up or the deadline.
  package var wait: @MainActor (ContinuousClock.Instant?) -> LoopInput
  package var present: @MainActor (PlaygroundState) -> Void
  package var clock: @MainActor () -> Clock
  package var prompt: PromptPort
  package var files: FilePort
  /// Puts text on the clipboard; says what became of it.
  package var copy: @MainActor (String) -> Notice
  /// Stops the process as C-z does, and comes back.
  package var suspend: @MainActor () -> Void
  package var repaint: @MainActor () -> Void
  /// Lets an external editor change a text; nil where it was given up.
  package var edit: @MainActor (String) -> Result<String?, InferenceError>
  /// Takes answers of the terminal to questions about itself; true where the look changed.
  package var note: @MainActor ([TerminalReply]) -> Bool

  package init(
    submit: @escaping @MainActor (JobRequest) -> Job,
    wait: @escaping @MainActor (ContinuousClock.Instant?) -> LoopInput,
    present: @escaping @MainActor (PlaygroundState) -> Void,
    clock: @escaping @MainActor () -> Clock, prompt: PromptPort, files: FilePort,
    copy: @escaping @MainActor (String) -> Notice, suspend: @escaping @MainActor () -> Void,
    repaint: @escaping @MainActor () -> Void,
    edit: @escaping @MainActor (String) -> Result<String?, InferenceError>,
    note: @escaping @MainActor ([TerminalReply]) -> Bool = { _ in false }
  ) {
    self.submit = submit
    self.wait = wait
    self.present = present
    self.clock = clock
    self.prompt = prompt
    self.files = files
    self.copy = copy
    self.suspend = suspend
    self.repaint = repaint
    self.edit = edit
    self.note = note
  }
}

/// The line editor of the prompt.
package struct PromptPort {
  package var feed: @MainActor ([UInt8]) -> Void
  package var paste: @MainActor (String) -> Void
  package var setText: @MainActor (String) -> Void
  /// What to show, where that changed since the last call.
  package var changed: @MainActor () -> PromptState?
  /// What the editor asked for since the last call: lines sent, commands run.
  package var requests: @MainActor () -> [Action]

  package init(
    feed: @escaping @MainActor ([UInt8]) -> Void, paste: @escaping @MainActor (String) -> Void,
    setText: @escaping @MainActor (String) -> Void,
    changed: @escaping @MainActor () -> PromptState?,
    requests: @escaping @MainActor () -> [Action]
  ) {
    self.feed = feed
    self.paste = paste
    self.setText = setText
    self.changed = changed
    self.requests = requests
  }
}

/// Sessions and models on the disk; answers come as actions.
package struct FilePort {
  package var record: @MainActor ([SessionRecord], PlaygroundState) -> Void
  package var closeSession: @MainActor () -> Void
  package var sync: @MainActor () -> Void
  package var listSessions: @MainActor () -> Void
  package var openSession: @MainActor (String) -> Void
  package var forkSession: @MainActor (MessageID) -> Void
  package var listModels: @MainActor () -> Void
  /// Writes a race to a file; says where, or why not.
  package var exportRace: @MainActor (RaceExport) -> Notice
  /// Writes a picture to a path or, where that is empty, under a stem beside the sessions; says where, or why not.
  package var savePicture: @MainActor (PictureFile, _ stem: String, _ path: String) -> Notice = {
    _, _, _ in Notice(.error, "pictures cannot be saved here")
  }
  package var openPicture: @MainActor (_ path: String) -> Void = { _ in }
  /// What became known since the last call, such as the name of a file that was made.
  package var news: @MainActor () -> [Action]

  package init(
    record: @escaping @MainActor ([SessionRecord], PlaygroundState) -> Void,
    closeSession: @escaping @MainActor () -> Void, sync: @escaping @MainActor () -> Void,
    listSessions: @escaping @MainActor () -> Void,
    openSession: @escaping @MainActor (String) -> Void,
    forkSession: @escaping @MainActor (MessageID) -> Void,
    listModels: @escaping @MainActor () -> Void,
    exportRace: @escaping @MainActor (RaceExport) -> Notice,
    news: @escaping @MainActor () -> [Action]
  ) {
    self.record = record
    self.closeSession = closeSession
    self.sync = sync
    self.listSessions = listSessions
    self.openSession = openSession
    self.forkSession = forkSession
    self.listModels = listModels
    self.exportRace = exportRace
    self.news = news
  }
}
