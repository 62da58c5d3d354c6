import ArgumentParser
import Compute
import Foundation
import Inference
import Models

/// Measures how fast a model reads a prompt and generates.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure prompt and generation speed.",
    usage: "paceline bench [--model <model>] [<options>]",
    discussion: """
      One warm-up run and then the repetitions; the table gives the median and the
      spread. With --against the exit status is 3 where a row became slower than
      in an earlier --json output by more than its tolerance.
      """)

  @OptionGroup var options: ModelOptions

  @Option(help: ArgumentHelp("Tokens of the prompt to read; 0: none.", valueName: "n"))
  var prompt = 512

  @Option(help: ArgumentHelp("Tokens to generate; 0: none.", valueName: "n"))
  var generate = 128

  @Option(name: [.short, .long], help: ArgumentHelp("Measured runs.", valueName: "n"))
  var repetitions = 5

  @Option(help: ArgumentHelp("Rows computed in one pass of the prompt.", valueName: "n"))
  var chunk = 128

  @Flag(help: "Print a JSON list of rows.")
  var json = false

  @Option(
    help: ArgumentHelp("An earlier --json output to compare with.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var against: String?

  @Option(help: ArgumentHelp("What counts as slower, in percent.", valueName: "percent"))
  var tolerance = 5.0

  func validate() throws {
    guard prompt >= 0, generate >= 0, prompt + generate > 0, repetitions >= 1, chunk >= 1,
      tolerance >= 0
    else { throw ValidationError("bench needs tokens to measure and at least one repetition") }
  }

  func run() throws {
    let baseline = try against.map(Self.readRows)
    let interruption = Interruption()
    interruption.onInterrupt {}
    let path = try options.path()
    let loaded = try ModelLoader.load(path: path, contextLength: max(prompt, generate))
    let room = loaded.model.shape.contextLength
    guard max(prompt, generate) <= room else {
      throw InferenceError(
        .invalidRequest, "this model has \(room) positions: measure with fewer tokens")
    }
    let pool = WorkerPool(count: options.threads)
    defer { pool.shutDown() }
    let runner = BenchRunner(
      model: loaded.model, pool: pool, chunk: chunk, isCancelled: { interruption.isRaised })
    var rows: [BenchRow] = []
    if prompt > 0 {
      rows.append(
        BenchRow("pp\(prompt)", loaded, pool, try samples(runner, BenchRunner.readPrompt, prompt)))
    }
    if generate > 0 {
      rows.append(
        BenchRow("tg\(generate)", loaded, pool, try samples(runner, BenchRunner.generate, generate))
      )
    }
    if json { try Console.printJSON(rows) } else { try printTable(rows, path: path) }
    if let baseline { try compare(rows, with: baseline) }
  }

  private func samples(
    _ runner: BenchRunner,
    _ measure: (BenchRunner) -> (Int) throws(InferenceError) -> Double, _ tokens: Int
  ) throws(InferenceError) -> [Double] {
    _ = try measure(runner)(tokens)
    var samples: [Double] = []
    for _ in 0..<repetitions { samples.append(try measure(runner)(tokens)) }
    return samples
  }

  private func printTable(_ rows: [BenchRow], path: String) throws {
    guard let first = rows.first else { return }
    try Console.print("model    \(first.model) \(first.format)  (\(path))")
    try Console.print("compute  \(first.threads) threads, \(first.instructionSet)")
    try Console.print("")
    try Console.print("test      tokens/s   spread      lowest    highest   runs")
    for row in rows {
      let spread = fixed(row.spread * 100, 1) + " %"
      let cells = [row.tokensPerSecond, row.minimum, row.maximum].map { pad(fixed($0, 2), 9) }
      try Console.print(
        row.name.padding(toLength: 8, withPad: " ", startingAt: 0)
          + "\(cells[0])  \(pad(spread, 7))   \(cells[1])  \(cells[2])   \(row.samples.count)")
    }
  }

  private func compare(_ rows: [BenchRow], with baseline: [BenchRow]) throws {
    var slower = false
    for row in rows {
      guard let old = baseline.first(where: { $0.name == row.name }), old.tokensPerSecond > 0 else {
        Console.note("\(row.name): not in the earlier output")
        continue
      }
      let change = (row.tokensPerSecond / old.tokensPerSecond - 1) * 100
      let isSlower = change < -tolerance
      slower = slower || isSlower
      Console.note(
        "\(row.name): \(change < 0 ? "" : "+")\(fixed(change, 1)) %\(isSlower ? "  SLOWER" : "")")
    }
    if slower { throw ExitStatus.regression }
  }

  private static func readRows(_ path: String) throws(InferenceError) -> [BenchRow] {
    guard let data = FileManager.default.contents(atPath: path),
      let rows = try? JSONDecoder().decode([BenchRow].self, from: data)
    else { throw InferenceError(.invalidRequest, "\(path) is no output of `bench --json`") }
    return rows
  }
}

/// One measured test.
struct BenchRow: Codable, Equatable {
  var name: String
  var model: String
  var format: String
  var threads: Int
  var instructionSet: String
  /// The median.
  var tokensPerSecond: Double
  var minimum: Double
  var maximum: Double
  /// Distance of the extremes, as a share of the median.
  var spread: Double
  var samples: [Double]

  init(_ name: String, _ loaded: LoadedModel, _ pool: WorkerPool, _ samples: [Double]) {
    let sorted = samples.sorted()
    let middle = sorted.count / 2
    self.name = name
    model = loaded.name
    format = loaded.format
    threads = pool.count
    instructionSet = Kernels.shared.name
    tokensPerSecond =
      sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    minimum = sorted.first ?? 0
    maximum = sorted.last ?? 0
    spread = tokensPerSecond > 0 ? (maximum - minimum) / tokensPerSecond : 0
    self.samples = samples
  }
}

/// Runs the passes that are timed.
struct BenchRunner {
  let model: any LanguageModel
  let pool: WorkerPool
  let chunk: Int
  let isCancelled: () -> Bool

  /// Reads a prompt of pseudo-random tokens; tokens per second.
  func readPrompt(_ count: Int) throws(InferenceError) -> Double {
    let cache = try model.makeCache(capacity: count)
    let tokens = randomTokens(count)
    let clock = PhaseClock()
    let start = monotonicNanoseconds()
    var done = 0
    while done < count {
      if isCancelled() { throw InferenceError(.cancelled, "stopped") }
      let end = min(done + chunk, count)
      // As for a real prompt, only the last token's logits are wanted.
      let batch = TokenBatch(
        chain: Array(tokens[done..<end]), logits: end == count ? .last : .none)
      _ = try model.forward(batch, caches: [cache], on: pool, clock: clock)
      cache.commit(Array(0..<batch.count))
      done = end
    }
    return Double(count) / (Double(monotonicNanoseconds() - start) / 1e9)
  }

  /// Computes one token after another from an empty context, logits included, without sampling; tokens per second.
  func generate(_ count: Int) throws(InferenceError) -> Double {
    let cache = try model.makeCache(capacity: count)
    let clock = PhaseClock()
    let start = monotonicNanoseconds()
    for token in randomTokens(count) {
      if isCancelled() { throw InferenceError(.cancelled, "stopped") }
      _ = try model.forward(TokenBatch(chain: [token]), caches: [cache], on: pool, clock: clock)
      cache.commit([0])
    }
    return Double(count) / (Double(monotonicNanoseconds() - start) / 1e9)
  }

  /// The same tokens in every run, spread over the vocabulary.
  private func randomTokens(_ count: Int) -> [TokenID] {
    var state: UInt64 = 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return TokenID(truncatingIfNeeded: (state >> 33) % UInt64(max(model.shape.vocabulary, 1)))
    }
  }
}

/// A number with so many decimals and a point, whatever the locale.
func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
  let scale = (0..<decimals).reduce(1) { product, _ in product * 10 }
  let units = Int((abs(value) * Double(scale)).rounded())
  let sign = value < 0 && units > 0 ? "-" : ""
  guard decimals > 0 else { return sign + String(units) }
  let fraction = String(units % scale)
  let zeros = String(repeating: "0", count: decimals - fraction.count)
  return sign + String(units / scale) + "." + zeros + fraction
}

private func pad(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}
