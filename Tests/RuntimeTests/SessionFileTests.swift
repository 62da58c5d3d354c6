import Inference
import Runtime
import Testing

@Suite struct SessionFileTests {
  let folder = TemporaryFolder()

  func written(_ records: [SessionRecord]) throws -> String {
    let writer = SessionWriter(newIn: folder.path, header: .sample())
    for record in records { writer.append(record) }
    writer.flush()
    return try #require(writer.path)
  }

  @Test func aSessionComesBackAsItWas() throws {
    let path = try written(sampleRecords() + [.head(1), .title("Greetings")])
    let session = try SessionReader.read(path)
    #expect(session.problems == [])
    #expect(session.notes == [])
    #expect(session.title == "Greetings")
    #expect(session.conversation.system == "be brief")
    #expect(
      session.conversation.messages.map(\.text) == ["hello \"you\"\n\u{1B}[31m€😀", "hi!", "and?"])
    #expect(session.conversation.head == 1)
    #expect(session.conversation[1]?.tokens == [104, 105, 33])
    #expect(session.conversation[1]?.provenance?.tokens == 3)
    let answer = try #require(session.answers.first)
    #expect(session.answers.count == 1)
    #expect(answer.tokens == [104, 105, 33])
    #expect(answer.text == "hi!")
    #expect(answer.stopStrings == ["END"])
    #expect(answer.maximumTokens == 100)
    #expect(answer.promptTokens == 8)
    #expect(answer.changes.map(\.tokenIndex) == [2])
    #expect(answer.turns.map(\.role) == [.system, .user])
    #expect(answer.model.hash == SessionHeader.sample().modelHash)
  }

  @Test func theFilesAreForTheirOwnerOnly() throws {
    let path = try written(sampleRecords())
    #expect(try mode(of: path) == 0o600)
    let nested = SessionWriter(newIn: folder.path + "/a/b", header: .sample())
    nested.append(.message(message(0, nil, .user, "x")))
    nested.flush()
    #expect(try mode(of: folder.path + "/a") == 0o700)
    #expect(try mode(of: folder.path + "/a/b") == 0o700)
  }

  @Test func aTornLastLineLosesOnlyItselfAtEveryByte() throws {
    let path = try written(sampleRecords())
    let whole = try contents(of: path)
    let lastStart = try #require(whole.dropLast().lastIndex(of: UInt8(ascii: "\n"))) + 1
    for end in lastStart..<whole.count {
      let torn = try folder.write("torn-\(end).jsonl", whole[..<end])
      let session = try SessionReader.read(torn)
      #expect(session.problems == [])
      let isWholeRecord = end == whole.count - 1
      #expect(session.conversation.messages.count == (isWholeRecord ? 3 : 2))
      #expect(session.notes.count == (isWholeRecord || end == lastStart ? 0 : 1))

      // Going on starts a line of its own, and nothing is mistaken later on.
      let writer = try SessionWriter(resuming: torn)
      let id = session.conversation.messages.count
      writer.append(.message(message(id, id - 1, .user, "after the fall")))
      writer.flush()
      let resumed = try SessionReader.read(torn)
      #expect(resumed.problems == [], "torn at byte \(end)")
      #expect(resumed.conversation.messages.last?.text == "after the fall")
      #expect(try contents(of: torn).starts(with: whole[..<end]))
    }
  }

  @Test func anAnswerCutByTheEndOfTheProgramKeepsItsTokens() throws {
    let path = try written(Array(sampleRecords().prefix(5)))
    let session = try SessionReader.read(path)
    #expect(session.answers.first?.provenance == nil)
    #expect(session.answers.first?.tokens == [104, 105])
    #expect(session.conversation[1]?.text == "hi")
    #expect(session.problems == [])
  }

  @Test func aContinuedAnswerIsASecondRunOnTheSameMessage() throws {
    let path = try written(
      sampleRecords().prefix(8) + [
        .answerStarted(message: 1, settings: .greedy, promptTokens: 11, maximumTokens: 5),
        .answerTokens(message: 1, tokens: [63], text: "?"),
      ])
    let session = try SessionReader.read(path)
    #expect(session.conversation[1]?.text == "hi!?")
    #expect(session.answers.count == 2)
    let second = try #require(session.answers.last)
    #expect(second.turns.last == ChatTurn(role: .assistant, text: "hi!", tokens: [104, 105, 33]))
    #expect(second.tokens == [63])
  }

  @Test func eachBadLineIsNamed() throws {
    let good = sampleRecords().map(\.line)
    let path = try folder.write(
      "bad.jsonl",
      lines: [
        SessionRecord.header(.sample(id: "x")).line, good[0], "{\"type\":", good[1],
        SessionRecord.message(message(7, 0, .user, "far")).line,
        SessionRecord.answerTokens(message: 0, tokens: [1], text: "a").line,
        #"{"type":"hologram"}"#, SessionRecord.head(44).line, "\u{0}\u{0}",
      ])
    let session = try SessionReader.read(path)
    #expect(
      session.problems.map(\.message) == [
        "\(path) line 3: not valid JSON", "\(path) line 5: message 7 comes where 1 should",
        "\(path) line 6: message 0 has no answer begun", "\(path) line 8: there is no message 44",
        "\(path) line 9: not valid JSON",
      ])
    #expect(session.notes == ["line 7 is of a kind that this program does not know"])
    #expect(session.conversation.messages.count == 1)
  }

  @Test func aFloodOfBadLinesIsCounted() throws {
    let path = try folder.write(
      "flood.jsonl",
      lines: [SessionRecord.header(.sample(id: "x")).line] + Array(repeating: "x", count: 250))
    let session = try SessionReader.read(path)
    #expect(session.problems.count == 101)
    #expect(session.problems.last?.message.contains("150 more lines") == true)
  }

  @Test(arguments: [
    "", "\n", "hello\n", "{\"type\":\"title\",\"text\":\"x\"}\n", "\u{0}",
    #"{"type":"session","format":2,"id":"x","created":"","context":1}"#,
  ])
  func whatIsNoSessionIsRefusedWithItsName(text: String) throws {
    let path = try folder.write("none.jsonl", text.utf8)
    do throws(InferenceError) {
      _ = try SessionReader.read(path)
      Issue.record("it was read")
    } catch {
      #expect(error.message.contains(path))
    }
  }

  @Test func aFileThatIsMissingOrAFolderIsRefused() {
    #expect(throws: InferenceError.self) { try SessionReader.read(folder.path + "/none.jsonl") }
    #expect(throws: InferenceError.self) { try SessionReader.read(folder.path) }
  }

  @Test func mutatedFilesNeverTrap() throws {
    let whole = try contents(of: try written(sampleRecords()))
    var generator = SplitMix(state: 3)
    for round in 0..<400 {
      var bytes = whole
      for _ in 0..<6 {
        let place = Int(generator.next() % UInt64(bytes.count))
        if generator.next() % 4 == 0 {
          bytes.removeSubrange(place..<min(bytes.count, place + 40))
        } else {
          bytes[place] = UInt8(truncatingIfNeeded: generator.next())
        }
      }
      let path = try folder.write("mutant-\(round % 4).jsonl", bytes)
      if let session = try? SessionReader.read(path) {
        _ = session.conversation.branch
        if let last = session.conversation.messages.last?.id {
          _ = try? SessionStore(folder: folder.path).fork(session, at: last)
        }
      }
    }
  }
}
