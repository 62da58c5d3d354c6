import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// A playground with nothing to do.
  @Suite struct Idle {
    @Test func afterAnAnswerNothingRunsAndNothingIsWritten() throws {
      let home = try Home()
      let pty = try home.playground()
      try pty.ask(EndToEnd.question, maximumTokens: 40)
      try pty.wait("the answer's end", seconds: patience) {
        Shown.provenance($0.model.text) != nil
      }
      // The model file's hash is taken in the background; its line in the session tells that it is done.
      try pty.wait("the model's hash", seconds: patience) { _ in
        guard let session = try? home.session() else { return false }
        return session.records.contains { !(($0["sha256"] as? String) ?? "").isEmpty }
      }
      pty.settle()
      // Warming the file and measuring the roofs go on for some tenths of a second, longer where others run.
      let used = try (0..<3).map { _ in
        let before = try ticks(pty.process)
        #expect(!pty.hasOutput(within: 2000))
        return try ticks(pty.process) - before
      }
      #expect(used.min() ?? .max <= 3)
      #expect(try pty.quit() == 0)
    }

    /// Clock ticks of processor time that a process has used.
    private func ticks(_ process: pid_t) throws -> Int {
      let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
      // The name may hold anything, so fields are counted from behind it: the state is the third one.
      let fields = try #require(text.split(separator: ")").last).split(separator: " ")
      let times = fields.dropFirst(11).prefix(2).compactMap { Int($0) }
      try #require(times.count == 2)
      return times.reduce(0, +)
    }
  }
}

/// The playground where the model is not there, not whole, or slow to come.
@Suite(.serialized) struct EndToEndStartTests {
  @Test func aMissingModelIsSaidBeforeAnythingIsPainted() throws {
    let home = try Home(models: "/nonexistent")
    let pty = try home.playground()
    #expect(try pty.waitForExit(seconds: patience) >> 8 & 0xFF == 4)
    #expect(pty.outputText.contains("run `paceline models get smollm2`"))
    #expect(!pty.outputText.contains("\u{1B}"))
    #expect(pty.modesNow == pty.modesBefore)
  }

  @Test func aBrokenModelIsSaidOnTheScreenWithTheWayOut() throws {
    let home = try Home(models: "/nonexistent")
    let path = try home.scratch.write("this is no model", to: "broken.gguf")
    let pty = try home.playground(["--model", path])
    try pty.wait(for: "No model:", seconds: patience)
    #expect(pty.model.text.contains("m picks another"))
    try pty.send("hello\r")
    try pty.wait(for: "error: no model", seconds: patience)
    // The message that could not be sent is still there to be sent later.
    try pty.wait(for: "> hello", seconds: patience)
    // Clears the prompt, then leaves.
    try pty.send("\u{15}")
    #expect(try pty.quit() == 0)
    #expect(pty.modesNow == pty.modesBefore)
  }

  @Test func theFirstFrameDoesNotWaitForTheModel() throws {
    let home = try Home(models: "/nonexistent")
    let path = home.scratch.path("slow.gguf")
    // Nobody ever writes into it: opening it takes for ever.
    try #require(mkfifo(path, 0o600) == 0)
    let pty = try home.playground(["--model", path])
    try pty.wait(for: "[INS]", seconds: patience)
    #expect(pty.model.text.contains("slow.gguf") || pty.model.text.contains("No model:"))
    #expect(try pty.quit() == 0)
  }
}
