import Glibc
import TestSupport
import Testing

/// Pictures in pixels on a pseudo-terminal: shown over the cells, and gone without a trace.
@Suite struct ScreenPictureTests {
  static let kitty = "\u{1B}_Gi=1346454341;OK\u{1B}\\\u{1B}[?62;c"
  static let sixel = "\u{1B}[?62;4c"

  /// The probe on a terminal that gave an answer, with its picture shown.
  private func shown(_ answer: String, arguments: [String] = []) throws -> Pty {
    let pty = try ProbeRun.open(arguments)
    try pty.send("\u{1B}[21~")
    try pty.wait("the question") { $0.outputText.contains("\u{1B}[c") }
    try pty.send(answer + "\u{1B}[23~")
    try pty.wait("the picture") { !$0.model.pictures.isEmpty }
    return pty
  }

  private func name(_ answer: String) -> String { answer == Self.kitty ? "kitty" : "sixel" }

  @Test(arguments: [kitty, sixel])
  func aPictureComesAndGoes(answer: String) throws {
    let pty = try shown(answer)
    #expect(pty.model.pictures == [name(answer)])
    #expect(pty.model.text.contains("key F11"), "the cells are there as well")
    try pty.send("\u{1B}[23~")
    try pty.wait("the end of it") { $0.model.pictures.isEmpty }
    pty.settle()
    let text = pty.model.text
    try pty.send("\u{0C}")
    try pty.wait(for: "key C-l")
    #expect(pty.model.text == text.replacing("key F11", with: "key C-l"), "all cells were right")
    try pty.send("\u{03}")
    #expect(try pty.waitForExit() == 0)
    #expect(pty.model.unknown.isEmpty, "\(pty.model.unknown)")
  }

  @Test(arguments: [kitty, sixel])
  func aStandingPictureIsNotSentAgain(answer: String) throws {
    let pty = try shown(answer)
    pty.settle()
    pty.forgetOutput()
    try pty.send("typed")
    try pty.wait(for: "> typed")
    #expect(!pty.outputText.contains("\u{1B}_G") && !pty.outputText.contains("\u{1B}P"))
    #expect(pty.model.pictures == [name(answer)])
  }

  @Test(arguments: [kitty, sixel])
  func aRepaintAndANewSizeShowItAgain(answer: String) throws {
    let pty = try shown(answer)
    try pty.send("\u{0C}")
    try pty.wait(for: "key C-l")
    try pty.wait("the picture") { $0.model.pictures == [name(answer)] }
    pty.settle()
    pty.forgetOutput()
    pty.resize(columns: 70, rows: 22)
    try pty.wait(for: "probe 70x22")
    let sign = answer == Self.kitty ? "\u{1B}_Ga=T" : "\u{1B}P"
    try pty.wait("the picture again") { $0.outputText.contains(sign) }
    // Where there is no room for it, nothing is left of it.
    pty.resize(columns: 70, rows: 9)
    try pty.wait(for: "probe 70x9")
    try pty.wait("no picture") { $0.model.pictures.isEmpty }
  }

  @Test(arguments: [kitty, sixel])
  func everyWayOutTakesItAway(answer: String) throws {
    let quitting = try shown(answer)
    try quitting.send("\u{03}")
    #expect(try quitting.waitForExit() == 0)
    #expect(quitting.model.pictures.isEmpty && !quitting.model.isAlternate)
    for signal in [SIGTERM, SIGSEGV] {
      let pty = try shown(answer)
      kill(pty.process, signal)
      #expect(try pty.waitForExit() & 0x7F == signal)
      #expect(pty.model.pictures.isEmpty && !pty.model.isAlternate)
    }
    let lending = try shown(answer)
    try lending.send("\u{1B}OR")
    try lending.wait("the child") { !$0.model.isAlternate && $0.model.text.contains("child") }
    #expect(lending.model.pictures.isEmpty)
    try lending.send("\n")
    try lending.wait(for: "note child 7")
    try lending.wait("the picture") { $0.model.pictures == [name(answer)] }
  }

  @Test(arguments: ["", "\u{1B}[?1;2c", "\u{1B}_Gi=1346454341;EINVAL\u{1B}\\\u{1B}[?62c"])
  func withoutTheTerminalsWordNoPixelIsSent(answer: String) throws {
    let pty = try ProbeRun.open()
    try pty.send("\u{1B}[21~\u{1B}[21~")
    try pty.wait("the question") { $0.outputText.contains("\u{1B}[c") }
    try pty.send(answer + "\u{1B}[23~")
    try pty.wait(for: "key F11")
    try pty.send("\u{03}")
    #expect(try pty.waitForExit() == 0)
    #expect(!pty.outputText.contains("a=T") && !pty.outputText.contains("\u{1B}P"))
    #expect(pty.outputText.split(separator: "\u{1B}[c").count == 2, "asked once")
  }

  @Test func withoutColoursThereAreNoPixels() throws {
    let pty = try ProbeRun.open(["--color=never"])
    try pty.send("\u{1B}[21~")
    try pty.wait("the question") { $0.outputText.contains("\u{1B}[c") }
    try pty.send(Self.kitty + "\u{1B}[23~")
    try pty.wait(for: "key F11")
    #expect(pty.model.pictures.isEmpty)
  }

  @Test func tmuxIsAskedForAttributesOnly() throws {
    let pty = try ProbeRun.open([], ["TMUX": "/tmp/tmux-0/default,1,0"])
    try pty.send("\u{1B}[21~")
    try pty.wait("the question") { $0.outputText.contains("\u{1B}[c") }
    #expect(!pty.outputText.contains("\u{1B}_"))
  }
}
