import Compute
import Foundation
import Inference
import Models

extension Bench {
  /// Where the perplexity's text lies in a source tree.
  private static let usualText = "Tests/ModelsTests/Fixtures/perplexity.txt"

  /// Compares with llama.cpp and reports.
  func compare(_ folder: String, _ interruption: Interruption) throws {
    let peer = try Peer(folder: folder, limit: comparing.cellLimit)
    let targets =
      try comparing.targets.map(BenchTargets.read) ?? BenchTargets(models: [:])
    let threads = options.threads ?? WorkerPool.availableProcessors
    let seed = comparing.seed ?? monotonicNanoseconds()
    let plan = BenchPlan(
      tests: try chosenTests(BenchTest.full), rounds: comparing.rounds, seed: seed,
      threads: threads, otherSets: options.otherSets)
    var report = BenchReport(
      machine: .current(), paceline: "\(Version.text), \(options.kernels.name)",
      peer: peer.build(interruption), threads: threads, rounds: plan.rounds, seed: seed,
      limits: comparing.limits)
    Console.note("seed \(seed)")
    var line = ProgressLine()
    for path in try options.paths() {
      let comparison = BenchComparison(
        own: ownProgram, peer: peer, plan: plan, cellGuard: comparing.cellGuard, targets: targets,
        qualityText: try qualityText(), interruption: interruption)
      let model = try comparison.run(model: path) { text, isMilestone in
        // A log is told of rounds, a terminal of every cell.
        if isMilestone, !Console.errorIsTerminal { Console.note(text) }
        line.show(text)
      }
      line.clear()
      report.models.append(model)
      if !json { try printTable(model) }
      // After each model, so that an interrupted run leaves what it had found.
      if let file = comparing.markdown { try writeMarkdown(report, to: file) }
    }
    if json { try Console.printJSON(report) }
  }

  private func qualityText() throws(InferenceError) -> String? {
    let path = comparing.qualityText ?? Self.usualText
    if comparing.qualityText != nil {
      _ = try InputFile.contents(of: path)
      return path
    }
    return FileManager.default.isReadableFile(atPath: path) ? path : nil
  }

  private func writeMarkdown(_ report: BenchReport, to file: String) throws(InferenceError) {
    let models = BenchMarkdown(
      report, command: "make bench-report PEER=FOLDER ROUNDS=\(report.rounds)"
    ).text
    let old = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    let text = models + "\n" + BenchMarkdown.otherSections(of: old)
    do {
      try text.write(toFile: file, atomically: true, encoding: .utf8)
    } catch {
      throw InferenceError(.environment, "\(file) cannot be written")
    }
  }

  private func printTable(_ model: ModelReport) throws {
    try Console.print("model  \(model.title)")
    try Console.print(
      padEnd("figure", 27) + padStart("llama.cpp", 16) + padStart("paceline", 16)
        + "  ratio [p10, p90]    target   verdict")
    for row in model.figures {
      let cells = BenchCells(row)
      try Console.print(
        padEnd(row.name, 27) + padStart(cells.theirs, 16) + padStart(cells.ours, 16) + "  "
          + padEnd(cells.ratio, 19) + " " + padEnd(cells.target, 8) + " " + cells.verdict)
      try Console.print("    its setting: \(row.setting)")
    }
    for row in model.ratios {
      try Console.print(
        "\(row.name): \(fixed(row.median, 2)) [\(fixed(row.low, 2)), \(fixed(row.high, 2))], "
          + "target \(row.targetText), \(row.verdict)")
    }
    try Console.print("quality  \(BenchCells.quality(model.quality))")
    try Console.print(BenchCells.cells(model))
    for failure in model.failures { try Console.print("failed: \(failure)") }
    try Console.print("")
  }
}
