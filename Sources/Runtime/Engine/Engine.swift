import Compute
import Inference

/// Owns the model, its caches and the worker threads, and does one job at a time in the order they came.
///
/// Everything mutable lives on the engine's own thread. An idle engine uses no processor time.
package actor Engine {
  private let executor: ComputeThreadExecutor
  private let queue = JobQueue()
  private let loader: EngineModelLoader
  private let decoding: DecodingParts
  private let pool: WorkerPool
  private let kernels = Kernels.shared
  private var roofline: Roofline?
  private var current: EngineModel?
  private var caches = CacheStore()
  /// Of races that keep their prompt.
  private var raceCaches = CacheStore()
  private let shelf: MethodShelf
  private let pictures: PictureShelf

  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  /// - Parameters:
  ///   - threads: threads that compute, the engine's own included; nil takes the processors at hand.
  ///   - rooflineFile: where the measured roofs are kept between runs; nil measures none.
  package init(
    threads: Int? = nil, rooflineFile: String? = nil,
    loader: @escaping EngineModelLoader = EngineModel.fromGGUF,
    decoding: DecodingParts = .standard, supplies: MethodSupplies = .methodsOnly
  ) {
    executor = ComputeThreadExecutor(name: "paceline-engine")
    let pool = WorkerPool(count: threads)
    self.pool = pool
    roofline = rooflineFile.map { Roofline(file: $0, threads: pool.count, kernels: .shared) }
    self.loader = loader
    self.decoding = decoding
    shelf = MethodShelf(supplies: supplies, loader: loader, pool: pool)
    pictures = PictureShelf(supplies: supplies, pool: pool)
  }

  deinit {
    pool.shutDown()
    executor.stop()
  }

  /// Threads that compute.
  package nonisolated var threads: Int { pool.count }

  /// Puts a job in the queue and returns at once.
  package nonisolated func submit(_ request: JobRequest) -> Job {
    let job = queue.append(request)
    Task { await work() }
    return job
  }

  /// Does all jobs that wait; then, with nobody waiting, measures what nobody should wait for.
  private func work() {
    while let entry = queue.next() { finish(entry) }
    if let file = current?.file {
      roofline?.measure(file, on: pool) { queue.isEmpty }
    }
  }

  private func finish(_ entry: JobQueue.Entry) {
    let readWeights = queue.readsWeights
    queue.readsWeights = !entry.request.isLoad
    perform(entry)
    queue.readsWeights = readWeights
    entry.events.finish()
  }

  /// Does what waits and is no picture: text does not wait for a picture, only for its next step.
  private func finishOthers() {
    while let entry = queue.next(where: { !$0.isPicture }) { finish(entry) }
  }

  private func perform(_ entry: JobQueue.Entry) {
    do throws(InferenceError) {
      guard !entry.control.cancellation.isRaised else { throw .cancelledBeforeStart }
      switch entry.request {
      case .load(let path, let contextLength):
        try load(path, contextLength: contextLength, for: entry)
      case .inspect(let source):
        entry.events.yield(.inspected(try PromptBuilder(model: try model()).listing(of: source)))
      case .generate(let request):
        try GenerateRun(
          request: request, entry: entry, model: try model(), decoding: decoding, shelf: shelf,
          pool: pool, roofs: roofline?.roofs ?? Roofs()
        ).run(caches: &caches)
        roofline?.renew()
      case .race(let request):
        try RaceRun(
          request: request, entry: entry, model: try model(), decoding: decoding, shelf: shelf,
          pool: pool
        ).run(keeping: &raceCaches)
      case .prepare(let selection):
        try prepare(selection)
        entry.events.yield(.prepared)
      case .paint(let request):
        try PaintingJob(request: request, entry: entry, shelf: pictures).run {
          finishOthers()
        }
      }
    } catch {
      entry.events.yield(.failed(error))
    }
  }

  private func model() throws(InferenceError) -> EngineModel {
    guard let current else { throw InferenceError(.invalidRequest, "no model is loaded") }
    return current
  }

  /// Fills a plan that nothing is decoded with.
  private func prepare(_ selection: MethodSelection) throws(InferenceError) {
    let model = try model()
    var plan = decoding.plan(
      model: model.model, tokenizer: model.tokenizer,
      cache: try model.model.makeCache(capacity: model.summary.contextLength),
      settings: .greedy)
    try shelf.install(selection, in: &plan, for: model, memory: shelf.memory)
  }

  // MARK: Loading

  private func load(
    _ path: String, contextLength: Int?, for entry: JobQueue.Entry
  ) throws(InferenceError) {
    let start = monotonicNanoseconds()
    entry.events.yield(.loading(fraction: 0))
    var loaded = try loader(path, contextLength)
    guard !entry.control.cancellation.isRaised else {
      throw InferenceError(.cancelled, "loading was cancelled")
    }
    loaded.summary.instructionSet = kernels.name
    loaded.summary.threads = pool.count
    loaded.summary.loadSeconds = secondsBetween(start, monotonicNanoseconds())
    caches.removeAll()
    raceCaches.removeAll()
    shelf.clear()
    current = loaded
    if let file = loaded.file {
      // What could not be measured while the file was still on the disk is made up for then.
      PageWarmer.start(file) { [queue] in
        queue.readsWeights
      } done: { [weak self] in
        Task { await self?.work() }
      }
    }
    entry.events.yield(.loaded(loaded.summary))
  }
}
