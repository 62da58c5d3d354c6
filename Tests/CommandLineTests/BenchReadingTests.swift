import Testing
import paceline

/// What the instrument reads: names, other programs' output, the kernel's files.
struct BenchReadingTests {
  @Test(arguments: [
    "pp512", "pp32@128", "tg128", "tg128@2048", "busy128", "v1", "v8", "ready", "start", "ttft64",
    "memory",
  ])
  func namesOfTestsComeBack(name: String) throws {
    #expect(try #require(BenchTest(name: name)).name == name)
  }

  @Test(arguments: [
    "", "pp", "pp0", "pp-1", "tg128@", "tg128@x", "tg128@-1", "xx5", "pp512@1@2", "START", "v0",
    "v65", "v", "busy", "busy0", "busy5000",
    "pp99999999999999999999", "tg2000000",
  ])
  func otherWordsAreNoTests(name: String) {
    #expect(BenchTest(name: name) == nil)
  }

  @Test func sectionsOfAReportThatOtherCommandsMadeStay() {
    let others = "## Key to paint\n\nOf keys.\n\n### More\n\n| a |\n\n## Painting\n\n| b |\n"
    let report = "# Benchmarks\n\nHead.\n\n## some-model.Q4_1.gguf\n\n| old |\n\n" + others
    #expect(BenchMarkdown.otherSections(of: report) == others)
    #expect(BenchMarkdown.otherSections(of: "").isEmpty)
  }

  @Test func fullStandsForAllAndNothingIsMeasuredTwice() throws {
    let list = BenchTest.list("tg128,full,tg16")
    let tests = try #require(list.tests)
    #expect(Set(tests) == Set(BenchTest.full + [.generation(count: 16, depth: 0)]))
    #expect(tests.count == BenchTest.full.count + 1)
    #expect(BenchTest.list("pp512,what").unknown == "what")
    #expect(BenchTest.list("pp512,what").tests == nil)
    #expect(BenchTest.list(",").tests == nil)
  }

  /// As llama-bench printed it, shortened.
  static let output = """
    warning: something to say
    [
      {
        "build_commit": "unknown", "build_number": 0, "cpu_info": "AMD EPYC",
        "backends": "CPU", "model_type": "llama 256M Q4_1", "model_size": 96576768,
        "n_batch": 2048, "n_ubatch": 512, "n_threads": 2, "flash_attn": 1, "repack": true,
        "n_prompt": 32, "n_gen": 0, "n_depth": 0, "test_time": "2026-11-23T06:53:00Z",
        "avg_ns": 2969988394, "stddev_ns": 2853470, "avg_ts": 10.774458, "stddev_ts": 0.010348,
        "samples_ns": [ 2967971422, 2972005367 ],
        "samples_ts": [ 10.7818, 10.7671 ]
      }
    ]
    """

  @Test func llamaBenchOutputIsRead() throws {
    let row = try #require(LlamaBenchOutput.rows(Self.output)?.first)
    #expect(row.samples == [10.7818, 10.7671])
    #expect(row.modelType == "llama 256M Q4_1")
    let setting = PeerSetting(threads: 2, flashAttention: true)
    #expect(row.answers(.prompt(count: 32, depth: 0), setting))
    #expect(!row.answers(.prompt(count: 64, depth: 0), setting))
    #expect(!row.answers(.prompt(count: 32, depth: 8), setting))
    #expect(!row.answers(.generation(count: 32, depth: 0), setting))
    #expect(!row.answers(.start, setting))
    #expect(
      !row.answers(
        .prompt(count: 32, depth: 0), PeerSetting(threads: 1, flashAttention: true)))
  }

  @Test(arguments: ["", "error: no model", "[", "{}", "[{\"n_prompt\": 1}]"])
  func otherOutputIsRefused(text: String) {
    #expect(LlamaBenchOutput.rows(text) == nil)
  }

  @Test func theFinalPerplexityIsFound() {
    let text = "[1]12.1,[2]13.2,\nFinal estimate: PPL = 16.4823 +/- 0.99\n"
    #expect(Peer.finalEstimate(text) == 16.4823)
    #expect(Peer.finalEstimate("[1]12.1,[2]13.2") == nil)
  }

  @Test func processorTimesAreRead() throws {
    let stat = "cpu  100 10 50 9000 20 5 6 7 30 0\ncpu0 1 2 3\nintr 5\n"
    let own = "42 (a ) b (c) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 20 0 1"
    let load = try #require(MachineLoad(stat: stat, own: own))
    #expect(load == MachineLoad(busy: 160, steal: 7, own: 11 + 12 + 13 + 14))
    #expect(MachineLoad(stat: "cpu  1 2", own: own) == nil)
    #expect(MachineLoad(stat: stat, own: "42 (a) R 1") == nil)
    #expect(MachineLoad(stat: "", own: "") == nil)
  }

  @Test func othersAreWhatIsBusyAndNotOwn() {
    let before = MachineLoad(busy: 1000, steal: 10, own: 500)
    let after = MachineLoad(busy: 1202, steal: 21, own: 600)
    // 202 ticks were busy, 100 of them own; two are no evidence. One second has a hundred.
    let shares = after.shares(since: before, seconds: 2)
    #expect(abs(shares.others - 0.5) < 1e-9)
    #expect(abs(shares.steal - 0.05) < 1e-9)
    let quiet = MachineLoad(busy: 1100, steal: 10, own: 600).shares(since: before, seconds: 2)
    #expect(quiet.others == 0 && quiet.steal == 0)
  }

  @Test func theGreatestMemoryCounts() {
    var peak = MemoryPeak()
    peak.take(status: "Name:\tx\nVmHWM:\t  2048 kB\nRssAnon:\t  1024 kB\n")
    peak.take(status: "Name:\tx\nVmHWM:\t  4096 kB\nRssAnon:\t  512 kB\n")
    peak.take(status: "Name:\tzombie\n")
    #expect(peak.resident == 4)
    #expect(peak.privately == 1)
  }
}
