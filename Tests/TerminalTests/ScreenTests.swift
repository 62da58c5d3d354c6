import Glibc
import Terminal
import TestSupport
import Testing

/// The screen on a pseudo-terminal.
@Suite struct ScreenTests {
  private func quit(_ pty: Pty) throws {
    try pty.send("\u{03}")
    #expect(try pty.waitForExit() == 0)
    #expect(pty.model.unknown.isEmpty, "\(pty.model.unknown)")
  }

  @Test(arguments: ["", "dumb"])
  func withoutATerminalTypeNothingIsPainted(terminal: String) throws {
    let pty = try ProbeRun.start([], ["TERM": terminal])
    #expect(try pty.waitForExit() >> 8 & 0xFF == 2)
    #expect(!pty.output.contains(0x1B))
    #expect(pty.outputText.hasPrefix("line mode: "))
  }

  @Test func anUnknownTerminalTypeIsNamed() throws {
    let pty = try ProbeRun.start([], ["TERM": "no-such-terminal"])
    #expect(try pty.waitForExit() >> 8 & 0xFF == 2)
    #expect(pty.outputText.contains("unknown terminal type 'no-such-terminal'"))
    #expect(!pty.output.contains(0x1B))
  }

  @Test(arguments: [
    "xterm", "xterm-256color", "tmux-256color", "screen-256color", "linux", "vt100",
  ])
  func knownTerminalsShowTheFrame(terminal: String) throws {
    let pty = try ProbeRun.open([], ["TERM": terminal])
    try pty.send("typed")
    try pty.wait(for: "> typed")
    let isBasic = terminal == "linux" || terminal == "vt100"
    #expect(pty.model.modes.contains(2004) != isBasic)
    #expect(pty.model.modes.contains(1036) == terminal.hasPrefix("xterm"))
    try pty.send("\u{03}")
    #expect(try pty.waitForExit() == 0)
    #expect(pty.modesNow == pty.modesBefore)
  }

  @Test(arguments: [(["--color=never"], ""), ([], "1")])
  func withoutColourNoColourIsSent(arguments: [String], variable: String) throws {
    let pty = try ProbeRun.open(arguments, ["NO_COLOR": variable, "COLORTERM": "truecolor"])
    try pty.send("x\u{1B}[15~")
    try pty.wait(for: "key F5")
    try quit(pty)
    #expect(pty.model.colorChanges == 0)
    #expect(pty.outputText.contains(";1m"), "attributes are kept")
  }

  @Test func coloursAreSentWhereTheyExist() throws {
    let pty = try ProbeRun.open()
    try quit(pty)
    #expect(pty.model.colorChanges > 0)
  }

  @Test func theCLocaleGetsNoByteAbove127() throws {
    let pty = try ProbeRun.open([], ["LC_ALL": "C"])
    try pty.send("\u{1B}[17~")
    try pty.wait(for: "key F6")
    try quit(pty)
    #expect(pty.output.allSatisfy { $0 < 128 })
    #expect(pty.model.text.contains("wide") == false, "the screen was left")
  }

  @Test func wideAndDoubtfulClustersKeepTheColumn() throws {
    let pty = try ProbeRun.open()
    try pty.send("\u{1B}[17~")
    try pty.wait(for: "key F6")
    // After "note wide " come 2+2, space, 1, space, 2, space, 2, space, 2, space and the mark.
    #expect(
      pty.model.line(1).hasPrefix("note wide 日本 e\u{301} 👩 ❤  \u{FFFD}  |"), "\(pty.model.line(1))")
    try quit(pty)
  }

  @Test func hostileTextPaintsNothingButText() throws {
    let pty = try ProbeRun.open()
    pty.forgetOutput()
    try pty.send("\u{1B}[18~")
    try pty.wait(for: "key F7")
    #expect(!pty.outputText.contains("]52;"[...].dropFirst(0) + "c;eA==\u{07}"))
    #expect(!pty.output.contains(0x07))
    #expect(!pty.outputText.contains("\u{202E}"))
    #expect(!pty.outputText.contains("\u{9B}"))
    #expect(pty.model.text.contains("note bad \u{FFFD}]52;c;eA==\u{FFFD}\u{FFFD}2J\u{FFFD}|"))
    try quit(pty)
  }

  @Test func aResizeStormEndsInTheFrameOfAFreshStart() throws {
    let pty = try ProbeRun.open()
    try pty.send("text")
    try pty.wait(for: "> text")
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      pty.resize(
        columns: Int.random(in: 1...300, using: &generator),
        rows: Int.random(in: 1...100, using: &generator))
    }
    pty.resize(columns: 97, rows: 31)
    try pty.wait(for: "probe 97x31")
    try pty.wait(for: "> text")
    let fresh = try ProbeRun.open([], [:], size: (97, 31))
    try fresh.send("text")
    try fresh.wait(for: "> text")
    // A frame for an earlier size may still be on its way: only the last one counts.
    try pty.send("\u{0C}")
    try fresh.send("\u{0C}")
    try pty.wait(for: "key C-l")
    try fresh.wait(for: "key C-l")
    try pty.wait("equal screens") { $0.model.text == fresh.model.text }
    try quit(fresh)
    try pty.send("\u{03}")
    #expect(try pty.waitForExit() == 0)
  }

  @Test(arguments: [(1, 1), (5, 2), (20, 4), (300, 100)])
  func anySizeLives(columns: Int, rows: Int) throws {
    let pty = try ProbeRun.start([], [:], size: (columns, rows))
    try pty.wait("the screen") { $0.model.isAlternate }
    try pty.send("\u{1B}[15~\u{03}")
    #expect(try pty.waitForExit() == 0)
    #expect(pty.modesNow == pty.modesBefore)
  }

  @Test func steadyStateNeverClearsAndIdleSendsNothing() throws {
    let pty = try ProbeRun.open()
    let clears = pty.model.clears
    for letter in "abcdefgh" {
      try pty.send(String(letter))
      try pty.wait("the letter") { $0.model.text.contains("> ") && $0.model.text.contains(letter) }
    }
    #expect(pty.model.clears == clears)
    pty.settle()
    pty.forgetOutput()
    #expect(!pty.hasOutput(within: 300), "idle, yet it writes")
    try quit(pty)
  }

  @Test func aStuckTerminalCostsFramesNotTime() throws {
    let folder = try TemporaryFolder()
    let pty = try ProbeRun.open([], ["PROBE_LOG": folder.file("log")])
    // F9 presents 400 full frames while nobody reads; then a line is sent and logged all the same.
    let keys = Array("\u{1B}[20~hello\r".utf8)
    #expect(write(pty.master, keys, keys.count) == keys.count)
    let end = ContinuousClock.now + .seconds(10)
    while folder.sentLines().isEmpty, ContinuousClock.now < end { sched_yield() }
    #expect(folder.sentLines() == ["hello"])
    try pty.wait(for: "last hello")
    try quit(pty)
  }

  @Test func aStuckTerminalDoesNotKeepADyingProgramme() throws {
    let pty = try ProbeRun.open()
    let keys = Array("\u{1B}[20~".utf8)
    #expect(write(pty.master, keys, keys.count) == keys.count)
    kill(pty.process, SIGTERM)
    var status: Int32 = 0
    let end = ContinuousClock.now + .seconds(10)
    while waitpid(pty.process, &status, WNOHANG) == 0, ContinuousClock.now < end { sched_yield() }
    #expect(status & 0x7F == SIGTERM)
  }

  @Test func withoutATerminalNothingIsPainted() throws {
    let folder = try TemporaryFolder()
    let shell = try Pty(
      ["/bin/sh", "-c", "\(ProbeRun.program) </dev/null >/dev/null 2>&1; echo $? "],
      environment: ProbeRun.environment(["PROBE_LOG": folder.file("log")]))
    // Without any terminal on its output the programme refuses at once.
    #expect(try shell.waitForExit() == 0)
    #expect(shell.outputText.contains("2"))
  }

  @Test func suspendAndResumeUnderAShell() throws {
    let pty = try Pty(
      ["/bin/bash", "--norc", "--noprofile", "-i"],
      environment: ProbeRun.environment(["PS1": "ready$ "]))
    try pty.wait(for: "ready$")
    try pty.send("\(ProbeRun.program)\n")
    try pty.wait(for: "probe 80x24")
    try pty.send("abc")
    try pty.wait(for: "> abc")
    pty.forgetOutput()
    try pty.send("\u{1A}")
    try pty.wait("the shell") { !$0.model.isAlternate && $0.model.text.contains("Stopped") }
    // The shell's own brackets follow; ours were off before it spoke.
    let parting = try #require(pty.outputText.split(separator: "Stopped").first)
    #expect(parting.contains("\u{1B}[?2004l") && parting.contains("\u{1B}[23;0t"))
    pty.resize(columns: 60, rows: 20)
    try pty.send("fg\n")
    try pty.wait(for: "probe 60x20")
    try pty.wait(for: "> abc")
    try pty.send("\u{03}")
    try pty.wait("the shell again") { !$0.model.isAlternate }
    try pty.send("exit\n")
    try pty.waitForExit()
  }

  @Test func aChildGetsTheTerminalAndGivesItBack() throws {
    let pty = try ProbeRun.open()
    try pty.send("\u{1B}OR")
    try pty.wait("the child") { !$0.model.isAlternate && $0.model.text.contains("child") }
    // The keyboard's interrupt is the child's affair: here it ends the child, not the probe.
    try pty.send("\n")
    try pty.wait(for: "note child 7")
    #expect(pty.model.isAlternate)
    try quit(pty)
  }

  @Test func theClipboardIsWrittenByOSC52() throws {
    let pty = try ProbeRun.open()
    try pty.send("\u{1B}OS")
    try pty.wait(for: "note sent")
    #expect(pty.outputText.contains("\u{1B}]52;c;Y29weSBtZQ==\u{07}"))
    try quit(pty)
    let inTmux = try ProbeRun.open([], ["TMUX": "/tmp/tmux-0/default,1,0"])
    try inTmux.send("\u{1B}OS")
    try inTmux.wait(for: "note sent")
    #expect(inTmux.outputText.contains("\u{1B}Ptmux;\u{1B}\u{1B}]52;c;Y29weSBtZQ==\u{07}\u{1B}\\"))
    try quit(inTmux)
  }

  @Test func theTerminalsAnswersAreUsed() throws {
    let pty = try ProbeRun.open()
    #expect(!pty.outputText.contains("\u{1B}[?2026h"))
    try pty.send("\u{1B}[21~")
    try pty.wait("the questions") { $0.outputText.contains("\u{1B}[?2026$p") }
    try pty.send("\u{1B}]11;rgb:ffff/ffff/ffff\u{1B}\\\u{1B}[?2026;2$yx")
    try pty.wait(for: "> x")
    #expect(pty.outputText.contains("\u{1B}[?2026h"))
    try quit(pty)
  }

  @Test func aStopFromOutsideIsObeyed() throws {
    let pty = try Pty(
      ["/bin/bash", "--norc", "--noprofile", "-i"],
      environment: ProbeRun.environment(["PS1": "ready$ "]))
    try pty.wait(for: "ready$")
    try pty.send("\(ProbeRun.program)\n")
    try pty.wait(for: "probe 80x24")
    // The programme is the group in the foreground of its terminal.
    kill(-tcgetpgrp(pty.master), SIGTSTP)
    try pty.wait("the shell") { !$0.model.isAlternate && $0.model.text.contains("Stopped") }
    try pty.send("fg\n")
    try pty.wait(for: "probe 80x24")
    try pty.send("\u{03}")
    try pty.wait("the shell again") { !$0.model.isAlternate }
    try pty.send("exit\n")
    try pty.waitForExit()
  }

  @Test func synchronizedUpdatesWrapWholeFrames() throws {
    let pty = try ProbeRun.open(["--sync"])
    try quit(pty)
    let text = pty.outputText
    #expect(text.contains("\u{1B}[?2026h"))
    let begins = text.split(separator: "\u{1B}[?2026h", omittingEmptySubsequences: false).count
    let ends = text.split(separator: "\u{1B}[?2026l", omittingEmptySubsequences: false).count
    // The way out switches it off once more.
    #expect(ends == begins + 1)
  }
}
