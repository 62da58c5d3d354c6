import Glibc
import TestSupport
import Testing

/// Every way out leaves the terminal as it was found.
@Suite struct ScreenRestoreTests {
  private func expectRestored(_ pty: Pty, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(pty.modesNow == pty.modesBefore, sourceLocation: sourceLocation)
    #expect(!pty.model.isAlternate, sourceLocation: sourceLocation)
    #expect(pty.model.isCursorShown, sourceLocation: sourceLocation)
    #expect(
      pty.model.modes.isDisjoint(with: [1002, 1006, 1036, 2004, 2026, 1049]), "\(pty.model.modes)",
      sourceLocation: sourceLocation)
    #expect(pty.model.unknown.isEmpty, "\(pty.model.unknown)", sourceLocation: sourceLocation)
    #expect(pty.outputText.contains("\u{1B}[23;0t"), sourceLocation: sourceLocation)
  }

  @Test func quittingRestoresTheTerminal() throws {
    let pty = try ProbeRun.open(["--mouse", "--sync"])
    #expect(pty.model.isAlternate)
    #expect(pty.model.modes.isSuperset(of: [1002, 1006, 1036, 2004, 1049]))
    #expect(pty.modesNow != pty.modesBefore)
    try pty.send("\u{03}")
    #expect(try pty.waitForExit() == 0)
    expectRestored(pty)
  }

  @Test(arguments: [SIGTERM, SIGHUP, SIGINT, SIGQUIT])
  func endingSignalsRestoreAndKill(signal: Int32) throws {
    let pty = try ProbeRun.open(["--mouse"])
    kill(pty.process, signal)
    #expect(try pty.waitForExit() & 0x7F == signal)
    expectRestored(pty)
  }

  @Test func theProgrammeMaySaveBeforeItDies() throws {
    let folder = try TemporaryFolder()
    let pty = try ProbeRun.open(["--grace"], ["PROBE_LOG": folder.file("log")])
    kill(pty.process, SIGTERM)
    #expect(try pty.waitForExit() & 0x7F == SIGTERM)
    #expect(folder.sentLines() == ["saved"])
    expectRestored(pty)
  }

  @Test(arguments: [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP])
  func crashSignalsRestoreAndKill(signal: Int32) throws {
    let pty = try ProbeRun.open()
    kill(pty.process, signal)
    #expect(try pty.waitForExit() & 0x7F == signal)
    expectRestored(pty)
    #expect(pty.model.text.contains("paceline: crashed by SIG"))
  }

  @Test func aSwiftTrapShowsItsMessageAfterTheRestore() throws {
    let pty = try ProbeRun.open(["--crash=trap"])
    try pty.send("\u{1B}OQ")
    let status = try pty.waitForExit()
    #expect([SIGILL, SIGTRAP].contains(status & 0x7F))
    expectRestored(pty)
    #expect(pty.outputText.contains("Fatal error: probe trap"))
    #expect(pty.model.text.contains("during decode layer 3"))
  }

  @Test func exitInTheMiddleRestores() throws {
    let pty = try ProbeRun.open(["--crash=exit"])
    try pty.send("\u{1B}OQ")
    #expect(try pty.waitForExit() >> 8 & 0xFF == 3)
    expectRestored(pty)
  }

  @Test func aLostTerminalEndsTheProgrammeEvenWithoutTheSignal() throws {
    let pty = try Pty(
      ["/bin/sh", "-c", "trap '' HUP; exec \(ProbeRun.program)"],
      environment: ProbeRun.environment())
    try pty.wait(for: "probe 80x24")
    pty.hangUp()
    #expect(try pty.waitForExit() == 0)
  }

  @Test func standardErrorStaysOffTheScreenAndComesAfterwards() throws {
    let pty = try ProbeRun.open()
    try pty.send("\u{1B}[19~")
    try pty.wait(for: "key F8")
    #expect(!pty.outputText.contains("library noise"))
    try pty.send("\u{03}")
    try pty.waitForExit()
    #expect(pty.outputText.contains("library noise"))
  }
}
