import ArgumentParser
import Compute
import Foundation
import Inference
import Models
import Runtime

/// Measures how fast a model reads a prompt and generates, alone or against llama.cpp.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure prompt and generation speed.",
    usage: "paceline bench [--model <model> ...] [<options>]",
    discussion: """
      One warm-up run and then the repetitions; the table gives the median and the
      spread. Tests are named as by llama-bench: pp512 reads a prompt of 512
      tokens, tg128@2048 generates 128 tokens behind 2048 others. In fresh
      processes: ready (model loaded), start and ttft64 (first token after one
      word and after 64 tokens), memory. With --baseline the exit status is 3
      where a row became worse by more than the tolerance.
      """)

  @OptionGroup var options: BenchOptions

  @Option(
    help: ArgumentHelp(
      "Tests with commas between them, full for all; default: pp512,tg128, and full with --against.",
      valueName: "list"))
  var tests: String?

  @Option(
    name: [.short, .long], parsing: .unconditional,
    help: ArgumentHelp("Measured runs.", valueName: "n"))
  var repetitions = 5

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Rows computed in one pass of the prompt.", valueName: "n"))
  var chunk = 128

  @Flag(help: "Show where the time goes, by class of operation.")
  var profile = false

  @Flag(help: "Print JSON: a list of rows, or the whole comparison.")
  var json = false

  @Option(
    help: ArgumentHelp("An earlier --json output to compare with.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var baseline: String?

  @Option(help: ArgumentHelp("What counts as a regression, in percent.", valueName: "percent"))
  var tolerance = 5.0

  @OptionGroup(title: "Comparing with llama.cpp") var comparing: CompareOptions

  func validate() throws {
    guard repetitions >= 1, chunk >= 1, tolerance >= 0 else {
      throw ValidationError(
        "bench needs at least one repetition, one row in a pass and no negative tolerance")
    }
    if let tests {
      let (found, unknown) = BenchTest.list(tests)
      if found == nil {
        throw ValidationError("--tests: '\(unknown)' is no test; pp512, tg128@2048 and full are")
      }
    }
    if comparing.against != nil, baseline != nil || profile {
      throw ValidationError("--baseline and --profile do not go with --against")
    }
  }

  // Not asynchronous: the threads of Swift's pool do not keep the priority that the program was started with, and
  // what they start would not either.
  func run() throws {
    let interruption = Interruption()
    interruption.onInterrupt {}
    if let folder = comparing.against { return try compare(folder, interruption) }
    let tests = try chosenTests(BenchTest.usual)
    let earlier = try baseline.map { path throws(InferenceError) in
      try BenchBaseline.read(path, tolerance: tolerance / 100)
    }
    var rows: [BenchRow] = []
    for path in try options.paths() {
      rows += try ModelBench(bench: self, path: path, interruption: interruption).run(tests)
    }
    if json { try Console.printJSON(rows) }
    guard let earlier else { return }
    for row in rows { Console.note(earlier.line(row)) }
    if rows.contains(where: { earlier.compare($0)?.isRegression == true }) {
      throw ExitStatus.regression
    }
  }

  /// The tests asked for; the parser has seen that they are some.
  func chosenTests(_ usual: [BenchTest]) throws -> [BenchTest] {
    tests.flatMap { BenchTest.list($0).tests } ?? usual
  }

  var ownProgram: OwnProgram {
    OwnProgram(
      threads: options.threads, isa: options.isa, chunk: chunk, limit: comparing.cellLimit)
  }
}

/// The tests of one model, without another program.
struct ModelBench {
  let bench: Bench
  let path: String
  let interruption: Interruption

  func run(_ tests: [BenchTest]) throws -> [BenchRow] {
    let kernels = bench.options.kernels
    let needed = tests.filter { $0.speed != nil }.map(\.positions).max() ?? 1
    let loaded = try ModelLoader.load(path: path, contextLength: needed, kernels: kernels)
    let room = loaded.model.shape.contextLength
    let fitting = tests.filter { $0.positions <= room }
    for test in tests where test.positions > room {
      Console.note("\(test.name): left out, this model has \(room) positions")
    }
    guard !fitting.isEmpty else {
      throw InferenceError(
        .invalidRequest, "this model has \(room) positions: measure with fewer tokens")
    }
    let threads = bench.options.threads ?? WorkerPool.availableProcessors
    if !bench.json {
      try Console.print("model    \(loaded.name) \(loaded.format)  (\(path))")
      try Console.print("compute  \(threads) threads, \(kernels.name)\n")
      try Console.print(BenchTable.heading)
    }
    var rows: [BenchRow] = []
    func add(
      _ name: String, _ unit: BenchUnit, _ samples: [Double], _ profile: BenchProfile? = nil
    ) throws {
      let row = BenchRow(
        name, model: loaded.name, format: loaded.format, threads: threads,
        instructionSet: kernels.name, unit: unit, samples: samples, profile: profile)
      rows.append(row)
      guard !bench.json else { return }
      try Console.print(BenchTable.line(row))
      for line in profile?.lines ?? [] { try Console.print("  " + line) }
    }
    try speeds(fitting.filter { $0.speed != nil }, loaded, add)
    try processes(fitting.filter { $0.speed == nil }, loaded, add)
    if !bench.json { try Console.print("") }
    return rows
  }

  private typealias Add = (
    _ name: String, _ unit: BenchUnit, _ samples: [Double], _ profile: BenchProfile?
  ) throws -> Void

  private func speeds(_ tests: [BenchTest], _ loaded: LoadedModel, _ add: Add) throws {
    guard !tests.isEmpty else { return }
    let pool = WorkerPool(count: bench.options.threads)
    defer { pool.shutDown() }
    let runner = BenchRunner(
      model: loaded.model, pool: pool, chunk: bench.chunk,
      isCancelled: { interruption.isRaised })
    var roofline = Roofline(file: nil, threads: pool.count, kernels: bench.options.kernels)
    for test in tests {
      let busy = test.isBusy ? BusyProcess() : nil
      defer { busy?.stop() }
      // Between the runs, so that work and roofs are measured in the same minute.
      let measured = try runner.measure(test, repetitions: bench.repetitions) {
        guard bench.profile, busy == nil else { return }
        roofline.renew()
        roofline.measure(loaded.gguf.file, on: pool) { !interruption.isRaised }
      }
      let profile =
        bench.profile
        ? BenchProfile(measured.totals, tokens: measured.tokens, roofs: roofline.roofs) : nil
      try add(test.name, .tokensPerSecond, measured.samples, profile)
    }
  }

  /// Figures of fresh processes; the first one only warms the page cache.
  private func processes(_ tests: [BenchTest], _ loaded: LoadedModel, _ add: Add) throws {
    guard !tests.isEmpty else { return }
    let prompt = try BenchPrompt(loaded)
    for test in tests {
      var samples: [[Double]] = []
      for _ in 0...bench.repetitions {
        samples.append(
          try bench.ownProgram.measure(
            test, model: path, prompt: prompt, repetitions: 1, interruption
          ).figures)
      }
      for (index, figure) in test.figures.enumerated() {
        try add(figure.name, figure.unit, samples.dropFirst().map { $0[index] }, nil)
      }
    }
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
