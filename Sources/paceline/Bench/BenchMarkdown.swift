/// A comparison as the text of BENCHMARKS.md.
package struct BenchMarkdown {
  package let report: BenchReport
  /// The command that made it.
  package let command: String

  package init(_ report: BenchReport, command: String) {
    self.report = report
    self.command = command
  }

  package var text: String {
    ([heading] + report.models.map(section)).joined(separator: "\n")
  }

  /// The sections of an earlier report that are not about a model's file: what other commands measured.
  package static func otherSections(of old: String) -> String {
    var kept: [Substring] = []
    var isKept = false
    for line in old.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("## ") { isKept = !line.hasSuffix(".gguf") }
      if isKept { kept.append(line) }
    }
    return kept.joined(separator: "\n")
  }

  private var heading: String {
    let machine = report.machine
    return """
      # Benchmarks

      Paceline against llama.cpp, on the same files, in the same run. Made by `\(command)`; do not edit by hand. Each
      section after the last model's says what made it; the command leaves it as it is.

      | | |
      | --- | --- |
      | machine | \(machine.processor), \(machine.cores) processors, \(machine.memory) |
      | it has | \(machine.features.joined(separator: " ")) |
      | kernel | \(machine.kernel), huge pages: \(machine.hugePages) |
      | Paceline | \(report.paceline), threads: \(report.threads) |
      | llama.cpp | \(report.peer) |
      | rounds | \(report.rounds) and one before them that is not counted; seed \(report.seed) |
      | a cell is repeated where | \(report.limits) |

      **Method.** Every figure comes from a fresh process with the page cache warm. In each round the tests run in random
      order, and within a test the two programs one after the other, in random order too. llama-bench runs with
      \(report.threads > 1 ? "one thread and with \(report.threads)" : "one thread"), with flash attention on and off; \
      for start and first token llama-completion runs with flash attention, with and without warm-up and repacking. A
      first round picks what comes within 10 %
      of the best, these run in every round, and the setting with the best median stands in the table. A ratio is taken
      within a round; the table gives the median of the ratios and their 10th and 90th percentile. Ratios of speeds and
      times say how many times better Paceline is; those of memory say which share of llama.cpp's it takes.

      - `pp512`: tokens/s while reading 512 tokens. `tg128@2048`: tokens/s while generating 128 tokens behind 2048 others;
        neither program samples. llama.cpp: `llama-bench`; Paceline: `paceline bench`. Both warm up within the process.
        `busy128` is `tg128` while another process keeps a processor busy.
      - `start`: from the start of a process to the first byte of its answer to a one-word prompt.
        `ttft\(BenchTest.promptTokens)`: the same after a prompt of \(BenchTest.promptTokens) tokens. llama.cpp: \
      `llama-completion`; Paceline: `paceline ask`;
        greedy, context \(BenchPlan.contextLength).
      - `rss`, `private`: the greatest `VmHWM` and `RssAnon` in `/proc/PID/status`, sampled every 3 ms, while the same
        programs read \(BenchTest.promptTokens) tokens and generate \(BenchTest.memoryTokens). Without repacking \
      llama.cpp takes less memory and is slower: a row of its own.
      - Roofs are measured between Paceline's runs: how fast all threads read the weights, and how fast they multiply
        bytes in registers; the 90th percentile of slices of a millisecond. Of a class of operations the share of the roof
        is given that allows it less. Attention computes in floats and so cannot come near the roof of bytes.
      - Quality: perplexity over the same text in chunks of \(BenchPlan.qualityContext), by `llama-perplexity` and \
      `paceline perplexity`.

      """
  }

  private func section(_ model: ModelReport) -> String {
    var lines = [
      "## \(model.file)", "",
      "| figure | llama.cpp (setting) | Paceline | ratio, median [p10, p90] | target | verdict |",
      "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += model.figures.map { row in
      let cells = BenchCells(row)
      return "| \(row.name) | \(cells.theirs) (\(row.setting)) | \(cells.ours) | \(cells.ratio) "
        + "| \(cells.target) | \(cells.verdict) |"
    }
    lines.append("| quality | \(BenchCells.quality(model.quality)) | | | | |")
    lines += ["", BenchCells.cells(model)]
    if !model.ratios.isEmpty {
      lines += [
        "", "| of its own figures | ratio, median [p10, p90] | target | verdict |",
        "| --- | ---: | ---: | --- |",
      ]
      lines += model.ratios.map { row in
        "| \(row.name) | \(fixed(row.median, 2)) [\(fixed(row.low, 2)), \(fixed(row.high, 2))] "
          + "| \(row.targetText) | \(row.verdict) |"
      }
    }
    let bounds = model.missedBounds
    if !bounds.isEmpty {
      lines += ["", "What bounds the missed speeds:", ""] + bounds.map { "- " + $0 }
    }
    if !model.profiles.isEmpty {
      lines += [
        "", "Where Paceline's time goes, and how near each part is to its roof:", "", "```text",
      ]
      lines += model.profiles.flatMap { [$0.test] + $0.profile.lines.map { "  " + $0 } }
      lines.append("```")
    }
    lines += model.failures.map { "- failed: \($0)" }
    lines += ["", "The commands:", "", "```text"] + model.commands + ["```", ""]
    return lines.joined(separator: "\n")
  }
}

/// The words of a figure, for the terminal and for Markdown.
struct BenchCells {
  let theirs: String
  let ours: String
  let ratio: String
  let target: String
  let verdict: String

  init(_ row: FigureReport) {
    theirs = "\(figure(row.theirs)) \(row.unit.rawValue)"
    ours = "\(figure(row.ours)) \(row.unit.rawValue)"
    ratio =
      "\(fixed(row.ratio, 2)) [\(fixed(row.ratioLow, 2)), \(fixed(row.ratioHigh, 2))]"
    target = row.target.map { (row.unit.isShare ? "<= " : ">= ") + fixed($0, 2) } ?? "-"
    let noisy = row.rounds.filter(\.isNoisy).count
    verdict =
      row.verdict.rawValue + (row.shortfall.map { " by \(fixed($0, 0)) %" } ?? "")
      + (noisy > 0 ? " (\(noisy) of \(row.rounds.count) rounds noisy)" : "")
  }

  static func quality(_ quality: QualityReport?) -> String {
    guard let quality else { return "not measured" }
    guard let theirs = quality.theirs, let difference = quality.difference else {
      return "perplexity \(fixed(quality.ours, 4)), nothing to compare with"
    }
    let sign = difference < 0 ? "" : "+"
    return "perplexity \(fixed(theirs, 4)), Paceline \(fixed(quality.ours, 4)) "
      + "(\(sign)\(fixed(difference, 3)) %)"
  }

  static func cells(_ model: ModelReport) -> String {
    "\(model.cells) cells were measured, \(model.rejected) repeated because the machine was busy, "
      + "\(model.noisy) kept although it was."
  }
}
