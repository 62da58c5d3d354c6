import Inference
import Playground
import Runtime
import Terminal
import Testing

/// What the profile tells of drafting.
@Suite struct DraftingTests {
  static func round(
    _ parents: [Int], accepted: [Int], decision: GovernorDecision? = nil, lenient: Int = 0
  ) -> RoundRecord {
    RoundRecord(
      parents: parents, accepted: accepted, emitted: accepted.count + 1, rows: parents.count + 1,
      draftNanoseconds: 1_000_000, passNanoseconds: 8_000_000, verifyNanoseconds: 1_000_000,
      decision: decision, lenient: lenient)
  }

  /// An answer of a drafting method in full swing.
  static func midDrafting(_ width: Int, _ height: Int) -> Stage {
    var stage = Stage(max(40, width), max(10, height))
    stage.press("/method trie<enter>Change one word of this text.<enter>")
    guard let running = stage.state.running else { return stage }
    stage.play([.started(promptTokens: 60, reused: 0, contextLength: 2048)])
    var script = Script(settings: running.settings, start: stage.state.clock.monotonic)
    script.context = 60
    let decision = GovernorDecision(
      budget: 7, expectedTokens: 2.6, breakEven: 1.7, isOff: false)
    let shapes: [([Int], [Int])] = [
      ([-1, 0, 1, -1, 1, 2, 5], [0, 1, 2, 5]), ([-1, 0, 1], [0]), ([-1, 0], []),
      ([-1, 0, 0, 1, 1, 3], [0, 1, 3]),
    ]
    let words = (0..<36).map { " word\($0)" }
    var next = 0
    var number = 0
    while next < words.count {
      let (parents, accepted) = next == 0 ? ([], []) : shapes[number % shapes.count]
      let end = min(words.count, next + accepted.count + 1)
      stage.tick(0.05)
      for index in next..<end {
        var chunk = script.chunk(words[index])
        chunk.records[0].wasDrafted = index < end - 1
        stage.play([.tokens(chunk)])
      }
      stage.play([.round(round(parents, accepted: accepted, decision: decision))])
      next = end
      number += 1
    }
    var sample = script.profile()
    sample.methodBytes = 3_400_000
    sample.costCurve = [1, 1.05, 1.2, 1.4, 1.9, 2.4, 3.6, 4.8, 7, 9.2, 13.8]
    stage.play([.profile(sample)])
    stage.send(.resize(Size(width: width, height: height)))
    return stage
  }

  @Test func theRoundThatEndsThePromptIsNotCounted() {
    var profile = ProfileState()
    profile.beginAnswer()
    var script = Script(settings: SamplerSettings(), start: 0)
    profile.record(script.chunk("a").records[0])
    profile.record(RoundRecord(emitted: 1, rows: 40, passNanoseconds: 900_000_000))
    #expect(profile.drafting.totals.passes == 0)
    for word in ["b", "c"] { profile.record(script.chunk(word).records[0]) }
    profile.record(Self.round([-1], accepted: [0]))
    #expect(profile.drafting.totals.tokensPerPass == 2)
    #expect(profile.drafting.shares.map(\.fraction) == [0.1, 0.8, 0.1])
  }

  @Test func tokensOfOnePassDoNotRestartTheClock() throws {
    var profile = ProfileState()
    var script = Script(settings: SamplerSettings(), start: 0)
    var first = script.chunk("a").records[0]
    first.time = 1_000_000_000
    profile.record(first)
    for time in [1_500_000_000, 1_500_000_000, 2_000_000_000, 2_000_000_000] as [UInt64] {
      var record = script.chunk("b").records[0]
      record.time = time
      profile.record(record)
    }
    #expect(profile.averageSpeed == 4)
    #expect(profile.gaps.count == 2)
    let samples = profile.history.samples(endingAt: 2_000_000_000, interval: 10, count: 1)
    #expect(samples == [4])
  }

  @Test func theGovernorIsQuotedInWords() {
    var drafting = DraftingState()
    #expect(drafting.decisionWords() == "nothing was drafted yet")
    func words(_ decision: GovernorDecision?) -> String {
      drafting.record(Self.round([-1, 0], accepted: [0], decision: decision), at: 1)
      return drafting.decisionWords(isGoverned: decision != nil)
    }
    #expect(words(nil) == "ungoverned: 2 rows drafted")
    #expect(drafting.decisionWords(isGoverned: true) == "nothing was drafted yet")
    #expect(
      words(GovernorDecision(budget: 4, expectedTokens: 2.13, breakEven: 1.4, isOff: false))
        == "drafts 4 rows: 2.1 tokens a pass, 1.4 to break even")
    #expect(
      words(GovernorDecision(budget: 2, expectedTokens: 1.2, breakEven: 1.4, isOff: true))
        == "off: a draft would give 1.2 tokens a pass, 1.4 to break even")
    #expect(
      words(GovernorDecision(budget: 0, expectedTokens: 1, breakEven: 1, isOff: true))
        == "off: no draft pays now; it goes on trying")
    // A round that found nothing to draft does not change what was decided.
    drafting.record(RoundRecord(emitted: 1, rows: 1), at: 2)
    #expect(drafting.decision?.isOff == true)
  }

  @Test func longLengthsShareAClass() {
    var drafting = DraftingState()
    for count in [0, 1, 1, 4, 6] {
      drafting.record(
        Self.round(Array(-1..<5), accepted: Array(0..<count)), at: 1)
    }
    #expect(drafting.acceptedLengths(most: 3).map(\.label) == ["0", "1", "2+"])
    #expect(drafting.acceptedLengths(most: 3).map(\.count) == [1, 2, 2])
    #expect(drafting.acceptedLengths(most: 9).map(\.count) == [1, 2, 0, 0, 1, 0, 1])
  }

  @Test func theCostOfAPassLiesBetweenTheSizesMeasured() {
    var drafting = DraftingState()
    #expect(drafting.cost(of: 3) == nil)
    drafting.costCurve = [1, 1.05, 1.2, 1.4, 2, 2.4, 3.6, 4.8, 7, 9.2, 13.8]
    #expect(drafting.cost(of: 1) == 1)
    #expect(drafting.cost(of: 5) == 1.7)
    #expect(drafting.cost(of: 200) == 13.8)
    drafting.costCurve = [1]
    #expect(drafting.cost(of: 3) == nil)
  }

  @Test func aTreeIsDrawnWithItsAcceptedPathOnOneLine() {
    func drawn(_ parents: [Int], _ accepted: [Int], width: Int = 12, height: Int = 6) -> [String] {
      var frame = Frame(size: Size(width: width, height: height))
      DraftTree(parents: parents, accepted: accepted).draw(in: frame.bounds, on: &frame)
      return frame.text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        String(line.reversed().drop { $0 == " " }.reversed())
      }.filter { !$0.isEmpty }
    }
    #expect(drawn([-1, 0, 1], [0, 1]) == ["o-*-*-o"])
    #expect(
      drawn([-1, -1, 1, 1, 3], [1, 3]) == ["o-*-*-o", "| +-o", "+-o"])
    #expect(
      drawn([-1, 0, 0, 0, -1], []) == ["o-o-o", "| +-o", "| +-o", "+-o"])
    #expect(drawn([], []) == ["o"])
    // What has no room is counted.
    #expect(drawn([-1, 0, 1, 2, 3], [], width: 7, height: 1) == ["o-o-o-o"])
    #expect(drawn([-1, -1, -1, -1], [], width: 8, height: 2) == ["o-o", "+-o   +2"])
  }

  @Test func guessedTextIsUnderlinedOnDemand() {
    var stage = Self.midDrafting(80, 24)
    func underlined() -> String {
      var frame = Frame(size: stage.state.size)
      draw(stage.state, on: &frame)
      return (0..<24).flatMap { y in
        frame.row(y).filter { $0.style == Style(.graphSecond).underlined }.map(\.text)
      }.joined()
    }
    #expect(underlined().isEmpty)
    stage.press("<esc>1T")
    #expect(underlined().contains("word1 word4 word5 word6"))
    #expect(!underlined().contains("word0"))
    stage.press("T")
    #expect(underlined().isEmpty)
  }

  @Test func writersStandBelowEachOther() throws {
    var stage = Stage()
    stage.press("hi<enter>")
    let running = try #require(stage.state.running)
    var script = Script(settings: running.settings, start: stage.state.clock.monotonic)
    stage.play([.started(promptTokens: 9, reused: 0, contextLength: 2048)])
    for (writer, text) in [(0, "one"), (1, "eins"), (0, " two"), (1, " zwei")] {
      var chunk = script.chunk(text)
      chunk.records[0].writer = writer
      stage.play([.tokens(chunk)])
    }
    let lines = stage.screen().split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
    let first = lines.firstIndex { $0.hasPrefix("one two") }
    let second = lines.firstIndex { $0.hasPrefix("writer 2") }
    let third = lines.firstIndex { $0.hasPrefix("eins zwei") }
    #expect(try #require(first) < #require(second))
    #expect(try #require(second) < #require(third))
    stage.play([.finished(script.provenance(.stop, promptTokens: 9))])
    let message = try #require(stage.state.chat.conversation.branch.last)
    #expect(message.text == "one two\n\n**writer 2**\n\neins zwei")
    #expect(message.tokens == [100, 102])
    // The file holds every token in the order it came, and the text of the message.
    var text = ""
    var count = 0
    for case .answerTokens(_, let tokens, let piece) in stage.effects.records {
      text += piece
      count += tokens.count
    }
    #expect(text == message.text)
    #expect(count == 4)
  }
}
