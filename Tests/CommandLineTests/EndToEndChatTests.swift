import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// A conversation inside tmux.
  @Suite(.enabled(if: Tmux.path != nil, "needs tmux on the path"))
  struct Chat {
    @Test func aChatWithAKnobTurnedSurvivesResizing() throws {
      let home = try Home()
      let tmux = try Tmux(home, columns: 120, rows: 40)
      try ask(tmux, maximumTokens: 256)
      try turnTheKnob(tmux)

      try tmux.resize(columns: 60, rows: 15)
      try tmux.wait("the small screen") { screen in
        screen.contains("INS") && screen.contains("t/s") && !screen.contains("2 profile")
      }
      try tmux.resize(columns: 20, rows: 4)
      try tmux.wait("the words of the smallest screen") { $0.contains("paceline 20x4") }
      try tmux.resize(columns: 120, rows: 40)
      try tmux.wait("the whole screen") {
        $0.contains("2 profile") && $0.contains("3 knobs") && Self.graphIsLabelled($0)
      }
      try finish(tmux, home)
    }

    @Test func aChatFitsEightyColumns() throws {
      let home = try Home()
      let tmux = try Tmux(home, columns: 80, rows: 24)
      try ask(tmux, maximumTokens: 160)
      try turnTheKnob(tmux)
      try finish(tmux, home)
    }

    private func ask(_ tmux: Tmux, maximumTokens: Int) throws {
      let ready = try tmux.wait("the loaded model") { $0.contains("ready") }
      #expect(ready.contains("0.80"))
      // A knob that is set by name is the one that F8 raises, so the temperature comes last.
      for line in ["/max-tokens \(maximumTokens)", "/temp 0.8"] {
        try tmux.type(line)
        try tmux.press("Enter")
      }
      try tmux.type(EndToEnd.question)
      try tmux.press("Enter")
      try tmux.wait("tokens and their speed") {
        (Shown.tokens($0) ?? 0) > 0 && $0.contains(/gen [\d.]+ t\/s/)
      }
    }

    private func turnTheKnob(_ tmux: Tmux) throws {
      try tmux.press("F8", "F8")
      let screen = try tmux.wait("the knob's new value and its label in the graph") {
        $0.contains(/temp +0\.90/) && Self.graphIsLabelled($0)
      }
      #expect(screen.contains(/generating +T 0\.90 at tok \d+/))
    }

    /// Whether the tick of the change stands in the graph with its label.
    private static func graphIsLabelled(_ screen: String) -> Bool {
      screen.split(separator: "\n").contains { $0.contains("▲") && $0.contains("T 0.90") }
    }

    /// Waits for the answer's end, leaves, and compares the session with what the screen showed.
    private func finish(_ tmux: Tmux, _ home: Home) throws {
      let screen = try tmux.wait("the line under the answer") { Shown.provenance($0) != nil }
      let shown = try #require(Shown.provenance(screen))
      #expect(shown.speed > 0)
      let change = try #require(screen.firstMatch(of: /-> T 0\.90 at tok (\d+)/))
      let index = try #require(Int(change.output.1))
      try tmux.press("C-d")
      #expect(try tmux.waitForExit() == 0)

      let session = try home.session()
      let messages = session.records("message")
      try #require(messages.count == 2)
      #expect(messages.map { $0["role"] as? String } == ["user", "assistant"])
      #expect(messages[0]["text"] as? String == EndToEnd.question)
      #expect(messages[1]["parent"] as? Int == messages[0]["id"] as? Int)
      #expect(session.tokens.count == shown.tokens)
      #expect(screen.contains(session.lastWord), "\(session.lastWord)\n\(screen)")

      let knob = try #require(session.records("knobs").last)
      #expect(knob["at"] as? Int == index)
      #expect((1..<shown.tokens).contains(index))
      #expect((knob["settings"] as? [String: Any])?["temperature"] as? Double == 0.9)
      let done = try #require(session.records("done").last?["made"] as? [String: Any])
      #expect(done["tokens"] as? Int == shown.tokens)

      let replay = try home.program.run(["replay", session.path])
      #expect(replay.status == 0, "\(replay.output)\(replay.errors)")
      #expect(replay.output == "same: 1 answers, \(shown.tokens) tokens\n")
    }
  }
}
