import Glibc
import TestSupport
import Testing

/// The prompt with real readline, on a pseudo-terminal.
@Suite struct PromptTests {
  private func open(
    _ folder: TemporaryFolder, inputrc: String = "", _ changes: [String: String] = [:]
  ) throws -> Pty {
    try folder.write(inputrc, to: "inputrc")
    var all = [
      "PROBE_LOG": folder.file("log"), "PROBE_HISTORY": folder.file("history"),
      "INPUTRC": folder.file("inputrc"),
    ]
    all.merge(changes) { $1 }
    return try ProbeRun.open([], all)
  }

  private func quit(_ pty: Pty) throws {
    try pty.send("\u{03}")
    #expect(try pty.waitForExit() == 0)
    #expect(pty.model.unknown.isEmpty, "\(pty.model.unknown)")
  }

  @Test func enterSends() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("hello\r")
    try pty.wait(for: "sent 1")
    #expect(pty.model.text.contains("last hello"))
    try quit(pty)
    #expect(folder.sentLines() == ["hello"])
  }

  @Test(arguments: ["\n", "\u{1B}\r", "\u{1B}[13;2u", "\\\r"])
  func newlineKeysDoNotSend(key: String) throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("one\(key)two\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == ["one\ntwo"])
  }

  @Test(arguments: [
    ("\u{1B}[200~first\rsecond\r\u{1B}[201~", "first\nsecond\n"),
    ("\u{1B}[200~a\u{1B}[Ab\u{03}c\u{1B}[201~", "a\u{1B}[Ab\u{03}c"),
    ("\u{1B}[200~x\u{1B}[201~\rsend\r\u{1B}[201~", "x\u{1B}[201~\nsend\n"),
    ("\u{1B}[200~日本\u{1F469}\u{200D}\u{1F52C}\u{1B}[201~", "日本\u{1F469}\u{200D}\u{1F52C}"),
  ])
  func aPasteNeverSends(paste: String, text: String) throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send(paste + "END")
    try pty.wait(for: "END")
    #expect(pty.model.text.contains("sent 0"))
    try pty.send("\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == [text + "END"])
  }

  @Test func aPasteOfOneMegabyteArrivesWhole() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    let line = "The quick brown fox jumps over the lazy dog 0123456789.\n"
    let text = String(repeating: line, count: (1 << 20) / line.utf8.count)
    try pty.send("\u{1B}[200~" + text + "\u{1B}[201~END")
    try pty.wait(for: "END")
    #expect(pty.model.text.contains("sent 0"))
    try pty.send("\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == [text + "END"])
  }

  @Test func anUnterminatedPasteEndsBySilenceAndDoesNotSend() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("\u{1B}[200~half\r")
    try pty.wait(for: "half")
    #expect(pty.model.text.contains("sent 0"))
    try pty.send("!\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == ["half\n!"])
  }

  @Test func multibyteTextIsSearchedAndEdited() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("größe 日本\r")
    try pty.wait(for: "sent 1")
    try pty.send("other\r")
    try pty.wait(for: "sent 2")
    try pty.send("\u{12}öß")
    try pty.wait(for: "search true")
    try pty.wait(for: "(reverse-i-search)`öß'")
    #expect(pty.model.text.contains("größe 日本"))
    // Left ends the search at the match; Backspace deletes a whole character.
    try pty.send("\u{05}\u{7F}語\r")
    try pty.wait(for: "sent 3")
    try quit(pty)
    #expect(folder.sentLines() == ["größe 日本", "other", "größe 日語"])
  }

  @Test func backspaceDeletesAWholeCluster() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("a\u{1F469}\u{200D}\u{1F52C}e\u{301}\u{7F}\u{7F}b\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == ["ab"])
  }

  @Test func multibyteInputSplitAtEveryByteArrives() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    for byte in Array("é日😀".utf8) { try pty.send([byte]) }
    try pty.wait(for: "é日😀")
    try pty.send("\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == ["é日😀"])
  }

  @Test func viModeOfTheInputrcIsHonoured() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder, inputrc: "set editing-mode vi\n")
    try pty.wait(for: "mode viInsert")
    try pty.send("one two\u{1B}")
    try pty.wait(for: "mode viCommand")
    try pty.send("0dwiX")
    try pty.wait(for: "mode viInsert")
    try pty.send("\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == ["Xtwo"])
  }

  @Test func theInputrcMayRebindOurFunctionsAndBindMacros() throws {
    let folder = try TemporaryFolder()
    let pty = try open(
      folder, inputrc: "$if paceline\n\"\\C-o\": \"macro!\"\n\"\\C-t\": pace-newline\n$endif\n")
    try pty.send("\u{0F}\u{14}x\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == ["macro!\nx"])
  }

  @Test func editorKeysAskForTheEditor() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("\u{18}\u{05}")
    try pty.wait(for: "note editor")
    try quit(pty)
  }

  @Test func commandsAreCompletedAndOffered() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("/h\t")
    try pty.wait(for: "offers /help /history")
    try pty.send("i")
    try pty.wait("the offers to go") { !$0.model.text.contains("/help") }
    try pty.send("\t\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == ["/history "])
  }

  @Test func pathsAreCompleted() throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "unmistakable")
    let pty = try open(folder)
    try pty.send("read \(folder.path)/unmis\t\r")
    try pty.wait(for: "sent 1")
    try quit(pty)
    #expect(folder.sentLines() == ["read \(folder.path)/unmistakable "])
  }

  @Test func historySurvivesAKillAndKeepsLinesTogether() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("first\nline\r")
    try pty.wait(for: "sent 1")
    kill(pty.process, SIGKILL)
    try pty.waitForExit()
    var information = stat()
    #expect(stat(folder.file("history"), &information) == 0)
    #expect(information.st_mode & 0o777 == 0o600)
    #expect(String(decoding: folder.read("history"), as: UTF8.self).hasPrefix("#"))
    let again = try open(folder)
    try again.send("\u{1B}[A\r")
    try again.wait(for: "sent 1")
    try quit(again)
    #expect(folder.sentLines() == ["first\nline", "first\nline"])
  }

  @Test func aPasteInASearchDoesNotSend() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("needle in hay\r")
    try pty.wait(for: "sent 1")
    try pty.send("\u{12}\u{1B}[200~needle\r\u{1B}[201~")
    try pty.wait(for: "search true")
    #expect(pty.model.text.contains("sent 1"))
    try quit(pty)
  }

  @Test func controlDOnAnEmptyLineEndsTheInput() throws {
    let folder = try TemporaryFolder()
    let pty = try open(folder)
    try pty.send("x\u{7F}\u{04}")
    #expect(try pty.waitForExit() == 0)
  }
}
