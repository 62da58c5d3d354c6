import Foundation
import Inference
import Runtime
import Testing

@Suite struct SessionStoreTests {
  let folder = TemporaryFolder()
  var store: SessionStore { SessionStore(folder: folder.path) }

  func session(_ id: String, _ records: [SessionRecord]) throws -> String {
    let writer = SessionWriter(newIn: folder.path, header: .sample(id: id))
    for record in records { writer.append(record) }
    writer.close()
    return try #require(writer.path)
  }

  @Test func theListBeginsWithTheLastWritten() throws {
    for (age, id) in [(30.0, "c"), (10, "a"), (20, "b")] {
      let path = try session(id, [.message(message(0, nil, .user, "talk \(id)"))])
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000 - age)], ofItemAtPath: path)
    }
    _ = try folder.write("note.txt", "not a session".utf8)
    let list = store.list()
    #expect(list.map(\.id) == ["a", "b", "c"])
    #expect(list.first?.title == "talk a")
    #expect(list.first?.model == "fake")
    #expect(list.first?.messages == 1)
    #expect(list.allSatisfy { $0.problem == nil })
  }

  @Test func aTitleIsTheFirstWordsUnlessOneIsGiven() throws {
    let long = "Tell me, in as many words as you like,\n why the sky over the sea is blue"
    _ = try session("a", [.message(message(0, nil, .user, long))])
    #expect(
      store.list().first?.title == "Tell me, in as many words as you like, why the sky over the…")
    _ = try session(
      "b", [.message(message(0, nil, .user, long)), .title("Sky"), .title("Blue sky")])
    #expect(store.list().first { $0.id == "b" }?.title == "Blue sky")
  }

  @Test func ofALongSessionTheEndsAreEnough() throws {
    var records: [SessionRecord] = [.message(message(0, nil, .user, "how long?"))]
    for id in 1..<400 {
      records.append(
        .message(message(id, id - 1, .user, String(repeating: "very long ", count: 100))))
    }
    let path = try session("long", records + [.title("At the end")])
    #expect(try contents(of: path).count > 300_000)
    let entry = try #require(store.list().first)
    #expect(entry.messages == 400)
    #expect(entry.title == "At the end")
  }

  @Test func aFileThatIsNoSessionIsListedWithItsProblem() throws {
    let path = try folder.write("bad.jsonl", "garbage\n".utf8)
    let entry = try #require(store.list().first)
    #expect(entry.problem?.message.contains(path) == true)
    #expect(entry.id == "bad")
  }

  @Test(arguments: [Int.max, Int.max - 1, -1])
  func anImpossibleNumberInASessionHarmsNoList(_ id: Int) throws {
    _ = try session("odd", [.message(message(id, nil, .user, "hello"))])
    let entry = try #require(store.list().first)
    #expect(entry.messages == nil)
    #expect(entry.problem == nil)
  }

  @Test func anEmptyOrMissingFolderListsNothing() {
    #expect(store.list() == [])
    #expect(SessionStore(folder: folder.path + "/none").list() == [])
  }

  @Test func aSessionIsFoundByTheBeginningOfItsName() throws {
    let path = try session("2026-03-01-x", [.message(message(0, nil, .user, "x"))])
    _ = try session("2026-04-01-y", [.message(message(0, nil, .user, "y"))])
    #expect(try store.path(of: "2026-03") == path)
    #expect(try store.path(of: "2026-03-01-x") == path)
    #expect(try store.path(of: "/elsewhere/x.jsonl") == "/elsewhere/x.jsonl")
    #expect(throws: InferenceError.self) { try store.path(of: "2026") }
    #expect(throws: InferenceError.self) { try store.path(of: "2027") }
    #expect(throws: InferenceError.self) { try store.path(of: "") }
  }

  @Test func aForkHoldsItsBranchAndItsOrigin() throws {
    let path = try session(
      "origin",
      sampleRecords() + [
        .message(message(3, 0, .assistant, "a sibling")),
        .message(message(4, 3, .user, "on the other branch")),
      ])
    let origin = try SessionReader.read(path)
    let fork = try SessionReader.read(try store.fork(origin, at: 4))
    #expect(fork.header.forkedFrom == "origin#4")
    #expect(fork.problems == [])
    #expect(fork.conversation.system == "be brief")
    #expect(
      fork.conversation.branch.map(\.text) == [
        "hello \"you\"\n\u{1B}[31m€😀", "a sibling", "on the other branch",
      ])
    #expect(fork.conversation.messages.map(\.id) == [0, 1, 2])
    #expect(throws: InferenceError.self) { try store.fork(origin, at: 9) }
  }

  @Test func aForkKeepsHowItsAnswersWereMade() throws {
    let origin = try SessionReader.read(try session("origin", sampleRecords()))
    let fork = try SessionReader.read(try store.fork(origin, at: 2))
    #expect(fork.answers == origin.answers)
    #expect(fork.conversation == origin.conversation)
    #expect(try SessionWriter(resuming: fork.path).close() == nil)
  }
}
