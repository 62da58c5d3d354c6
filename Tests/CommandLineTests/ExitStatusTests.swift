import Foundation
import Testing

/// Scripts can rely on the status numbers.
struct ExitStatusTests {
  struct Row: CustomTestStringConvertible, Sendable {
    var arguments: [String]
    var status: Int32
    /// Words that standard error must hold.
    var words: String

    var testDescription: String { "\(arguments.joined(separator: " ")) -> \(status)" }
  }

  static let rows = [
    Row(arguments: ["--no-such-option"], status: 2, words: "--no-such-option"),
    Row(arguments: ["ask", "--max-tokens", "many", "x"], status: 2, words: "many"),
    Row(arguments: ["ask", "-n", "0", "x"], status: 2, words: "--max-tokens"),
    Row(arguments: ["ask", "--special", "x"], status: 2, words: "--raw"),
    Row(arguments: ["ask", "--set", "temp=9", "x"], status: 2, words: "temp"),
    Row(arguments: ["ask", "--set", "warmth=1", "x"], status: 2, words: "warmth"),
    Row(arguments: ["bench", "--repetitions", "0"], status: 2, words: "repetition"),
    Row(arguments: ["bench", "--threads", "0"], status: 2, words: "--threads"),
    Row(arguments: ["completion", "tcsh"], status: 2, words: "tcsh"),
    Row(arguments: ["models", "get", "no-such-model"], status: 2, words: "smollm2"),
    Row(arguments: ["replay", "no-such-session"], status: 2, words: "no-such-session"),
    Row(arguments: ["help", "nope"], status: 2, words: "no command 'nope'"),
    Row(arguments: ["help", "models", "nope"], status: 2, words: "no command 'models nope'"),
    Row(arguments: ["draw", "--symbols", "x", "y"], status: 2, words: "'ascii', 'blocks'"),
    Row(
      arguments: ["draw", "--method", "flow:steps=999", "x"], status: 2, words: "steps 999 is out"),
    Row(
      arguments: ["draw", "--list", "/nowhere/list", "--out", "/nowhere"], status: 1,
      words: "/nowhere/list: No such file"),
    Row(
      arguments: ["bench", "--baseline", "/nowhere/before"], status: 1,
      words: "/nowhere/before: No such file"),
    Row(
      arguments: ["race", "--method", "prompt-lookup", "--prompts", "/"], status: 1,
      words: "/: Is a directory"),
    Row(arguments: ["draw", "--out", "/", "x"], status: 2, words: "/ is a folder"),
    Row(
      arguments: ["draw", "--method", "flow:steps=9,steps=4", "x"], status: 2,
      words: "steps is given twice"),
    Row(arguments: ["ask", "--seed", "-1", "x"], status: 2, words: "'-1' is invalid"),
    Row(arguments: ["ask", "-n", "-3", "x"], status: 2, words: "--max-tokens takes"),
    Row(arguments: ["ask", "--greedy", "--set", "temp=2", "x"], status: 2, words: "--greedy"),
    Row(arguments: ["ask", "-m", "", "x"], status: 2, words: "name is empty"),
    Row(arguments: ["ask", "-m", "minilm", "x"], status: 4, words: "not a chat model"),
    Row(arguments: ["perplexity", "/nowhere/text"], status: 1, words: "/nowhere/text"),
    Row(arguments: ["ask", "x"], status: 4, words: "paceline models get smollm2"),
    Row(arguments: ["tokenize"], status: 4, words: "paceline models get smollm2"),
    Row(arguments: ["ask", "-m", "gemma3", "x"], status: 4, words: "paceline models get gemma3"),
    Row(
      arguments: ["ask", "-m", "/nowhere/model.gguf", "x"], status: 4, words: "/nowhere/model.gguf"),
    Row(arguments: ["models", "info", "absent"], status: 4, words: "absent"),
  ]

  @Test(arguments: rows)
  func statusAndWordsFitTheFailure(row: Row) throws {
    let result = try Program().run(row.arguments)
    #expect(result.status == row.status)
    #expect(result.errors.contains(row.words), "\(result.errors)")
    #expect(result.output == "")
  }

  @Test(arguments: ["paths", "--help", "models"])
  func outputThatIsLostIsAFailure(command: String) throws {
    let result = try Program().shell("\"$PACELINE\" \(command) > /dev/full")
    #expect(result.status == 1)
    #expect(result.errors.contains("No space left on device"))
  }

  @Test func aReaderThatLeavesIsNoFailure() throws {
    let result = try Program().shell("set -o pipefail; \"$PACELINE\" paths | exec 0<&-")
    #expect(result.status == 0 && result.errors == "")
  }

  @Test func aMissingCatalogueIsSaid() throws {
    let result = try Program(environment: ["PACELINE_ASSETS": "/nowhere"]).run(["models"])
    #expect(result.status == 1)
    #expect(result.errors.contains("PACELINE_ASSETS"))
  }

  @Test func withoutAHomeTheWayOutIsSaid() throws {
    let result = try Program().shell("env -u HOME \"$PACELINE\" paths")
    #expect(result.status == 1)
    #expect(result.errors.contains("PACELINE_HOME"))
  }
}
