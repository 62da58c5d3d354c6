import Inference
import Runtime
import Testing

@Suite struct ReplayTests {
  let folder = TemporaryFolder()

  /// Talks with an engine as the playground does, and records it.
  func record(_ harness: EngineHarness, usesExactTokens: Bool = true) async throws -> SessionFile {
    var header = SessionHeader.sample()
    header.modelPath = try folder.write("model", "weights".utf8)
    header.modelHash = try ModelHash(file: nil).hash(of: header.modelPath)
    let writer = SessionWriter(newIn: folder.path, header: header)
    var conversation = Conversation()
    var settings = SamplerSettings()
    settings.temperature = 1.3
    for (number, text) in ["hello", "and then?", "why"].enumerated() {
      let question = conversation.append(.user, text, after: conversation.head, time: 0)
      writer.append(.message(try #require(conversation[question])))
      let turns = conversation.turns(to: question)
      let answer = conversation.append(.assistant, "", after: question, time: 0)
      writer.append(.message(try #require(conversation[answer])))
      var request = GenerateRequest(
        source: .chat(
          usesExactTokens ? turns : turns.map { ChatTurn(role: $0.role, text: $0.text) }),
        settings: settings, maximumTokens: 24)
      if number == 1 {
        settings.temperature = 0.4
        request.scheduledChanges = [KnobChange(tokenIndex: 9, settings: settings)]
      }
      for await event in harness.engine.submit(.generate(request)).events {
        switch event {
        case .started(let prompt, _, _):
          writer.append(
            .answerStarted(
              message: answer, settings: request.settings, promptTokens: prompt, maximumTokens: 24))
        case .tokens(let chunk):
          let ids = chunk.records.map(\.sampled.token)
          conversation.appendText(chunk.text, tokens: ids, to: answer)
          writer.append(.answerTokens(message: answer, tokens: ids, text: chunk.text))
        case .finished(let provenance):
          writer.append(.answerFinished(message: answer, provenance: provenance))
        default: break
        }
      }
    }
    writer.close()
    return try SessionReader.read(try #require(writer.path))
  }

  func harness(_ logits: @escaping FakeModel.Logits = varied) async -> EngineHarness {
    // Many pairs of letters are one token in text, while the model says them letter by letter: an answer's own tokens
    // and those of its text are then not the same.
    var tokenizer = FakeTokenizer()
    for first in "aeiou" {
      tokenizer.pieces += "abcdefghijklmnopqrstuvwxyz".map { "\(first)\($0)" }
    }
    return await EngineHarness.loaded(model: FakeModel(logits: logits), tokenizer: tokenizer)
  }

  @Test func exactTokensMakeAnotherPromptThanTheirText() async throws {
    let exact = try await record(await harness(), usesExactTokens: true)
    let plain = try await record(await harness(), usesExactTokens: false)
    #expect(exact.answers[1].promptTokens > plain.answers[1].promptTokens)
  }

  @Test(arguments: [true, false])
  func theSameModelRepeatsASessionTokenForToken(usesExactTokens: Bool) async throws {
    let session = try await record(await harness(), usesExactTokens: usesExactTokens)
    #expect(session.answers.count == 3)
    let outcome = try await Replay(engine: harness().engine, hashes: ModelHash(file: nil))
      .run(session)
    #expect(outcome.divergence == nil)
    #expect(outcome.answers == 3)
    #expect(outcome.tokens == 72)
    #expect(outcome.notes == [])
  }

  @Test func theFirstTokenThatDiffersIsNamedWithBothProbabilities() async throws {
    let session = try await record(await harness())
    let place = session.answers[0].promptTokens + 5
    // Another model, which behaves differently from the sixth token on.
    let other = await harness { tokens in
      tokens.count == place ? varied(tokens).mapValues { -$0 } : varied(tokens)
    }
    let outcome = try await Replay(engine: other.engine, hashes: nil).run(session)
    let divergence = try #require(outcome.divergence)
    #expect(divergence.message == 1)
    guard case .token(let index, let expected, let got) = divergence.kind else {
      Issue.record("\(divergence)")
      return
    }
    #expect(index == 5)
    #expect(expected.token == session.answers[0].tokens[5])
    #expect(got.token != expected.token)
    #expect((got.probability ?? 0) > 0)
    #expect(divergence.description.contains("message 1, token 5: expected \(expected.token)"))
    #expect(outcome.answers == 0)
  }

  @Test func aChangedModelFileIsSaid() async throws {
    let session = try await record(await harness())
    _ = try folder.write("model", "other weights".utf8)
    let outcome = try await Replay(engine: harness().engine, hashes: ModelHash(file: nil))
      .run(session)
    #expect(outcome.divergence == nil)
    #expect(outcome.notes.count == 1)
    #expect(outcome.notes.first?.contains("hash differs") == true)
  }

  @Test func anotherPromptIsADivergence() async throws {
    var session = try await record(await harness())
    session.answers[1].promptTokens += 1
    let outcome = try await Replay(engine: harness().engine, hashes: nil).run(session)
    let count = session.answers[1].promptTokens
    #expect(outcome.divergence?.kind == .prompt(expected: count, got: count - 1))
    #expect(outcome.answers == 1)
  }

  @Test func anAnswerThatEndsEarlierOrLaterIsADivergence() async throws {
    let session = try await record(await harness())
    let end = session.answers[2].promptTokens + 3
    let shorter = await harness { tokens in
      tokens.count == end ? [FakeTokenizer.endID: 50] : varied(tokens)
    }
    let outcome = try await Replay(engine: shorter.engine, hashes: nil).run(session)
    #expect(
      outcome.divergence?.kind == .ended(index: 3, expected: session.answers[2].tokens[3]))

    var longer = session
    longer.answers[2].tokens.removeLast(20)
    let second = try await Replay(engine: harness().engine, hashes: nil).run(longer)
    guard case .wentOn(let index, let got) = second.divergence?.kind else {
      Issue.record("\(String(describing: second.divergence))")
      return
    }
    #expect(index == 4)
    #expect(got.token == session.answers[2].tokens[4])
  }

  @Test func anAnswerThatWasCutIsComparedAsFarAsItWent() async throws {
    var session = try await record(await harness())
    session.answers[2].provenance = nil
    session.answers[2].tokens.removeLast(10)
    let outcome = try await Replay(engine: harness().engine, hashes: nil).run(session)
    #expect(outcome.divergence == nil)
    #expect(outcome.tokens == 62)
  }

  @Test func aSessionWithUnreadableLinesIsNotReplayed() async throws {
    var session = try await record(await harness())
    session.problems = [InferenceError(.environment, "line 3")]
    let engine = await harness().engine
    await #expect(throws: InferenceError(.environment, "line 3")) {
      try await Replay(engine: engine, hashes: nil).run(session)
    }
  }
}
