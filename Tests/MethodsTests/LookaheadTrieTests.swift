import Compute
import Foundation
import Inference
import Methods
import Models
import TestSupport
import Testing

/// A text that grows while a trie drafts for it; a memory may be shared by several.
private final class TrieTalk {
  let drafter: any Drafter
  let draftLimit: Int
  private(set) var history: TokenHistory
  private let pool = WorkerPool(count: 1)

  init(
    _ prompt: [TokenID], _ change: (inout LookaheadTrie) -> Void = { _ in },
    memory: MethodMemory = MethodMemory()
  ) throws {
    var method = LookaheadTrie()
    change(&method)
    let tiny = ScriptlessModel()
    var plan = DecodingPlan(
      model: tiny, cache: try tiny.makeCache(capacity: 1), verifier: SampleMatchVerifier(),
      sampler: SamplerChain(settings: .greedy), loop: SpeculativeLoop())
    try method.install(
      in: &plan,
      context: MethodContext(
        tokenizer: NoTokenizer(), pool: pool, contextLength: 4096, memory: memory))
    drafter = try #require(plan.drafter)
    draftLimit = plan.draftLimit
    history = TokenHistory(prompt: prompt)
    try drafter.begin(history)
  }

  deinit { pool.shutDown() }

  func draft(_ limit: Int = 48) throws -> Draft {
    try drafter.propose(
      DraftRequest(
        history: history, limit: limit, sampler: SamplerChain(settings: .greedy), pool: pool))
  }

  /// Tokens come, one pass each.
  func say(_ tokens: [TokenID], drafting: Bool = false) throws {
    for token in tokens {
      let draft = drafting ? try self.draft() : .empty
      history.append(token)
      try drafter.observe(
        DraftOutcome(
          draft: draft, kept: [], emitted: [token], history: history,
          pass: ForwardPass(logits: Buffer(count: 1), vocabulary: 1)))
    }
  }
}

/// A model that is only looked at.
private final class ScriptlessModel: LanguageModel {
  let shape = ModelShape(
    layers: 1, width: 1, heads: 1, kvHeads: 1, headDimension: 1, feedForward: 1,
    vocabulary: 100_000, contextLength: 4096)
  let weightByteCount = 0

  func makeCache(capacity: Int) throws(InferenceError) -> any KVCache {
    DenseKVCache(
      layout: DenseKVCache.Layout(layers: 1, kvHeads: 1, headDimension: 16), capacity: 1)
  }

  func forward(
    _ batch: TokenBatch, caches: [any KVCache], on pool: WorkerPool, clock: PhaseClock
  ) throws(InferenceError) -> ForwardPass {
    throw InferenceError(.invalidRequest, "this model computes nothing")
  }
}

private struct NoTokenizer: Tokenizer {
  let vocabularySize = 100_000
  let bos: TokenID? = nil
  let addsBOS = false
  let endTokens: Set<TokenID> = []
  func encode(_ text: String, parsesSpecial: Bool) -> [TokenID] { [] }
  func bytes(of token: TokenID, special: Bool) -> [UInt8] { [] }
  func isSpecial(_ token: TokenID) -> Bool { false }
  func token(named text: String) -> TokenID? { nil }
}

@Suite struct LookaheadTrieTests {
  /// The tokens along the first children.
  private func best(_ draft: Draft) -> [TokenID] {
    var tokens: [TokenID] = []
    var parent = -1
    while let row = draft.children(of: parent).first {
      tokens.append(draft.tokens[row])
      parent = row
    }
    return tokens
  }

  @Test func draftsWhatFollowedTheSameWords() throws {
    let talk = try TrieTalk([1, 2, 3, 4, 5, 6, 7, 90, 1, 2])
    #expect(best(try talk.draft()).starts(with: [3, 4, 5, 6, 7, 90, 1, 2]))
    #expect(try TrieTalk([1, 2, 3]).draft() == .empty)
    #expect(try TrieTalk([5]).draft() == .empty)
    #expect(talk.draftLimit == LookaheadTrie().nodes)
  }

  @Test func theLongestSuffixDecides() throws {
    // After 3 mostly 8 came, but after 1 2 3 it was 4.
    let prompt: [TokenID] = [1, 2, 3, 4, 5, 9, 3, 8, 7, 9, 3, 8, 7, 9, 3, 8, 7, 1, 2, 3]
    #expect(best(try TrieTalk(prompt).draft()).first == 4)
    let short = try TrieTalk(prompt) { $0.suffix = 1 }
    #expect(best(try short.draft()).first == 8)
  }

  @Test func severalBranchesStandInOneTree() throws {
    let prompt: [TokenID] = [1, 2, 3, 4, 50, 1, 2, 7, 8, 51, 1, 2]
    let draft = try TrieTalk(prompt).draft(16)
    #expect(Set(draft.children(of: -1).map { draft.tokens[$0] }).isSuperset(of: [3, 7]))
    #expect(draft.parents.contains { $0 >= 0 })
    let one = try TrieTalk(prompt) { $0.mode = 0 }.draft(16)
    #expect(one.parents == one.parents.indices.map { $0 - 1 } && one.count > 2)
  }

  @Test func everyPrefixOfADraftIsTheBestTreeOfItsSize() throws {
    var random = SplitMix64(seed: 11)
    for size in [30, 200, 900] {
      let talk = try TrieTalk((0..<size).map { _ in TokenID(random.next() % 6) })
      for _ in 0..<40 {
        let draft = try talk.draft()
        #expect(draft.count == 48)
        #expect(draft.sound(limit: 48, vocabulary: 6) == draft)
        #expect(zip(draft.confidences, draft.confidences.dropFirst()).allSatisfy { $0 >= $1 })
        #expect(draft.confidences.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(draft.sources.count == 48)
        for row in -1..<48 {
          let tokens = draft.children(of: row).map { draft.tokens[$0] }
          #expect(Set(tokens).count == tokens.count, "a child stands twice")
        }
        for limit in [1, 5, 20] { #expect(try talk.draft(limit) == draft.prefix(limit)) }
        try talk.say([TokenID(random.next() % 6)])
      }
    }
  }

  @Test func aDraftGoesOnBehindTheEndOfAWindow() throws {
    let phrase: [TokenID] = Array(10..<40)
    let talk = try TrieTalk(phrase + [99] + phrase.prefix(3)) { $0.branch = 4 }
    #expect(best(try talk.draft(20)) == Array(phrase[3..<23]))
  }

  @Test func aTextThatRepeatsItselfIsFollowedToItsEndAndOn() throws {
    let talk = try TrieTalk([90])
    try talk.say([1, 2, 3, 1, 2, 3, 1])
    #expect(best(try talk.draft(7)) == [2, 3, 1, 2, 3, 1, 2])
  }

  @Test func thePromptOutweighsAnswersInTheMix() throws {
    let talk = try TrieTalk([1, 2, 3, 60, 61]) {
      $0.mode = 0
      $0.suffix = 2
    }
    try talk.say([1, 2, 4, 1, 2, 4, 1, 2, 4, 1, 2])
    let one = try talk.draft(1)
    #expect(one.tokens == [3])
    #expect(talk.drafter.sources[Int(one.sources[0])] == "prompt")
  }

  @Test func promptsAreForgottenAndAnswersStay() throws {
    let memory = MethodMemory()
    let first = try TrieTalk([1, 2, 3, 4, 5], memory: memory)
    try first.say([11, 12, 13, 14])
    let second = try TrieTalk([70, 1, 2], memory: memory)
    #expect(try second.draft() == .empty)
    try second.say([11, 12])
    let draft = try second.draft()
    #expect(best(draft).starts(with: [13, 14]))
    #expect(second.drafter.sources[Int(draft.sources[0])] == "past chats")
  }

  @Test func sourcesAreDraftedFromAsFarAsTheKnobSays() throws {
    func draft(_ sources: Int, prompt: [TokenID], say tokens: [TokenID]) throws -> [TokenID] {
      let memory = MethodMemory()
      try TrieTalk([80, 81], memory: memory).say([1, 2, 3])
      // It begins with the prompt before, so it goes on with the same conversation, or it does not.
      let talk = try TrieTalk(prompt, { $0.sources = sources }, memory: memory)
      try talk.say(tokens)
      return best(try talk.draft())
    }
    let (goesOn, other): ([TokenID], [TokenID]) = ([80, 81, 40, 1, 2], [90, 91, 40, 1, 2])
    #expect(try draft(1, prompt: goesOn, say: []).isEmpty)
    #expect(try draft(2, prompt: goesOn, say: []) == [3])
    #expect(try draft(3, prompt: goesOn, say: []) == [3])
    #expect(try draft(2, prompt: other, say: []).isEmpty)
    #expect(try draft(3, prompt: other, say: []) == [3])
    // Of the answer itself.
    #expect(try draft(1, prompt: [5, 6, 7], say: [8, 9, 8]).isEmpty)
    #expect(try draft(2, prompt: [5, 6, 7], say: [8, 9, 8]).first == 9)
  }

  @Test func aTrieThatGrewTooLargeIsHalved() throws {
    let memory = MethodMemory()
    let talk = try TrieTalk([5, 6], { $0.branch = 2 }, memory: memory)
    for _ in 0..<4 { try talk.say([1, 2, 3]) }
    for other in 0..<600 { try talk.say([1, TokenID(1000 + other)]) }
    try TrieTalk([5, 7], memory: memory).say([30])
    let thinned = try TrieTalk([9, 1], memory: memory)
    // What came once is gone, what came four times is left.
    let draft = try thinned.draft()
    #expect(draft.children(of: -1).map { draft.tokens[$0] } == [2])
    #expect(best(draft).starts(with: [2, 3]))
  }

  @Test func memoryStaysSmall() throws {
    var random = SplitMix64(seed: 3)
    let memory = MethodMemory()
    var sizes: [Int] = []
    for _ in 0..<40 {
      let prompt = (0..<2000).map { _ in TokenID(random.next() % 20_000) }
      let talk = try TrieTalk(prompt, memory: memory)
      // Branch + 1 nodes a token at most, of 20 bytes, in an array with as much room again.
      #expect(talk.drafter.byteCount < 2000 * 9 * 20 * 2 * 2)
      sizes.append(talk.drafter.byteCount)
    }
    // Prompts do not pile up.
    #expect(sizes[39] < sizes[1] * 2)
  }

  @Test func anotherRequestInBetweenDoesNoHarm() throws {
    let memory = MethodMemory()
    let first = try TrieTalk([1, 2, 3, 4, 1, 2], memory: memory)
    try first.say([3, 4], drafting: true)
    let second = try TrieTalk([7, 8, 9, 7], memory: memory)
    #expect(best(try second.draft()).first == 8)
    try first.say([5, 6, 5], drafting: true)
    #expect(best(try first.draft()).first == 6)
    try second.say([8, 9, 7], drafting: true)
    #expect(try second.draft().sound(limit: 48, vocabulary: 100).count > 0)
  }

  @Test func confidencesAreCloseToHowOftenRowsAreRight() throws {
    // After each two tokens one of two comes, three times of four the same.
    var random = SplitMix64(seed: 21)
    let usual = (0..<64).map { _ in TokenID(random.next() % 8) }
    let other = (0..<64).map { _ in TokenID(random.next() % 8) }
    let talk = try TrieTalk([0, 1, 2, 3])
    var text: [TokenID] = [2, 3]
    var expected = 0.0
    var right = 0.0
    for step in 0..<3000 {
      let place = Int(text[text.count - 2]) * 8 + Int(text[text.count - 1])
      let next = random.next() % 4 < 3 ? usual[place] : other[place]
      let draft = try talk.draft(4)
      if step > 1000 {
        for row in draft.children(of: -1) {
          expected += Double(draft.confidences[row])
          if draft.tokens[row] == next { right += 1 }
        }
      }
      text.append(next)
      try talk.say([next], drafting: true)
    }
    #expect(right > 500)
    #expect(abs(expected / right - 1) < 0.12, "\(expected) expected, \(right) right")
  }

  // MARK: In the loop

  @Test(arguments: [LookaheadTrie().nodes, 48]) func aWarmTrieTakesFewerPasses(nodes: Int) throws {
    let lab = try MethodLab()
    let selection = MethodSelection(
      [MethodChoice("lookahead-trie", values: ["nodes": Double(nodes)])], isGoverned: false)
    let plain = try lab.run(.none, settings: .greedy)
    let cold = try lab.run(selection, settings: .greedy)
    let warm = try lab.run(selection, settings: .greedy)
    #expect(cold.tokens == plain.tokens && warm.tokens == plain.tokens)
    #expect(warm.rounds.passes < cold.rounds.passes)
    #expect(warm.rounds.passes <= 12)
  }

  @Test func aTreeVerifiedAsAChainIsNoticed() throws {
    let lab = try MethodLab()
    let selection = MethodSelection(
      [MethodChoice("lookahead-trie", values: ["nodes": 48])], isGoverned: false)
    // Answers that part here and there, so that the trie has branches.
    let seeds = UInt64(1)...8
    for seed in seeds { _ = try lab.run(selection, settings: .drawn(seed: seed)) }
    let plain = try seeds.map { try lab.run(.none, settings: .drawn(seed: $0)).tokens }
    let right = try seeds.map { try lab.run(selection, settings: .drawn(seed: $0)).tokens }
    #expect(right == plain)
    lab.sabotage = { $0.cache = SabotagedCache($0.cache, .ignoresTheTree) }
    let wrong = try seeds.map { try lab.run(selection, settings: .drawn(seed: $0)).tokens }
    #expect(wrong != plain)
  }

  /// Greedy and drawn, ungoverned and governed.
  @Test func realAnswersAreTheSameTokenForToken() throws {
    guard let path = RealModel.smollm2.path else {
      print("skipped: \(RealModel.advice)")
      return
    }
    let real = try RealTalk(path: path)
    for set in ["editing", "grounded", "code", "chat", "translation"] {
      for line in try PromptSet.lines(set).prefix(1) {
        for settings in [SamplerSettings.greedy, .drawn(seed: 7)] {
          let plain = try real.answer(line.prompt, settings, with: nil)
          for (nodes, isGoverned) in [(8, true), (24, false)] {
            var method = LookaheadTrie()
            method.nodes = nodes
            let drafted = try real.answer(
              line.prompt, settings, with: method, isGoverned: isGoverned)
            #expect(drafted == plain, "\(set): \(line.prompt)")
          }
        }
      }
    }
    #expect(real.accepted > 100)
  }
}

/// Answers of a real model.
private final class RealTalk {
  private let loaded: LoadedModel
  private let tokenizer: any Tokenizer
  private let template: ChatTemplate
  private let curve: CostCurve
  private let pool = WorkerPool()
  /// Drafted tokens that were accepted, in all answers.
  private(set) var accepted = 0

  init(path: String) throws {
    loaded = try ModelLoader.load(path: path, contextLength: 1024)
    tokenizer = try TokenizerLoader.load(from: loaded.gguf)
    template = try #require(
      ChatTemplate.recognize(in: loaded.gguf, tokenizer: tokenizer).template)
    curve = try CostCurve.measure(loaded.model, on: pool, nanoseconds: 100_000_000)
  }

  deinit { pool.shutDown() }

  func answer(
    _ question: String, _ settings: SamplerSettings, with method: LookaheadTrie?,
    isGoverned: Bool = false
  ) throws -> [TokenID] {
    var plan = DecodingPlan(
      model: loaded.model, cache: try loaded.model.makeCache(capacity: 1024),
      verifier: SampleMatchVerifier(), sampler: SamplerChain(settings: settings),
      loop: SpeculativeLoop())
    try method?.install(
      in: &plan, context: MethodContext(tokenizer: tokenizer, pool: pool, contextLength: 1024))
    if isGoverned {
      plan.governor = Governor(curve: CostCurve(base: curve.base, values: curve.values))
    }
    var tokens: [TokenID] = []
    let request = DecodingRequest(
      prompt: tokenizer.encode(template.render([TemplateMessage(.user, question)])),
      maximumTokens: 48, stopTokens: tokenizer.endTokens
    ) { [self] event in
      switch event {
      case .prefill: break
      case .token(let record): tokens.append(record.sampled.token)
      case .round(let round): accepted += round.accepted.count
      }
      return .go
    }
    _ = try plan.loop.run(request, plan: &plan, on: pool)
    return tokens
  }
}

/// The prompts of `assets`.
private enum PromptSet {
  struct Line: Decodable {
    var prompt: String
  }

  static func lines(_ name: String) throws -> [Line] {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../assets/prompts/\(name).jsonl")
    return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }
}
