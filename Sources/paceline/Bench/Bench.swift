import ArgumentParser
import Compute
import Foundation
import Inference
import Models

/// Measures how fast a model reads a prompt and generates.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure prompt and generation speed.",
    usage: "paceline bench [--model <model> ...] [<options>]",
    discussion: """
      One warm-up run and then the repetitions; the table gives the median and the
      spread. Tests are named as by llama-bench: pp512 reads a prompt of 512
      tokens, tg128@2048 generates 128 tokens behind 2048 others.
      """)

  @OptionGroup var options: BenchOptions

  @Option(
    help: ArgumentHelp("Tests with commas between them; full: all.", valueName: "list"))
  var tests = BenchTest.usual.map(\.name).joined(separator: ",")

  @Option(name: [.short, .long], help: ArgumentHelp("Measured runs.", valueName: "n"))
  var repetitions = 5

  @Option(help: ArgumentHelp("Rows computed in one pass of the prompt.", valueName: "n"))
  var chunk = 128

  @Flag(help: "Show where the time goes, by class of operation.")
  var profile = false

  @Flag(help: "Print a JSON list of rows.")
  var json = false

  func validate() throws {
    guard repetitions >= 1, chunk >= 1 else {
      throw ValidationError("bench needs at least one repetition and one row in a pass")
    }
    let (found, unknown) = BenchTest.list(tests)
    if found == nil {
      throw ValidationError("--tests: '\(unknown)' is no test; pp512, tg128@2048 and full are")
    }
  }

  func run() throws {
    let interruption = Interruption()
    interruption.onInterrupt {}
    let tests = BenchTest.list(self.tests).tests ?? []
    var rows: [BenchRow] = []
    for path in try options.paths() {
      rows += try measure(path, tests) { interruption.isRaised }
    }
    if json { try Console.printJSON(rows) }
  }

  private func measure(
    _ path: String, _ tests: [BenchTest], isCancelled: @escaping () -> Bool
  ) throws -> [BenchRow] {
    let needed = tests.filter { $0.speed != nil }.map(\.positions).max() ?? 1
    let kernels = options.kernels
    let loaded = try ModelLoader.load(path: path, contextLength: needed, kernels: kernels)
    let pool = WorkerPool(count: options.threads)
    defer { pool.shutDown() }
    let runner = BenchRunner(
      model: loaded.model, pool: pool, chunk: chunk, isCancelled: isCancelled)
    if !json {
      try Console.print("model    \(loaded.name) \(loaded.format)  (\(path))")
      try Console.print("compute  \(pool.count) threads, \(kernels.name)")
      try Console.print("")
      try Console.print(BenchTable.heading)
    }
    var rows: [BenchRow] = []
    for test in tests where test.speed != nil {
      guard test.positions <= loaded.model.shape.contextLength else {
        Console.note(
          "\(test.name): left out, this model has \(loaded.model.shape.contextLength) positions")
        continue
      }
      let measured = try runner.measure(test, repetitions: repetitions)
      let row = BenchRow(
        test.name, model: loaded.name, format: loaded.format, threads: pool.count,
        instructionSet: kernels.name, unit: .tokensPerSecond, samples: measured.samples)
      rows.append(row)
      guard !json else { continue }
      try Console.print(BenchTable.line(row))
      guard profile else { continue }
      for line in BenchProfile(measured.totals, tokens: measured.tokens).lines {
        try Console.print(line)
      }
    }
    if !json { try Console.print("") }
    return rows
  }
}

/// Rows as a person reads them.
enum BenchTable {
  static let heading = "test           median  unit      spread      lowest    highest   runs"

  static func line(_ row: BenchRow) -> String {
    let spread = fixed(row.spread * 100, 1) + " %"
    let cells = [row.median, row.minimum, row.maximum].map { padStart(fixed($0, 2), 9) }
    return padEnd(row.name, 12) + "\(cells[0])  " + padEnd(row.unit.rawValue, 8)
      + "\(padStart(spread, 8))   \(cells[1])  \(cells[2])   \(row.samples.count)"
  }
}
