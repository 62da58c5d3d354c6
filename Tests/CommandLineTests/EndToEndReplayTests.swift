import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// The example sessions, run again by the program.
  @Suite struct Replayed {
    static let examples = ["greedy-facts", "knob-mid-answer", "stop-and-continue"]

    @Test(arguments: examples)
    func theExamplesComeOutTheSame(name: String) throws {
      let home = try Home()
      let result = try home.program.run(["replay", "\(Program.root)/sessions/\(name).jsonl"])
      #expect(result.status == 0, "\(result.output)\(result.errors)")
      #expect(result.output.hasPrefix("same: 2 answers"))
    }

    @Test func noExampleIsLeftOut() throws {
      let files = try FileManager.default.contentsOfDirectory(atPath: Program.root + "/sessions")
      #expect(
        files.filter { $0.hasSuffix(".jsonl") }.sorted() == Self.examples.map { $0 + ".jsonl" })
    }

    @Test(arguments: [
      ("\"message\":1,\"text\":\" is Paris\",\"ids\":[314,7042]", 7042, 1, 5),
      ("\"message\":3,\"text\":\" of Italy\",\"ids\":[282,7158]", 282, 3, 2),
    ])
    func anAlteredTokenIsNamed(line: String, token: Int, message: Int, index: Int) throws {
      let home = try Home()
      let text = try String(
        contentsOfFile: Program.root + "/sessions/greedy-facts.jsonl", encoding: .utf8)
      let other = line.replacingOccurrences(of: "\(token)", with: "\(token + 1)")
      let altered = text.replacingOccurrences(of: line, with: other)
      try #require(altered != text)
      let path = try home.scratch.write(altered, to: "altered.jsonl")
      let result = try home.program.run(["replay", path])
      #expect(result.status == 7, "\(result.errors)")
      #expect(
        result.output.hasPrefix(
          "diverged: message \(message), token \(index): expected \(token + 1) "),
        "\(result.output)")
      #expect(result.output.contains("got \(token) "))
    }
  }
}
