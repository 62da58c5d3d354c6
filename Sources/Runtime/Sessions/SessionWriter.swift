import Dispatch
import Inference
import Synchronization

/// Appends one session's records to its file, in the background.
///
/// What a person wrote and finished answers are on the disk at once, streaming tokens within `interval`. The file comes
/// into being with the first message of a person: a session that was only looked at leaves nothing behind. Nothing is
/// ever lost to a full disk: what cannot be written is kept and tried again.
package final class SessionWriter: Sendable {
  /// Calls the closure after so many seconds.
  package typealias Timer = @Sendable (Double, @escaping @Sendable () -> Void) -> Void

  /// What is touched on the queue alone.
  private struct State {
    var target: Target
    /// Lines not yet written, each with its line end.
    var pending: [UInt8] = []
    /// Tokens not yet made a line.
    var tokens: (message: MessageID, ids: [TokenID], text: String)?
    var isUnsynced = false
    var timerRuns = false
  }

  private enum Target {
    /// No file yet: where it will lie, and what it begins with.
    case planned(folder: String, header: SessionHeader, records: [SessionRecord])
    case open(SystemFile)
    case closed
  }

  /// What other threads may ask for.
  private struct Published {
    var path: String?
    var failure: InferenceError?
  }

  private let queue = DispatchQueue(label: "paceline.session", qos: .utility)
  private let state: Mutex<State>
  private let published: Mutex<Published>
  private let timer: Timer?
  private let interval: Double

  /// A new session in `folder`; an empty `id` in the header is given when the file is made.
  ///
  /// - Parameters:
  ///   - interval: seconds that streamed tokens may wait for the disk.
  ///   - timer: stands in for the clock in tests.
  package init(
    newIn folder: String, header: SessionHeader, interval: Double = 1, timer: Timer? = nil
  ) {
    state = Mutex(State(target: .planned(folder: folder, header: header, records: [])))
    published = Mutex(Published())
    self.interval = interval
    self.timer = timer
  }

  /// Goes on with an existing file, on a line of its own even where the last one was torn.
  ///
  /// - Throws: `environment` where the file cannot be opened, or another program has it open for writing.
  package init(
    resuming path: String, interval: Double = 1, timer: Timer? = nil
  ) throws(InferenceError) {
    let file = try SystemFile(path, .append)
    guard file.lock() else {
      throw InferenceError(
        .environment, "open in another paceline: fork it (b), or close that one first: \(path)")
    }
    state = Mutex(State(target: .open(file)))
    published = Mutex(Published(path: path))
    self.interval = interval
    self.timer = timer
    if let torn = try SessionTail.tornBytes(of: file) {
      try file.append([UInt8(ascii: "\n")])
      if torn > 0 { append(.resumed(tornBytes: torn)) }
    }
  }

  /// The file, once there is one.
  package var path: String? { published.withLock { $0.path } }
  /// Why the last attempt to write failed; nil while all is well.
  package var failure: InferenceError? { published.withLock { $0.failure } }

  /// Takes a record over; returns at once.
  package func append(_ record: SessionRecord) {
    queue.async { [self] in state.withLock { take(record, &$0) } }
  }

  /// Returns once everything appended so far is on the disk, or could not be brought there.
  package func flush() {
    queue.sync { state.withLock { write(&$0, sync: true) } }
  }

  /// Writes what waits and gives the file back, so that it can be resumed; what is appended later is left out.
  ///
  /// - Returns: why the last records could not be written; nil where they are on the disk.
  @discardableResult
  package func close() -> InferenceError? {
    queue.sync {
      state.withLock { state in
        write(&state, sync: true)
        state.target = .closed
      }
    }
    return failure
  }

  /// Returns once everything appended so far was taken over; streamed tokens may still wait for their time.
  package func drain() { queue.sync {} }

  // MARK: On the queue

  private func take(_ record: SessionRecord, _ state: inout State) {
    if case .closed = state.target { return }
    if case .planned(let folder, let header, var records) = state.target {
      records.append(record)
      state.target = .planned(folder: folder, header: header, records: records)
      guard case .message(let message) = record, message.role == .user else { return }
      write(&state, sync: true)
      return
    }
    if case .answerTokens(let message, let ids, let text) = record {
      if let waiting = state.tokens, waiting.message == message {
        state.tokens = (message, waiting.ids + ids, waiting.text + text)
      } else {
        settleTokens(&state)
        state.tokens = (message, ids, text)
      }
      startTimer(&state)
      return
    }
    settleTokens(&state)
    add(record, &state)
    switch record {
    case .answerStarted, .knobs: startTimer(&state)
    default: write(&state, sync: true)
    }
  }

  /// Makes the tokens that wait a line.
  private func settleTokens(_ state: inout State) {
    guard let (message, ids, text) = state.tokens else { return }
    state.tokens = nil
    add(.answerTokens(message: message, tokens: ids, text: text), &state)
  }

  private func add(_ record: SessionRecord, _ state: inout State) {
    state.pending += record.line.utf8
    state.pending.append(UInt8(ascii: "\n"))
  }

  /// Sees to it that what waits is written in a while; no timer runs while nothing waits.
  private func startTimer(_ state: inout State) {
    guard !state.timerRuns else { return }
    state.timerRuns = true
    let fire: @Sendable () -> Void = { [self] in
      self.state.withLock { state in
        state.timerRuns = false
        write(&state, sync: true)
      }
    }
    if let timer {
      timer(interval) { [queue] in queue.async(execute: fire) }
    } else {
      queue.asyncAfter(deadline: .now() + interval, execute: fire)
    }
  }

  private func write(_ state: inout State, sync: Bool) {
    do throws(InferenceError) {
      let file = try openFile(&state)
      guard let file else { return }
      settleTokens(&state)
      if !state.pending.isEmpty {
        try file.append(state.pending)
        state.pending = []
        state.isUnsynced = true
      }
      if sync, state.isUnsynced {
        try file.sync()
        state.isUnsynced = false
      }
      published.withLock { $0.failure = nil }
    } catch {
      published.withLock { $0.failure = error }
      startTimer(&state)
    }
  }

  /// The file; made now where its time has come, nil where it has not.
  private func openFile(_ state: inout State) throws(InferenceError) -> SystemFile? {
    switch state.target {
    case .open(let file): return file
    case .closed: return nil
    case .planned(let folder, let header, let records):
      let isWorthKeeping = records.contains { record in
        if case .message(let message) = record { message.role == .user } else { false }
      }
      guard isWorthKeeping else { return nil }
      let (file, id) = try SessionStore.create(in: folder, preferredID: header.id)
      var header = header
      header.id = id
      state.target = .open(file)
      published.withLock { $0.path = file.path }
      add(.header(header), &state)
      for record in records { add(record, &state) }
      return file
    }
  }
}
