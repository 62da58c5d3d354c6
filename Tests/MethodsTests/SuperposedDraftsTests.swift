import Compute
import Glibc
import Inference
import Methods
import Models
import TestSupport
import Testing

@Suite struct SuperposedDraftsTests {
  private static let prompt: [TokenID] = (0..<30).map { 10 + $0 * 37 % 200 }

  private func method(
    _ drafts: Int = 3, length: Int = 10, alpha: Double = 0.54, order: Int = 6
  ) -> SuperposedDrafts {
    var method = SuperposedDrafts()
    (method.drafts, method.length) = (drafts, length)
    (method.alpha, method.order) = (alpha, order)
    return method
  }

  /// Every token reads as itself.
  private func beam(
    _ count: Int, alpha: Double = 0, temperature: Double = 1, penalty: Double = 10
  ) -> SuperposedBeam {
    SuperposedBeam(count: count, alpha: alpha, temperature: temperature, penalty: penalty) {
      $0.flatMap { [UInt8(truncatingIfNeeded: $0), 0] }
    }
  }

  private func candidates(_ logits: [(TokenID, Double)]) -> [SuperposedCandidate] {
    logits.map { SuperposedCandidate(token: $0.0, logit: $0.1, logProbability: $0.1) }
  }

  // MARK: The whole method

  @Test(arguments: ["llama", "qwen2", "gemma3"])
  func oneDraftWithoutNGramsIsGreedyDecoding(_ architecture: String) throws {
    let loaded = try TinyModel(architecture: architecture, format: .q8_0).load()
    let tokenizer = try TokenizerLoader.load(from: loaded.gguf)
    let plain = try WritersRun(loaded.model)
    try plain.run(nil, Self.prompt, tokenizer: tokenizer, maximumTokens: 24)
    let one = try WritersRun(loaded.model)
    try one.run(
      method(1, length: 24, alpha: 0), Self.prompt, tokenizer: tokenizer, maximumTokens: 24)
    #expect(one.tokens == plain.tokens && plain.tokens.count == 24)
    #expect(one.finish == .length)
    for (left, right) in zip(one.records, plain.records) {
      #expect(
        abs(left.sampled.modelLogProbability - right.sampled.modelLogProbability) < 1e-4)
    }
    // A token that ends the answer ends both at the same place.
    let stop = plain.tokens[9]
    let ended = try WritersRun(loaded.model)
    try ended.run(
      method(1, length: 24, alpha: 0), Self.prompt, tokenizer: tokenizer, maximumTokens: 24,
      stopTokens: [stop])
    let first = try #require(plain.tokens.firstIndex(of: stop))
    #expect(ended.tokens == Array(plain.tokens.prefix(first)))
    #expect(ended.finish == .stop)
  }

  @Test(arguments: [2, 3, 5])
  func aStepCostsOneRowAndOneRowOfTheCacheWhateverTheDrafts(_ drafts: Int) throws {
    let tokenizer = try TokenizerLoader.load(from: TinyModel().load().gguf)
    let model = WritersModel(vocabulary: tokenizer.vocabularySize) { pass, _ in
      WritersModel.logits(
        [60: 3, 61: 2.9, 62: 2.8, 63: Float(pass) * 0.05 + 2.7, 64: 2.6],
        vocabulary: tokenizer.vocabularySize)
    }
    let run = try WritersRun(model)
    try run.run(method(drafts, alpha: 0), Self.prompt, tokenizer: tokenizer)
    let length = run.tokens.count / drafts
    #expect(length == min(10, 48 / drafts))
    #expect(run.rounds.count == length && model.batches.count == length)
    #expect(run.rounds.reduce(0) { $0 + $1.emitted } == run.tokens.count)
    for batch in model.batches.dropFirst() {
      #expect(batch.count == 1)
      let blend = try #require(batch.blends[0])
      #expect(abs(blend.reduce(0) { $0 + $1.weight } - 1) < 1e-5)
      #expect(Set(blend.map(\.token)).count == blend.count && blend.count <= drafts)
    }
    // Nothing of the blends stays behind the prompt.
    #expect(run.plan.cache.count == Self.prompt.count)
    #expect(
      run.records.map(\.writer) == (0..<drafts).flatMap { Array(repeating: $0, count: length) })
    #expect(run.records.map(\.index) == Array(run.records.indices))
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64], [0, 0.54])
  func draftsAreNeverTheSame(_ seed: UInt64, _ alpha: Double) throws {
    let tokenizer = try TokenizerLoader.load(from: TinyModel().load().gguf)
    var random = SplitMix64(seed: seed)
    let rows = (0..<12).map { _ in
      (0..<tokenizer.vocabularySize).map { _ in random.normal() * 0.1 }
    }
    let model = WritersModel(vocabulary: tokenizer.vocabularySize) { pass, _ in rows[pass % 12] }
    let run = try WritersRun(model)
    let prompt = Self.prompt + Self.prompt
    try run.run(method(5, alpha: alpha), prompt, tokenizer: tokenizer, maximumTokens: 200)
    let texts = (0..<5).map { writer in
      run.tokens(of: writer).flatMap { tokenizer.bytes(of: $0, special: true) }
    }
    #expect(Set(texts).count == 5, "\(texts)")
    #expect(run.tokens.count == 50)
  }

  @Test func theConsumerAndTheLimitEndTheTelling() throws {
    let loaded = try TinyModel().load()
    let tokenizer = try TokenizerLoader.load(from: loaded.gguf)
    let run = try WritersRun(loaded.model)
    run.goesOn = { $0.index < 11 }
    try run.run(method(), Self.prompt, tokenizer: tokenizer)
    #expect(run.tokens.count == 12 && run.finish == .stop)
    #expect(run.plan.cache.count == Self.prompt.count)
    for limit in [0, 1, 2, 7] {
      let short = try WritersRun(loaded.model)
      try short.run(method(), Self.prompt, tokenizer: tokenizer, maximumTokens: limit)
      #expect(short.tokens.count <= limit && short.finish == .length)
      #expect(limit == 0 || !short.tokens.isEmpty)
    }
  }

  // MARK: The score

  @Test func scoresAreThoseWorkedOutByHand() {
    var beam = beam(2, alpha: 0.5)
    // Of the three, log p is -0.407606, -1.407606 and -2.407606.
    beam.extend(
      with: candidates([(1, 2), (2, 1), (3, 0)]), shares: { _ in [0, 0.2, 0.1] }, stopTokens: [])
    // 2: (-1.407606 + ln 0.2) / 2, 3: (-2.407606 + ln 0.1) / 2; 1 has no support.
    #expect(beam.alive.map(\.tokens) == [[2], [3]])
    #expect(abs(beam.alive[0].score + 1.508522) < 1e-5)
    #expect(abs(beam.alive[1].score + 2.355096) < 1e-5)
    #expect(beam.blend.map(\.token) == [2, 3])
    #expect(abs(beam.blend[0].weight - 0.699848) < 1e-5)
    // Now log p is -0.313262 and -1.313262, and no n-gram speaks for a continuation of 2.
    beam.extend(
      with: candidates([(1, 1), (2, 0)]), shares: { $0.tokens == [3] ? [0.4, 0] : [0, 0] },
      stopTokens: [])
    #expect(beam.alive.map(\.tokens) == [[3, 1], [2, 1]])
    // -2.355096 + (-0.313262 + ln 0.4) / 2, and -1.508522 - 0.313262 / 2 - 10.
    #expect(abs(beam.alive[0].score + 2.969872) < 1e-5)
    #expect(abs(beam.alive[1].score + 11.665153) < 1e-5)
    #expect(beam.blend == [TokenWeight(token: 1, weight: 1)])
    #expect(beam.alive[0].choices.map(\.isSupported) == [true, true])
    #expect(beam.alive[1].choices.map(\.isSupported) == [true, false])
  }

  @Test func theTemperatureSharpensTheModelsTerm() {
    var beam = beam(2, temperature: 0.06)
    beam.extend(with: candidates([(1, 1), (2, 0.94)]), shares: { _ in [] }, stopTokens: [])
    // The logits are one apart after the division.
    #expect(abs(beam.alive[0].score + log(1 + exp(-1))) < 1e-9)
    #expect(abs(beam.alive[0].score - beam.alive[1].score - 1) < 1e-9)
  }

  @Test func tokensWithoutSupportComeOnlyWhereTheOthersAreTooFew() {
    var beam = beam(2, alpha: 0.5)
    beam.extend(
      with: candidates([(1, 9), (2, 1), (3, 8)]), shares: { _ in [0, 0.001, 0] }, stopTokens: [])
    #expect(beam.alive.map(\.tokens) == [[2], [1]])
    #expect(beam.alive[1].score < -10)
  }

  @Test func draftsThatEndLeaveTheirPlaceToOthers() {
    var beam = beam(2)
    beam.extend(with: candidates([(1, 2), (2, 1.5)]), shares: { _ in [] }, stopTokens: [])
    beam.extend(with: candidates([(3, 3), (9, 2.8), (4, 0)]), shares: { _ in [] }, stopTokens: [9])
    #expect(beam.ended.map(\.tokens) == [[1]])
    #expect(beam.alive.map(\.tokens) == [[1, 3], [2, 3]])
    #expect(!beam.isSettled)
    beam.extend(with: candidates([(9, 9), (3, 0)]), shares: { _ in [] }, stopTokens: [9])
    #expect(beam.isSettled)
    #expect(beam.best.map(\.tokens) == [[1, 3], [1]])
  }

  @Test func anEndThatIsNotAmongTheBestEndsNothing() {
    var beam = beam(1)
    beam.extend(with: candidates([(1, 2), (9, 1.9)]), shares: { _ in [] }, stopTokens: [9])
    #expect(beam.ended.isEmpty && beam.alive.map(\.tokens) == [[1]])
  }

  @Test func draftsThatReadTheSameAreOne() {
    var beam = SuperposedBeam(count: 2, alpha: 0, temperature: 1) { tokens in
      tokens.map { $0 == 2 ? 1 : UInt8($0) }
    }
    beam.extend(with: candidates([(1, 3), (2, 2), (3, 1)]), shares: { _ in [] }, stopTokens: [])
    #expect(beam.alive.map(\.tokens) == [[1], [3]])
  }

  // MARK: N-grams

  @Test func sharesAreInterpolatedOverTheOrders() {
    let ngrams = SuperposedNGrams()
    ngrams.learn([1, 2, 3, 1, 2, 4, 1, 2, 3])
    // After 2, and after 1 2, came 3 twice and 4 once.
    let shares = ngrams.shares(of: [3, 4, 9], after: [7, 1, 2], order: 3)
    #expect(abs(shares[0] - 0.05 * 2 / 3) < 1e-12)
    #expect(abs(shares[1] - 0.05 / 3) < 1e-12)
    #expect(shares[2] == 0)
    let bigrams = ngrams.shares(of: [3], after: [1, 2], order: 2)
    #expect(abs(bigrams[0] - 0.01 * 2 / 3) < 1e-12)
    #expect(ngrams.shares(of: [3], after: [1, 2], order: 0) == [0])
    #expect(ngrams.shares(of: [3], after: [], order: 6) == [0])
    // All five orders: 2 4 1 2 came once, with 3 behind it.
    let long = ngrams.shares(of: [3], after: [3, 1, 2, 4, 1, 2], order: 6)
    #expect(abs(long[0] - (0.05 * 2 / 3 + 0.15 + 0.18 + 0.12)) < 1e-12)
  }

  @Test func aConversationIsCountedOnceHoweverOftenItComes() {
    let ngrams = SuperposedNGrams()
    ngrams.learn([1, 2, 3])
    ngrams.learn([1, 2, 3])
    ngrams.learn([1, 2, 3, 1, 2, 4])
    let shares = ngrams.shares(of: [3, 4], after: [2], order: 2)
    #expect(abs(shares[0] - 0.005) < 1e-12 && abs(shares[1] - 0.005) < 1e-12)
    #expect(ngrams.byteCount > 0)
  }

  @Test func earlierConversationsSpeakForLaterOnes() throws {
    let tokenizer = try TokenizerLoader.load(from: TinyModel().load().gguf)
    let script = WritersModel.logits([60: 1, 61: 0.9], vocabulary: tokenizer.vocabularySize)
    let memory = MethodMemory()
    let model = WritersModel(vocabulary: tokenizer.vocabularySize) { _, _ in script }
    let cold = try WritersRun(model)
    try cold.run(method(2), [20, 21], tokenizer: tokenizer, memory: memory)
    #expect(cold.tokens.first == 60)
    let other = try WritersRun(model)
    try other.run(method(2), [30, 21, 61, 61, 61, 61], tokenizer: tokenizer, memory: memory)
    let warm = try WritersRun(model)
    try warm.run(method(2), [20, 21], tokenizer: tokenizer, memory: memory)
    #expect(warm.tokens.first == 61)
  }
}
