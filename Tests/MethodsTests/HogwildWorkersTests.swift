import Compute
import Inference
import Methods
import Models
import TestSupport
import Testing

@Suite struct HogwildWorkersTests {
  private static let architectures = ["llama", "qwen2", "gemma3"]

  private func method(
    _ workers: Int = 2, layout: HogwildLayout = .combined, check: Int = 128, budget: Int = 0
  ) -> HogwildWorkers {
    var method = HogwildWorkers()
    (method.workers, method.layout) = (workers, layout.rawValue)
    (method.check, method.budget) = (check, budget)
    return method
  }

  private func prompt(_ count: Int) -> [TokenID] { (0..<count).map { 10 + TokenID($0 * 37 % 200) } }

  private func load(
    _ architecture: String = "llama", format: ElementType = .q8_0, context: Int = 1024
  ) throws -> (model: Transformer, tokenizer: any Tokenizer) {
    var tiny = TinyModel(architecture: architecture, format: format)
    tiny.contextLength = context
    let loaded = try tiny.load()
    return (loaded.model, try TokenizerLoader.load(from: loaded.gguf))
  }

  // MARK: One writer

  /// The prompt is longer than a segment of attention and a chunk.
  @Test(arguments: architectures, [9, 600])
  func oneWriterIsPlainDecodingToTheBit(_ architecture: String, _ length: Int) throws {
    let (model, tokenizer) = try load(architecture)
    for settings in [SamplerSettings.greedy, .drawn(seed: 3)] {
      let plain = try WritersRun(model, settings: settings, capacity: 1024)
      try plain.run(nil, prompt(length), tokenizer: tokenizer)
      for layout in length < 100 ? HogwildLayout.allCases : [.combined] {
        let one = try WritersRun(model, settings: settings, capacity: 1024)
        try one.run(method(1, layout: layout), prompt(length), tokenizer: tokenizer)
        #expect(one.records.map(\.sampled) == plain.records.map(\.sampled))
        #expect(one.finish == plain.finish && one.tokens.count == 48)
      }
      let stop: Set<TokenID> = [plain.tokens[20]]
      let ended = try WritersRun(model, settings: settings, capacity: 1024)
      try ended.run(method(1), prompt(length), tokenizer: tokenizer, stopTokens: stop)
      #expect(ended.tokens == Array(plain.tokens.prefix { !stop.contains($0) }))
      #expect(ended.finish == .stop)
    }
  }

  // MARK: Shared blocks

  /// Drives two writers by hand and works out every attention a second time.
  @Test(arguments: architectures, HogwildLayout.allCases)
  func viewsAreWhatTheJoinedTextsWouldGive(
    _ architecture: String, _ layout: HogwildLayout
  ) throws {
    let (model, _) = try load(architecture, format: .f32)
    let store = try HogwildStore(
      writers: 2, layout: layout, shape: model.shape, capacity: 1024, headers: (6, 7))
    let raw = HogwildJudgesRows()
    let pool = WorkerPool(count: 2, adapts: false)
    defer { pool.shutDown() }
    var random = SplitMix64(seed: 5)
    func tokens(_ count: Int) -> [TokenID] {
      (0..<count).map { _ in TokenID.random(in: 3..<250, using: &random) }
    }
    func pass(_ views: [[HogwildBlock]], _ tokens: [[TokenID]]) throws {
      let caches = views.map {
        HogwildJudge(HogwildCache(blocks: $0, capacity: 1024), raw, model.configuration)
      }
      var batch = TokenBatch(chain: [])
      for (sequence, tokens) in tokens.enumerated() {
        let first = batch.count
        batch.parents += tokens.indices.map { $0 == 0 ? -1 : first + $0 - 1 }
        batch.sequences += tokens.map { _ in sequence }
        batch.tokens += tokens
        batch.logitRows.append(batch.count - 1)
      }
      _ = try model.forward(batch, caches: caches, on: pool, clock: PhaseClock())
      for (cache, tokens) in zip(caches, tokens) { cache.commit(Array(tokens.indices)) }
    }
    try pass([[store.prompt]], [tokens(500)])
    try pass([[store.prompt]], [tokens(40)])
    if let others = store.othersHeader, let own = store.ownHeader {
      try pass([[store.prompt, others]], [tokens(6)])
      try pass([[store.prompt, others, own]], [tokens(7)])
    }
    for round in 0..<9 {
      // Steps begin with several rows, and end at different times.
      let counts = [round == 0 || round == 4 ? 5 : 1, round == 0 || round == 6 ? 3 : 1]
      try pass([store.view(of: 0), store.view(of: 1)], counts.map(tokens))
      if round == 3 { try store.finishStep(of: 0) }
      if round == 5 { try store.finishStep(of: 1) }
    }
    #expect(raw.compared > 10_000)
    #expect(raw.worst < 5e-4, "\(raw.worst)")
  }

  @Test func aFinishedStepMovesAsItIs() throws {
    let shape = try TinyModel().load().model.shape
    let store = try HogwildStore(
      writers: 3, layout: .combined, shape: shape, capacity: 64, headers: (6, 7))
    let steps = (0..<3).map { store.view(of: $0).last.map { ObjectIdentifier($0) } }
    let ids = { (writer: Int) in store.view(of: writer).map { ObjectIdentifier($0) } }
    let (prompt, others, own) = (
      ObjectIdentifier(store.prompt), store.othersHeader.map { ObjectIdentifier($0) },
      store.ownHeader.map { ObjectIdentifier($0) }
    )
    #expect(ids(0) == [prompt, others, steps[1], steps[2], own, steps[0]])
    #expect(ids(1) == [prompt, others, steps[0], steps[2], own, steps[1]])
    // Rows, so that the block is worth keeping.
    let cache = HogwildCache(blocks: store.view(of: 1), capacity: 64)
    try cache.begin(parents: [-1, 0])
    cache.commit([0, 1])
    #expect(cache.count == 2)
    try store.finishStep(of: 1)
    let next = store.view(of: 1).last.map { ObjectIdentifier($0) }
    #expect(next != steps[1])
    #expect(ids(0) == [prompt, steps[1], others, next, steps[2], own, steps[0]])
    #expect(ids(1) == [prompt, steps[1], others, steps[0], steps[2], own, next])
    #expect(store.view(of: 0)[1].count == 2)
  }

  @Test func aStepLongerThanABlockGoesOnInAnother() throws {
    let shape = try TinyModel().load().model.shape
    let store = try HogwildStore(
      writers: 2, layout: .interleaved, shape: shape, capacity: 64, headers: (6, 7))
    let cache = HogwildCache(blocks: store.view(of: 0), capacity: 4096)
    for _ in 0..<3 {
      try store.reserve(300, for: 0)
      cache.blocks = store.view(of: 0)
      try cache.begin(parents: Array(-1..<299))
      cache.commit(Array(0..<300))
    }
    #expect(store.view(of: 0).map(\.count) == [0, 300, 300, 300])
    #expect(throws: InferenceError.self) { try cache.begin(parents: Array(-1..<299)) }
  }

  @Test func aViewTakesBackItsOwnRowsOnly() throws {
    let (model, _) = try load()
    let store = try HogwildStore(
      writers: 2, layout: .interleaved, shape: model.shape, capacity: 64, headers: (6, 7))
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    func read(_ tokens: [TokenID], _ cache: any KVCache) throws -> [Float] {
      let pass = try model.forward(
        TokenBatch(chain: tokens), caches: [cache], on: pool, clock: PhaseClock())
      cache.commit(Array(tokens.indices))
      return pass.logits.array(pass.range(0))
    }
    _ = try read(prompt(20), HogwildCache(blocks: [store.prompt], capacity: 256))
    let cache = HogwildCache(blocks: store.view(of: 0), capacity: 256)
    _ = try read([5, 6], cache)
    let fork = try cache.fork()
    let expected = try read([7], cache)
    _ = try read([8, 9], cache)
    #expect(cache.truncate(to: 22) == 22)
    #expect(try read([7], cache) == expected)
    #expect(try read([7], fork) == expected)
    #expect(store.prompt.count == 20)
    #expect(cache.truncate(to: 19) == 0 && cache.count == 0)
    #expect(throws: InferenceError.self) { try cache.begin(parents: [-1, -1]) }
  }

  // MARK: Several writers

  @Test(arguments: architectures, HogwildLayout.allCases)
  func runsRepeatToTheBitWhateverTheThreads(
    _ architecture: String, _ layout: HogwildLayout
  ) throws {
    let (model, tokenizer) = try load(architecture)
    var runs: [WritersRun] = []
    for threads in [1, 2, 3, 2] {
      let run = try WritersRun(model, settings: .drawn(seed: 9), capacity: 1024)
      try run.run(
        method(3, layout: layout), prompt(530), tokenizer: tokenizer, maximumTokens: 60,
        threads: threads)
      #expect(run.tokens.count == 60)
      runs.append(run)
    }
    for run in runs.dropFirst() {
      #expect(run.records.map(\.sampled) == runs[0].records.map(\.sampled))
      #expect(run.records.map(\.writer) == runs[0].records.map(\.writer))
    }
  }

  @Test func aPassGivesATokenOfEveryWriter() throws {
    let (model, tokenizer) = try load()
    let run = try WritersRun(model, capacity: 1024)
    try run.run(method(4), prompt(20), tokenizer: tokenizer, maximumTokens: 48)
    #expect(run.rounds.count == 12 && run.rounds.allSatisfy { $0.emitted == 4 })
    #expect(run.records.map(\.writer) == (0..<48).map { $0 % 4 })
    #expect(run.records.map(\.index) == Array(0..<48))
    #expect(run.finish == .length)
    // The conversation's cache is another one.
    #expect(run.plan.cache.count == 0)
  }

  /// Up to the rounding of keys, which are rotated to other places.
  @Test func writersApartWriteWhatEachWouldWriteAlone() throws {
    let (model, tokenizer) = try load(format: .f32)
    let text = HogwildText(writers: 2, layout: .private)
    let both = try WritersRun(model, capacity: 1024)
    try both.run(method(layout: .private), prompt(40), tokenizer: tokenizer, maximumTokens: 16)
    for writer in 0..<2 {
      let words = tokenizer.encode(text.prefix(of: writer, step: 1), parsesSpecial: false)
      let alone = try WritersRun(model, capacity: 1024)
      try alone.run(nil, prompt(40) + words, tokenizer: tokenizer, maximumTokens: 8)
      #expect(both.tokens(of: writer) == alone.tokens)
      let records = both.records.filter { $0.writer == writer }
      for (left, right) in zip(records, alone.records) {
        #expect(
          abs(left.sampled.modelLogProbability - right.sampled.modelLogProbability) < 0.02)
      }
    }
  }

  @Test func oneWritersEndIsNotTheOthers() throws {
    let (model, tokenizer) = try load()
    let settings = SamplerSettings.drawn(seed: 4)
    let free = try WritersRun(model, settings: settings, capacity: 1024)
    try free.run(method(), prompt(20), tokenizer: tokenizer, maximumTokens: 60)
    // A token of one writer's that the other has not written by then.
    let place = try #require(
      free.records.indices.first { index in
        let record = free.records[index]
        return record.writer == 1 && index > 10
          && !free.tokens.prefix(index).contains(record.sampled.token)
      })
    let stop = free.tokens[place]
    let run = try WritersRun(model, settings: settings, capacity: 1024)
    try run.run(
      method(), prompt(20), tokenizer: tokenizer, maximumTokens: 60, stopTokens: [stop])
    #expect(run.tokens(of: 1) == Array(free.tokens(of: 1).prefix(place / 2)))
    #expect(run.tokens(of: 0).count > run.tokens(of: 1).count)
    #expect(run.rounds.contains { $0.emitted == 1 })
  }

  @Test func theBudgetIsEachWriters() throws {
    let (model, tokenizer) = try load()
    let run = try WritersRun(model, capacity: 1024)
    try run.run(method(3, budget: 7), prompt(20), tokenizer: tokenizer, maximumTokens: 48)
    #expect((0..<3).map { run.tokens(of: $0).count } == [7, 7, 7])
    #expect(run.finish == .length)
  }

  @Test func aFullContextEndsTheAnswer() throws {
    let (model, tokenizer) = try load(context: 256)
    let run = try WritersRun(model, capacity: 200)
    try run.run(method(), prompt(20), tokenizer: tokenizer, maximumTokens: 400)
    #expect(run.finish == .contextFull && !run.tokens.isEmpty)
    let none = try WritersRun(model, capacity: 30)
    try none.run(method(), prompt(20), tokenizer: tokenizer)
    #expect(none.finish == .contextFull)
  }

  // MARK: Steps

  /// Writer 0 ends a step with its third token, and again with its fifth.
  @Test(arguments: [0, 4, 512])
  func aBlankLineHandsTheWriterItsNextStep(_ check: Int) throws {
    let tokenizer = try TokenizerLoader.load(from: TinyModel().load().gguf)
    let word = try #require(tokenizer.encode("a", parsesSpecial: false).first)
    let blank = try #require(tokenizer.token(named: "ĊĊ"))
    let model = WritersModel(vocabulary: tokenizer.vocabularySize) { pass, row in
      let ends = row == 0 && (pass == 2 || pass == 4)
      return WritersModel.logits(
        [ends ? blank : word: 1], vocabulary: tokenizer.vocabularySize)
    }
    let run = try WritersRun(model, capacity: 1024)
    try run.run(
      method(check: check), prompt(20), tokenizer: tokenizer, maximumTokens: 16)
    let text = HogwildText(writers: 2, layout: .combined)
    let second = text.prefix(of: 0, step: 2)
    let third = text.prefix(of: 0, step: 3)
    let batches = model.batches.filter { !$0.logitRows.isEmpty }
    func handed(_ pass: Int) -> [TokenID] {
      batches[pass].tokens.indices.filter { batches[pass].sequences[$0] == 0 }
        .map { batches[pass].tokens[$0] }
    }
    let asks = check == 4 ? text.check : ""
    #expect(handed(2) == [word])
    #expect(handed(3) == [blank] + tokenizer.encode(second + asks, parsesSpecial: false))
    #expect(handed(4) == [word])
    #expect(handed(5) == [blank] + tokenizer.encode(third + asks, parsesSpecial: false))
    #expect(run.tokens(of: 0) == [word, word, blank, word, blank, word, word, word])
    #expect(run.tokens(of: 1) == Array(repeating: word, count: 8))
  }
}
