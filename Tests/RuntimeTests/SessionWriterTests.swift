import Glibc
import Inference
import Runtime
import Testing

@Suite struct SessionWriterTests {
  let folder = TemporaryFolder()

  @Test func nothingIsWrittenBeforeAPersonSaysSomething() throws {
    let writer = SessionWriter(newIn: folder.path, header: .sample())
    writer.append(.system("be brief"))
    writer.append(.title("x"))
    writer.flush()
    #expect(writer.path == nil)
    #expect(folder.files == [])
    writer.append(.message(message(0, nil, .user, "hello")))
    writer.flush()
    #expect(folder.files.count == 1)
    let session = try SessionReader.read(try #require(writer.path))
    #expect(session.conversation.system == "be brief")
    #expect(session.title == "x")
    #expect(folder.files == ["\(session.header.id).jsonl"])
  }

  @Test func streamedTokensWaitForTheTimerAndMakeOneLine() throws {
    let timer = ManualTimer()
    let writer = SessionWriter(newIn: folder.path, header: .sample(), timer: timer.start)
    for record in sampleRecords().prefix(4) { writer.append(record) }
    writer.flush()
    let path = try #require(writer.path)
    let before = try lines(of: path).count
    #expect(timer.count == 1)
    timer.fire()
    for token in TokenID(65)..<75 {
      writer.append(
        .answerTokens(message: 1, tokens: [token], text: String(UnicodeScalar(UInt8(token)))))
    }
    // One timer runs, however many tokens come; it is what brings them to the file.
    writer.drain()
    #expect(timer.count == 1)
    #expect(try lines(of: path).count == before)
    timer.fire()
    writer.drain()
    #expect(try lines(of: path).count == before + 1)
    let session = try SessionReader.read(path)
    #expect(session.conversation[1]?.text == "ABCDEFGHIJ")
    #expect(session.answers.first?.tokens == Array(65..<75))
    // With nothing left to write no timer is armed.
    #expect(timer.count == 0)
  }

  @Test func aFinishedAnswerIsInTheFileAtOnce() throws {
    let timer = ManualTimer()
    let writer = SessionWriter(newIn: folder.path, header: .sample(), timer: timer.start)
    for record in sampleRecords().prefix(8) { writer.append(record) }
    writer.drain()
    let session = try SessionReader.read(try #require(writer.path))
    #expect(session.answers.first?.provenance != nil)
    #expect(session.answers.first?.tokens == [104, 105, 33])
  }

  @Test func twoProgramsNeverWriteOneFile() throws {
    let first = SessionWriter(newIn: folder.path, header: .sample(id: "same"))
    let second = SessionWriter(newIn: folder.path, header: .sample(id: "same"))
    first.append(.message(message(0, nil, .user, "one")))
    second.append(.message(message(0, nil, .user, "two")))
    first.flush()
    second.flush()
    let path = try #require(first.path)
    #expect(second.path != path)
    #expect(try SessionReader.read(path).conversation[0]?.text == "one")
    let other = try SessionReader.read(try #require(second.path))
    #expect(other.conversation[0]?.text == "two")
    #expect(second.path?.hasSuffix("/\(other.header.id).jsonl") == true)
    #expect(throws: InferenceError.self) { try SessionWriter(resuming: path) }
  }

  @Test func aClosedSessionCanBeResumed() throws {
    let writer = SessionWriter(newIn: folder.path, header: .sample())
    for record in sampleRecords() { writer.append(record) }
    #expect(writer.close() == nil)
    let path = try #require(writer.path)
    let before = try contents(of: path)
    writer.append(.title("too late"))
    let resumed = try SessionWriter(resuming: path)
    resumed.append(.message(message(3, 2, .assistant, "")))
    resumed.flush()
    #expect(try contents(of: path).starts(with: before))
    #expect(try SessionReader.read(path).conversation.messages.count == 4)
  }

  @Test func whatCannotBeWrittenIsKeptAndTriedAgain() throws {
    let blocked = try folder.write("blocked", "a file where a folder should be".utf8)
    let timer = ManualTimer()
    let writer = SessionWriter(newIn: blocked, header: .sample(), timer: timer.start)
    for record in sampleRecords() { writer.append(record) }
    writer.flush()
    #expect(writer.failure?.code == .environment)
    #expect(writer.path == nil)
    try remove(blocked)
    timer.fire()
    writer.drain()
    #expect(writer.failure == nil)
    let session = try SessionReader.read(try #require(writer.path))
    #expect(session.conversation.messages.count == 3)
    #expect(session.answers.first?.tokens == [104, 105, 33])
  }

  @Test func manyThreadsMayAppend() async throws {
    let writer = SessionWriter(newIn: folder.path, header: .sample())
    for record in sampleRecords().prefix(4) { writer.append(record) }
    await withTaskGroup { group in
      for worker in 0..<4 {
        group.addTask {
          for _ in 0..<50 {
            writer.append(.answerTokens(message: 1, tokens: [TokenID(worker)], text: "x"))
          }
        }
      }
    }
    writer.flush()
    let session = try SessionReader.read(try #require(writer.path))
    #expect(session.answers.first?.tokens.count == 200)
    #expect(session.conversation[1]?.text.count == 200)
  }

  @Test func aKilledProgramLosesOnlyWhatWaitedForTheDisk() async throws {
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String] in
      let writer = SessionWriter(newIn: path, header: .sample(), interval: 3600)
      for record in sampleRecords().prefix(4) { writer.append(record) }
      writer.append(.answerTokens(message: 1, tokens: [104, 105], text: "hi"))
      writer.flush()
      writer.append(.answerTokens(message: 1, tokens: [33], text: "!"))
      kill(getpid(), SIGKILL)
    }
    let name = try #require(folder.files.first)
    let path = folder.path + "/" + name
    let session = try SessionReader.read(path)
    #expect(session.problems == [])
    #expect(session.conversation[0]?.text == "hello \"you\"\n\u{1B}[31m€😀")
    #expect(session.answers.first?.tokens == [104, 105])
    // The dead program's lock died with it.
    let writer = try SessionWriter(resuming: path)
    writer.append(.answerTokens(message: 1, tokens: [63], text: "?"))
    #expect(writer.close() == nil)
    #expect(try SessionReader.read(path).conversation[1]?.text == "hi?")
  }
}
