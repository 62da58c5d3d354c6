import Foundation
import TestSupport
import Testing

/// `paceline bench` on a made-up model, and against made-up programs in llama.cpp's place.
struct BenchCommandTests {
  let scratch: Scratch
  let model: String

  init() throws {
    scratch = try Scratch()
    var tiny = TinyModel()
    tiny.contextLength = 1024
    model = try scratch.write(tiny.writer().bytes(), to: "tiny.gguf")
  }

  private func bench(_ arguments: [String]) throws -> Program.Result {
    try Program(folder: scratch.folder).run(["bench", "--model", model] + arguments)
  }

  private func rows(_ result: Program.Result) throws -> [[String: Any]] {
    #expect(result.status == 0, "\(result.errors)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
  }

  @Test func everyTestAskedForIsARow() throws {
    let rows = try rows(bench(["--tests", "pp32,tg8,tg8@16", "--repetitions", "3", "--json"]))
    #expect(rows.compactMap { $0["name"] as? String } == ["pp32", "tg8", "tg8@16"])
    for row in rows {
      #expect((row["median"] as? Double ?? 0) > 0)
      #expect((row["samples"] as? [Double])?.count == 3)
      #expect(row["unit"] as? String == "tokens/s")
    }
  }

  @Test func figuresOfFreshProcessesAreRows() throws {
    let rows = try rows(bench(["--tests", "ready,start,ttft64,memory", "-r", "1", "--json"]))
    let names = rows.compactMap { $0["name"] as? String }
    #expect(names == ["ready", "start", "ttft64", "rss", "private"])
    let values = rows.compactMap { $0["median"] as? Double }
    #expect(values.count == 5 && values.allSatisfy { $0 > 0 })
    // Private memory is a part of all.
    #expect(values[4] <= values[3])
  }

  @Test func modelsAreMeasuredOneAfterAnother() throws {
    let other = try scratch.write(
      TinyModel(architecture: "qwen2").writer().bytes(), to: "other.gguf")
    let rows = try rows(bench(["--model", other, "--tests", "tg4", "-r", "1", "--json"]))
    #expect(rows.count == 2)
  }

  @Test func theInstructionSetCanBeForced() throws {
    let rows = try rows(
      bench(["--tests", "tg4", "-r", "1", "--isa", "scalar", "--threads", "1", "--json"]))
    #expect(rows.first?["instructionSet"] as? String == "scalar")
    #expect(rows.first?["threads"] as? Int == 1)
  }

  @Test func theProfileTellsWhereTimeGoes() throws {
    let result = try bench(["--tests", "tg4", "-r", "1", "--profile"])
    #expect(result.status == 0)
    for word in ["feed-forward", "head", "all", "ms/token", "GB/s"] {
      #expect(result.output.contains(word), "\(word)")
    }
  }

  @Test func testsBeyondTheContextAreLeftOut() throws {
    let result = try bench(["--tests", "tg4,pp2048", "-r", "1", "--json"])
    #expect(try rows(result).count == 1)
    #expect(result.errors.contains("pp2048"))
    #expect(try bench(["--tests", "pp2048"]).status == 2)
  }

  @Test func aRegressionIsStatusThree() throws {
    let arguments = ["--tests", "tg8", "-r", "2"]
    var rows = try rows(bench(arguments + ["--json"]))
    rows[0]["samples"] = [1e9, 1e9]
    let fast = try scratch.write(JSONSerialization.data(withJSONObject: rows), to: "fast.json")
    let slower = try bench(arguments + ["--baseline", fast])
    #expect(slower.status == 3)
    #expect(slower.errors.contains("REGRESSION"))
    rows[0]["samples"] = [1e-3, 1e-3]
    let slow = try scratch.write(JSONSerialization.data(withJSONObject: rows), to: "slow.json")
    let faster = try bench(arguments + ["--baseline", slow])
    #expect(faster.status == 0)
    #expect(faster.errors.contains("faster"))
  }

  @Test(arguments: [
    (["--isa", "z80"], "scalar"), (["--tests", "pp512,what"], "what"),
    (["--rounds", "0"], "--rounds"), (["--retries", "-1"], "--retries"),
    (["--tolerance", "-1"], "tolerance"), (["--targets", "x.json"], "--against"),
    (["--against", "/nowhere"], "llama-bench"),
    (["--against", "/nowhere", "--profile"], "--profile"),
    (["--against", "/nowhere", "--baseline", "x"], "--baseline"),
  ])
  func wrongArgumentsAreStatusTwo(arguments: [String], words: String) throws {
    let result = try bench(arguments)
    #expect(result.status == 2)
    #expect(result.errors.contains(words), "\(result.errors)")
  }

  // MARK: A comparison

  /// Stand-ins that print what llama.cpp's programs would; one thread is the faster choice.
  private func makePeer() throws -> String {
    let programs = [
      "llama-bench": """
      if [[ $1 == --version ]]; then echo "version: 7 (abcdef0)" >&2; exit 0; fi
      while (($# > 1)); do
        case $1 in
          -p) p=$2 ;; -n) n=$2 ;; -d) d=$2 ;; -t) t=$2 ;;
        esac
        shift
      done
      echo '[ { "build_commit": "abcdef0", "build_number": 7, "model_type": "tiny",'
      echo "\\"n_threads\\": $t, \\"n_prompt\\": $p, \\"n_gen\\": $n, \\"n_depth\\": $d,"
      echo "\\"samples_ts\\": [ 0.$((9 - t)), 0.$((9 - t)) ] } ]"
      """,
      // Lives long enough for its memory to be seen.
      "llama-completion": """
      for ((i = 0; i < 30000; i++)); do :; done
      echo token
      """,
      "llama-perplexity": "echo 'Final estimate: PPL = 2.5000 +/- 0.1'",
    ]
    for (name, body) in programs {
      let path = try scratch.write("#!/bin/bash\n\(body)\n", to: "peer/" + name)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }
    return scratch.path("peer")
  }

  @Test func aComparisonReportsRatiosTargetsAndQuality() throws {
    let peer = try makePeer()
    let targets = try scratch.write(
      #"{"models": {"tiny.gguf": {"pp32": 1.5, "start": 1e9}}}"#, to: "targets.json")
    let text = try scratch.write(String(repeating: "the cat sat. ", count: 400), to: "text")
    let markdown = scratch.path("report.md")
    let arguments = [
      "--against", peer, "--tests", "pp32,tg4,busy4,v1,v2,start,memory", "--rounds", "2",
      "--retries", "0",
      "--seed", "9", "--targets", targets, "--quality-text", text, "--markdown", markdown,
    ]
    let result = try bench(arguments + ["--json"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("seed 9"))
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    #expect((report["peer"] as? String)?.contains("abcdef0") == true)
    let found = try #require((report["models"] as? [[String: Any]])?.first)
    #expect((found["failures"] as? [String]) == [])
    let figures = try #require(found["figures"] as? [[String: Any]])
    let names = figures.compactMap { $0["name"] as? String }
    #expect(
      names == [
        "pp32", "tg4", "busy4", "start", "rss", "private", "rss, its no-repack",
        "private, its no-repack",
      ])
    let prompt = try #require(figures.first)
    #expect(prompt["theirs"] as? Double == 0.8)
    #expect((prompt["setting"] as? String)?.hasPrefix("t1 ") == true)
    #expect((prompt["rounds"] as? [Any])?.count == 2)
    #expect(prompt["verdict"] as? String == "met")
    #expect(figures[3]["verdict"] as? String == "missed")
    let ratios = try #require(found["ratios"] as? [[String: Any]])
    let ratioNames = ratios.compactMap { $0["name"] as? String }
    for words in ["V(2)", "tg4 kept beside one busy process", "each at its best setting"] {
      #expect(ratioNames.contains { $0.contains(words) }, "\(words) in \(ratioNames)")
    }
    #expect(ratios.first?["isLimit"] as? Bool == true)
    #expect((ratios.first?["rounds"] as? [Any])?.count == 2)
    let profiles = try #require(found["profiles"] as? [[String: Any]])
    #expect(profiles.compactMap { $0["test"] as? String } == ["pp32", "tg4"])
    let quality = try #require(found["quality"] as? [String: Any])
    #expect(quality["theirs"] as? Double == 2.5)
    #expect((quality["ours"] as? Double ?? 0) > 1)

    let page = try scratch.text("report.md")
    #expect(page.hasPrefix("# Benchmarks\n"))
    #expect(page.contains("## tiny.gguf"))
    #expect(page.contains("| pp32 | 0.80 tokens/s (t1 fa "))
    #expect(page.contains("| quality | perplexity 2.5000, Paceline "))
    #expect(page.contains("| V(2): a pass of 2 rows over a pass of one |"))
    #expect(page.contains("feed-forward"))
    #expect(page.contains("llama-bench -m tiny.gguf -p 32 -n 0 -d 0 -t 1 -fa "))
    #expect(!page.contains(scratch.folder))
  }

  @Test func aProgramThatFailsCostsOnlyItsOwnFigures() throws {
    let peer = try makePeer()
    let broken = try scratch.write(
      "#!/bin/bash\necho oh no >&2; exit 1\n", to: "peer/llama-completion")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: broken)
    let result = try bench([
      "--against", peer, "--tests", "tg4,start", "--rounds", "1", "--retries", "0",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("tg4"))
    #expect(result.output.contains("failed: start"))
    #expect(result.output.contains("oh no"))
    #expect(result.output.contains("quality  not measured"))
  }
}
