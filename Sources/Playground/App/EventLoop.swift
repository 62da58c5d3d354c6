import Inference
import Runtime
import Terminal

/// Turns input and engine events into state, effects and frames, on the main thread.
///
/// Everything that waits is taken up before a frame is drawn; frames come at most 60 a second after a key and 30 a
/// second while text streams, and the last state always shows. Nothing to do means no timer and no work.
@MainActor package final class EventLoop {
  package private(set) var state: PlaygroundState
  /// The signal that asked for the end; nil where the person did.
  package private(set) var terminationSignal: Int32?

  /// Bytes of a paste that the prompt takes: more than any context holds, and quick to edit.
  private static let longestPaste = 65_536

  private let outside: Surroundings
  private let mailbox: Mailbox
  private var decoder: KeyDecoder
  /// Monotonic time at which bytes that are held back, in case more come, are settled as keys.
  private var settlingTime: UInt64?
  private var jobs: [Int: Job] = [:]
  private var isDone = false
  /// Whether the state changed since the last frame.
  private var isDirty = true
  private var nextFrame = ContinuousClock.now
  private var hadKeys = false

  package init(
    state: PlaygroundState, mailbox: Mailbox, decoder: KeyDecoder = KeyDecoder(),
    outside: Surroundings
  ) {
    self.state = state
    self.mailbox = mailbox
    self.decoder = decoder
    self.outside = outside
  }

  /// Runs until the person quits, a signal asks for the end, or the terminal is gone.
  ///
  /// - Parameter first: what to do before the first wait, such as loading a model.
  package func run(_ first: [Action] = [], effects: [Effect] = []) {
    updateClock()
    takePrompt()
    // The first frame does not wait for anything.
    present()
    for effect in effects { perform(effect) }
    for action in first { dispatch(action) }
    while !isDone { turn() }
    outside.files.sync()
  }

  /// One wait and everything that it brought.
  private func turn() {
    let input = outside.wait(deadline())
    updateClock()
    take(input)
    for action in mailbox.drain() { dispatch(action) }
    for action in outside.files.news() { dispatch(action) }
    takePrompt()
    guard isDirty, !isDone, .now >= nextFrame else { return }
    present()
  }

  /// When the wait must end by itself: for a frame that is due, or a key that may be half.
  private func deadline() -> ContinuousClock.Instant? {
    let frame = isDirty ? nextFrame : nil
    let key = settlingTime.map {
      ContinuousClock.now + .nanoseconds($0 - min($0, state.clock.monotonic))
    }
    guard let frame, let key else { return frame ?? key }
    return min(frame, key)
  }

  private func present() {
    outside.present(state)
    isDirty = false
    nextFrame = .now + .milliseconds(hadKeys ? 16 : 33)
    hadKeys = false
  }

  // MARK: Input

  private func take(_ input: LoopInput) {
    if let size = input.size {
      isDirty = true
      dispatch(.resize(size))
    }
    if input.isStopRequested { suspend() }
    if let signal = input.terminationSignal {
      terminationSignal = signal
      dispatch(.terminate)
    }
    if input.isClosed { dispatch(.terminate) }
    take(keys(in: input.bytes))
    if outside.note(decoder.takeReplies()) { isDirty = true }
  }

  /// The keys that bytes complete; without bytes those that were held back, where no more came in time.
  ///
  /// A word of the engine ends a wait as well, and must not cut the terminal's answer in two.
  private func keys(in bytes: [UInt8]) -> [KeyEvent] {
    let isLate = settlingTime.map { state.clock.monotonic >= $0 } ?? false
    guard !bytes.isEmpty || isLate else { return [] }
    let events = bytes.isEmpty ? decoder.flush() : decoder.feed(bytes)
    settlingTime = decoder.pendingTimeout.map {
      state.clock.monotonic &+ UInt64($0 / .nanoseconds(1))
    }
    return events
  }

  /// Text that comes in one piece, as a paste does where terminals do not mark it, goes to the prompt as a whole: to
  /// lay it out after each character takes the longer the more there is.
  private func take(_ events: [KeyEvent]) {
    var text: [UInt8] = []
    for event in events where !isDone {
      if case .character = event.key, !state.claims(event.key) {
        text += event.bytes
        continue
      }
      take(text: text)
      text = []
      take(event)
    }
    take(text: text)
  }

  private func take(text: [UInt8]) {
    guard !text.isEmpty, !isDone else { return }
    noteKey()
    dispatch(.typed)
    outside.prompt.feed(text)
    takePrompt()
  }

  private func noteKey() {
    hadKeys = true
    // A key before this one may have been quick: its frame need not wait for the text's rhythm.
    nextFrame = min(nextFrame, .now + .milliseconds(8))
  }

  private func take(_ event: KeyEvent) {
    noteKey()
    if state.claims(event.key) {
      dispatch(.key(event.key))
    } else {
      dispatch(.typed)
      type(event)
    }
    takePrompt()
  }

  private func type(_ event: KeyEvent) {
    if case .paste(let text) = event.key, text.utf8.count > Self.longestPaste {
      let kilobytes = text.utf8.count / 1024
      dispatch(
        .notice(Notice(.warning, "paste of \(kilobytes) kB not taken: the prompt holds 64 kB")))
    } else if case .paste(let text) = event.key {
      outside.prompt.paste(text)
    } else {
      outside.prompt.feed(event.bytes)
    }
  }

  private func takePrompt() {
    for action in outside.prompt.requests() { dispatch(action) }
    if let prompt = outside.prompt.changed() { dispatch(.prompt(prompt)) }
  }

  private func updateClock() { _ = update(&state, .time(outside.clock())) }

  // MARK: Effects

  private func dispatch(_ action: Action) {
    isDirty = true
    if case .jobEnded(let ticket) = action { jobs[ticket] = nil }
    for effect in update(&state, action) { perform(effect) }
  }

  private func perform(_ effect: Effect) {
    switch effect {
    case .submit(let ticket, let request): submit(ticket, request)
    case .cancel(let ticket): jobs[ticket]?.cancel()
    case .change(let ticket, let settings): jobs[ticket]?.control.change(to: settings)
    case .hold(let ticket, let isHeld): jobs[ticket]?.control.isHeld = isHeld
    case .record(let records): outside.files.record(records, state)
    case .closeSession: outside.files.closeSession()
    case .syncSession: outside.files.sync()
    case .listSessions: outside.files.listSessions()
    case .openSession(let path): outside.files.openSession(path)
    case .forkSession(let id): outside.files.forkSession(id)
    case .listModels: outside.files.listModels()
    case .exportRace(let race): dispatch(.notice(outside.files.exportRace(race)))
    case .savePicture(let file, let stem, let path):
      dispatch(.notice(outside.files.savePicture(file, stem, path)))
    case .openPicture(let path): outside.files.openPicture(path)
    case .setPrompt(let text): outside.prompt.setText(text)
    case .feedPrompt(let bytes):
      outside.prompt.feed(bytes)
      takePrompt()
    case .edit(let purpose, let text): edit(purpose, text)
    case .copy(let text): dispatch(.notice(outside.copy(text)))
    case .suspend: suspend()
    case .repaint: outside.repaint()
    case .quit: isDone = true
    }
  }

  private func submit(_ ticket: Int, _ request: JobRequest) {
    let job = outside.submit(request)
    jobs[ticket] = job
    let mailbox = mailbox
    Task.detached(priority: .userInitiated) {
      for await event in job.events { mailbox.post(.job(ticket: ticket, event)) }
      mailbox.post(.jobEnded(ticket: ticket))
    }
  }

  private func edit(_ purpose: EditPurpose, _ text: String) {
    switch outside.edit(text) {
    case .success(let new): dispatch(.edited(purpose, new))
    case .failure(let error): dispatch(.notice(Notice(.error, error.message)))
    }
    isDirty = true
  }

  /// Stops the process; the engine rests meanwhile.
  private func suspend() {
    outside.files.sync()
    for job in jobs.values { job.control.isHeld = true }
    outside.suspend()
    for (ticket, job) in jobs {
      job.control.isHeld = state.running.map { $0.ticket == ticket && $0.isHeld } ?? false
    }
    updateClock()
    isDirty = true
  }
}
