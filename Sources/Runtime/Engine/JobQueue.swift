import Inference
import Synchronization

/// The jobs that wait for the engine, in the order they were submitted.
final class JobQueue: Sendable {
  /// A job that waits: what to do, where to tell, and when it came.
  struct Entry: Sendable {
    let id: Int
    let request: JobRequest
    let control: DecodingControl
    let events: AsyncStream<JobEvent>.Continuation
  }

  private struct State {
    var nextID = 0
    var waiting: [Entry] = []
    var readsWeights = false
  }
  private let state = Mutex(State())

  /// Puts a job at the end.
  ///
  /// The job's `cancel` takes it out again while it still waits.
  func append(_ request: JobRequest) -> Job {
    let control = DecodingControl()
    let (events, continuation) = AsyncStream.makeStream(of: JobEvent.self)
    continuation.onTermination = { reason in
      // Nobody listens any more, so nobody needs the rest.
      if case .cancelled = reason { control.cancel() }
    }
    let id = state.withLock { state in
      let id = state.nextID
      state.nextID += 1
      state.waiting.append(Entry(id: id, request: request, control: control, events: continuation))
      return id
    }
    return Job(id: id, events: events, control: control) { [weak self] in self?.withdraw(id) }
  }

  func next() -> Entry? { next { _ in true } }

  /// The first of those that a request allows.
  func next(where isWanted: (JobRequest) -> Bool) -> Entry? {
    state.withLock { state in
      state.waiting.firstIndex { isWanted($0.request) }.map { state.waiting.remove(at: $0) }
    }
  }

  /// Whether a job runs that reads the model's weights by itself.
  var readsWeights: Bool {
    get { state.withLock { $0.readsWeights } }
    set { state.withLock { $0.readsWeights = newValue } }
  }

  var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

  private func withdraw(_ id: Int) {
    let entry = state.withLock { state -> Entry? in
      guard let place = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
      return state.waiting.remove(at: place)
    }
    guard let entry else { return }
    entry.events.yield(.failed(.cancelledBeforeStart))
    entry.events.finish()
  }
}

extension InferenceError {
  static let cancelledBeforeStart = InferenceError(.cancelled, "cancelled before it started")
}
