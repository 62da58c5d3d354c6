import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// What is left when the program dies in the middle of an answer.
  @Suite struct Crash {
    @Test func whatWasSaidTwoSecondsBeforeAKillIsOnTheDisk() throws {
      let home = try Home()
      let pty = try home.playground()
      try pty.ask(EndToEnd.question, maximumTokens: 8000)
      // The answer's header with its count is soon scrolled away.
      let before = try #require(Shown.context(pty.model.text))
      var counts: [(time: ContinuousClock.Instant, tokens: Int)] = []
      try pty.wait("three seconds of tokens", seconds: patience) { pty in
        if let used = Shown.context(pty.model.text) { counts.append((.now, used - before)) }
        guard let first = counts.first, let last = counts.last else { return false }
        return last.time - first.time > .seconds(3)
      }
      kill(pty.process, SIGKILL)
      let end = ContinuousClock.now
      #expect(try pty.waitForExit() & 0x7F == SIGKILL)

      let session = try home.session()
      let due = counts.last { end - $0.time >= .seconds(2) }?.tokens ?? 0
      #expect(due > 0)
      #expect(session.tokens.count >= due)
      #expect(session.records("done").isEmpty)
      #expect(session.answer.split(separator: " ").count > 1)

      let replay = try home.program.run(["replay", session.id])
      #expect(replay.status == 0, "\(replay.output)\(replay.errors)")
      #expect(replay.output == "same: 1 answers, \(session.tokens.count) tokens\n")
      try goOn(session, home)
    }

    /// Opens the session by its name, and from the list of sessions.
    private func goOn(_ session: SavedSession, _ home: Home) throws {
      let resumed = try home.playground(["--resume", session.id])
      try resumed.wait("the part of the answer", seconds: patience) {
        $0.model.text.contains("broken off") && $0.model.text.contains(session.lastWord)
      }
      #expect(try resumed.quit() == 0)

      let listed = try home.playground()
      try listed.wait(for: "ready", seconds: patience)
      try listed.send("\u{1B}5")
      try listed.wait("the list of sessions", seconds: patience) {
        $0.model.text.contains("5 sessions") && $0.model.text.contains("Tell me")
      }
      try listed.send("\r")
      try listed.wait("the part of the answer", seconds: patience) {
        $0.model.text.contains(session.lastWord) && $0.model.text.contains("tree of this session")
      }
      try listed.send("Q")
      #expect(try listed.waitForExit(seconds: patience) == 0)
      // Looking at it changed nothing of what was said.
      #expect(try home.session().tokens == session.tokens)
    }

    @Test(arguments: [SIGTERM, SIGHUP, SIGINT, SIGQUIT])
    func aSignalInMidAnswerRestoresTheTerminalAndKeepsTheTokens(signal: Int32) throws {
      let home = try Home()
      let pty = try home.playground()
      try pty.ask(EndToEnd.question, maximumTokens: 8000)
      #expect(pty.model.isAlternate)
      #expect(pty.modesNow != pty.modesBefore)
      let shown = try #require(Shown.tokens(pty.model.text))
      kill(pty.process, signal)
      #expect(try pty.waitForExit(seconds: patience) & 0x7F == signal)

      #expect(pty.modesNow == pty.modesBefore)
      #expect(!pty.model.isAlternate)
      #expect(pty.model.isCursorShown)
      #expect(pty.model.modes.isDisjoint(with: [1002, 1006, 2004, 2026, 1049]))
      let session = try home.session()
      #expect(session.tokens.count >= shown)
      #expect(session.records("message").first?["text"] as? String == EndToEnd.question)
    }
  }
}
