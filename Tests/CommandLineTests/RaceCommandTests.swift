import Foundation
import TestSupport
import Testing

/// Races from the command line, on a made-up model.
struct RaceCommandTests {
  let scratch: Scratch
  let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(TinyModel().writer().bytes(), to: "tiny.gguf")
  }

  private func race(_ arguments: [String]) throws -> Program.Result {
    try Program().run(["race", "--model", model, "--context", "200", "-n", "24"] + arguments)
  }

  private func prompts(_ lines: [String]) throws -> String {
    try scratch.write(Array(lines.joined(separator: "\n").utf8), to: "set.jsonl")
  }

  @Test func theJSONTellsWhoRanAgainstWhomAndHow() throws {
    let file = try prompts([#"{"prompt": "ab ab ab ab"}"#, #"{"prompt": "x y", "maxTokens": 9}"#])
    let result = try race(["--method", "prompt-lookup", "--prompts", file, "--json"])
    #expect(result.status == 0, "\(result.errors)")
    let data = Data(result.output.utf8)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["method"] as? String == "prompt-lookup")
    #expect(object["against"] as? String == "baseline")
    #expect(object["identical"] as? Double == 1)
    #expect(object["runs"] as? Int == 2)
    let ratio = try #require(object["ratio"] as? Double)
    let low = try #require(object["ratioLow"] as? Double)
    let high = try #require(object["ratioHigh"] as? Double)
    #expect(low <= ratio && ratio <= high && low > 0)
  }

  @Test func greedyChoiceAndSeedsAreRunsOfTheirOwn() throws {
    let file = try prompts([#"{"prompt": "ab ab ab ab"}"#])
    let result = try race([
      "--method", "prompt-lookup:length=4", "--prompts", file, "--json", "--seeds", "greedy,1,2",
      "--keep-prompts",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("\"runs\" : 3") || result.output.contains("\"runs\":3"))
  }

  @Test func aTableHasARowForEveryMethodAndSet() throws {
    let file = try prompts([#"{"prompt": "ab ab"}"#])
    let result = try race([
      "--method", "prompt-lookup", "--method", "baseline", "--prompts", file,
      "--markdown", scratch.path("table.md"),
    ])
    #expect(result.status == 0, "\(result.errors)")
    let table = try String(contentsOfFile: scratch.path("table.md"), encoding: .utf8)
    #expect(table.split(separator: "\n").count == 4)
    #expect(table.contains("| baseline | baseline | tiny"))
  }

  @Test func methodsThatShareABaselineHaveARowEach() throws {
    let file = try prompts([#"{"prompt": "ab ab ab ab"}"#, #"{"prompt": "ab"}"#])
    let result = try race([
      "--method", "prompt-lookup", "--method", "lookahead-trie", "--prompts", file, "--together",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let rows = result.output.split(separator: "\n").dropFirst(2)
    #expect(rows.count == 2 && rows.allSatisfy { $0.contains("| 2 | 100 % |") })
    #expect(rows.last?.contains("lookahead-trie") == true)
  }

  @Test func aMethodThatLacksSomethingIsLeftOutBesideOthers() throws {
    let file = try prompts([#"{"prompt": "ab ab ab ab"}"#])
    let lacking = ["--method", "resident-drafter", "--prompts", file]
    let result = try race(lacking + ["--method", "prompt-lookup"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("resident-drafter is left out on tiny"))
    #expect(result.output.contains("prompt-lookup") && !result.output.contains("resident-drafter"))
    let alone = try race(lacking)
    #expect(alone.status != 0 && alone.errors.contains("no smaller model drafts"))
  }

  @Test(arguments: [
    (["--method", "warp", "--prompt", "x"], "warp"),
    (["--method", "prompt-lookup:length=99", "--prompt", "x"], "length"),
    (["--method", "prompt-lookup+prompt-lookup", "--prompt", "x"], "twice"),
    (["--method", "prompt-lookup", "--prompts", "nowhere.jsonl"], "nowhere.jsonl"),
    (["--method", "prompt-lookup"], "--prompts"),
  ])
  func whatCannotRaceIsSaidInWords(_ arguments: [String], _ word: String) throws {
    let result = try race(arguments)
    #expect(result.status != 0)
    #expect(result.errors.contains(word), "\(result.errors)")
  }

  @Test func aLineThatIsNoPromptIsNamed() throws {
    let file = try prompts([#"{"prompt": "a"}"#, "nonsense"])
    let result = try race(["--method", "prompt-lookup", "--prompts", file])
    #expect(result.status != 0)
    #expect(result.errors.contains("line 2"), "\(result.errors)")
  }

  @Test func everyMethodIsListedWithItsPaper() throws {
    let result = try Program().run(["methods", "--json"])
    let list = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
    let ids = (list ?? []).compactMap { $0["id"] as? String }
    #expect(ids.contains("prompt-lookup"))
    #expect((list ?? []).allSatisfy { ($0["paper"] as? String)?.isEmpty == false })
  }

  @Test func anAnswerIsTheSameWithAMethod() throws {
    func text(_ arguments: [String]) throws -> String {
      try Program().run(
        ["ask", "--model", model, "--raw", "-n", "24", "--greedy", "ab ab ab"] + arguments
      ).output
    }
    #expect(try text([]) == text(["--method", "prompt-lookup", "--no-governor"]))
  }
}
