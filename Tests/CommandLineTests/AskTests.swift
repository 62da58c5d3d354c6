import Foundation
import TestSupport
import Testing

/// The commands that run a model, on a made-up one.
struct AskTests {
  let scratch: Scratch
  let model: String

  init() throws {
    scratch = try Scratch()
    model = try scratch.write(TinyModel().writer().bytes(), to: "tiny.gguf")
  }

  private func ask(_ arguments: [String], input: String = "") throws -> Program.Result {
    try Program().run(["ask", "--model", model] + arguments, input: input)
  }

  @Test func theAnswerAloneGoesToStandardOutput() throws {
    let result = try ask(["--raw", "-n", "8", "--greedy", "hello"])
    #expect(result.status == 0)
    #expect(!result.output.isEmpty)
    #expect(result.errors == "")
    #expect(!result.output.contains("\u{1B}"))
  }

  @Test func thePromptComesFromArgumentInputOrBoth() throws {
    let whole = try ask(["--raw", "-n", "8", "--greedy", "--json", "one\n\ntwo"])
    let parts = try ask(["--raw", "-n", "8", "--greedy", "--json", "one"], input: "two")
    let input = try ask(["--raw", "-n", "8", "--greedy", "--json"], input: "one\n\ntwo")
    let dash = try ask(["--raw", "-n", "8", "--greedy", "--json", "-"], input: "one\n\ntwo")
    let ids = try Set([whole, parts, input, dash].map { try object($0.output)["text"] as? String })
    #expect(ids.count == 1)
    #expect(ids.first != .some(nil))
  }

  @Test func anEmptyPromptIsAUsageError() throws {
    let result = try ask(["--raw"])
    #expect(result.status == 2)
    #expect(result.errors.contains("no prompt"))
  }

  @Test func jsonIsOneObjectWithTheCircumstances() throws {
    let result = try ask([
      "--raw", "-n", "6", "--json", "--seed", "3", "--set", "temp=1.5",
      // The tokens that would end the answer early.
      "--set", "bias=0:-inf,1:-inf,2:-inf", "hello",
    ])
    #expect(result.status == 0)
    let object = try object(result.output)
    #expect(object["finish"] as? String == "length")
    #expect(object["model"] as? String == "tiny")
    let tokens = try #require(object["tokens"] as? [String: Any])
    #expect(tokens["generated"] as? Int == 6)
    #expect((tokens["ids"] as? [Int])?.count == 6)
    let settings = try #require(object["settings"] as? [String: Any])
    #expect(settings["seed"] as? Int == 3)
    #expect(settings["temperature"] as? Double == 1.5)
    let timings = try #require(object["timings"] as? [String: Any])
    #expect((timings["generationSeconds"] as? Double ?? 0) > 0)
  }

  @Test func aSeedRepeatsAndAnotherOneDiffers() throws {
    let arguments = ["--raw", "-n", "24", "--json", "--set", "temp=1.5", "hello"]
    func ids(_ seed: String) throws -> [Int]? {
      let output = try ask(["--seed", seed] + arguments).output
      return (try object(output)["tokens"] as? [String: Any])?["ids"] as? [Int]
    }
    let first = try ids("1")
    #expect(try ids("1") == first)
    #expect(try ids("2") != first)
  }

  @Test func aStopStringEndsTheAnswerAndIsNoPartOfIt() throws {
    let whole = try ask(["--raw", "-n", "40", "--greedy", "--json", "hello"])
    let text = try #require(try object(whole.output)["text"] as? String)
    let stop = try #require(text.split(separator: " ", omittingEmptySubsequences: true).last)
    let cut = try ask(["--raw", "-n", "40", "--greedy", "--json", "--stop", String(stop), "hello"])
    let object = try object(cut.output)
    #expect(object["finish"] as? String == "stop")
    let expected = text.range(of: stop).map { String(text[..<$0.lowerBound]) }
    #expect(object["text"] as? String == expected)
  }

  @Test func aPromptLongerThanTheContextIsSaid() throws {
    let result = try ask(["--raw", "-n", "4", String(repeating: "word ", count: 300)])
    #expect(result.status == 1)
    #expect(result.errors.contains("256"))
  }

  @Test func aReaderThatLeavesEndsTheAnswerQuietly() throws {
    let result = try Program().shell(
      "\"$PACELINE\" ask --raw --model \(model) -n 200 --set temp=2 hello < /dev/null | head -c 1 > /dev/null; echo ${PIPESTATUS[0]}"
    )
    #expect(result.output == "0\n")
    #expect(result.errors == "")
  }

  @Test func withoutATerminalThePlaygroundTalksInLines() throws {
    let sessions = scratch.path("sessions")
    let arguments = ["--model", model, "--sessions", sessions, "--set", "temp=1"]
    let result = try Program().run(
      arguments, input: "hello\n/set temp=0\n/regenerate\n/quit\nnever read\n")
    #expect(result.status == 0, "\(result.errors)")
    #expect(!result.output.isEmpty)
    #expect(!result.errors.contains("\u{1B}"))
    let files = try FileManager.default.contentsOfDirectory(atPath: sessions)
    #expect(files.count == 1)
    let session = sessions + "/" + (files.first ?? "")
    let replay = try Program().run(["replay", session])
    #expect(replay.status == 0, "\(replay.errors)")
    #expect(replay.output.contains("same: 2 answers"))
  }

  @Test func aChangedSessionDiverges() throws {
    let sessions = scratch.path("sessions")
    _ = try Program().run(
      ["--model", model, "--sessions", sessions, "--set", "temp=1"], input: "hello\n")
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: sessions).first)
    let path = sessions + "/" + name
    // Another seed gives other tokens than those that the file tells.
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let changed = text.replacingOccurrences(of: "\"seed\":42", with: "\"seed\":43")
    try #require(changed != text)
    try changed.write(toFile: path, atomically: true, encoding: .utf8)
    let result = try Program().run(["replay", path])
    #expect(result.status == 7, "\(result.errors)")
    #expect(result.output.contains("diverged"))
  }

  @Test func perplexityIsAFigureAboveOne() throws {
    let text = try scratch.write(
      String(repeating: "the cat sat on the mat. ", count: 40), to: "text")
    let result = try Program().run([
      "perplexity", "--model", model, "--context", "64", "--chunks", "2", text,
    ])
    #expect(result.status == 0, "\(result.errors)")
    let figure = try #require(result.output.firstMatch(of: /^perplexity: ([0-9.]+)\n$/))
    #expect((Double(figure.output.1) ?? 0) > 1)
  }

  @Test func tokenizeReadsItsInputExactly() throws {
    func ids(_ text: String, _ options: [String] = []) throws -> [Int] {
      let result = try Program().run(["tokenize", "--model", model] + options, input: text)
      #expect(result.status == 0)
      return try #require(
        try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [Int])
    }
    #expect(try ids("") == [])
    let plain = try ids("hello\n")
    #expect(try ids("hello") + ids("\n") == plain)
    #expect(try ids("hello\n", ["--bos"]) == [1] + plain)
    // Control tokens: 0 end of text, 1 start of turn, 2 end of turn.
    #expect(try ids("<|im_end|>", ["--special"]) == [2])
    #expect(try ids("<|im_end|>").count > 1)
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }
}
