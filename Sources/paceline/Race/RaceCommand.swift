import ArgumentParser
import Foundation
import Inference
import Runtime

/// Methods against each other on sets of prompts, in figures.
struct RaceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "race",
    abstract: "Race methods against plain decoding, or against each other.",
    usage: "paceline race --method <id> [--against <id>] --prompts <file> [--json]",
    discussion: """
      Every method runs on every model and set of prompts that is given: same
      prompt, seed and settings for both lanes, one after the other, each by its
      own clock. Methods that work together are joined with +. The choice is
      greedy unless --seeds are given. What a method learns from one prompt it
      may use on the next ones of the set, unless --cold. A method that lacks
      what it needs on a model is left out there, with a note.
      """)

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("A model; may be given many times.", valueName: "model"))
  var model: [String] = []

  @Option(help: ArgumentHelp("A method; may be given many times.", valueName: "id[:knob=n,...]"))
  var method: [String]

  @Option(help: ArgumentHelp("What it runs against.", valueName: "id"))
  var against = "baseline"

  @Option(
    help: ArgumentHelp(
      "JSON Lines with prompt, and optionally system and maxTokens; may be given many times.",
      valueName: "file"), completion: .file())
  var prompts: [String] = []

  @Option(help: ArgumentHelp("A single prompt.", valueName: "text"))
  var prompt: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Prompts of each set at most.", valueName: "n"))
  var limit: Int?

  @Option(
    name: [.customShort("n"), .long],
    parsing: .unconditional, help: ArgumentHelp("Tokens of an answer at most.", valueName: "n"))
  var maxTokens: Int?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Times that every prompt is run.", valueName: "n"))
  var repeats = 1

  @Option(
    help: ArgumentHelp(
      "Draw with these seeds, such as 1,2,3, in place of greedy choice, or beside it: greedy,1,2.",
      valueName: "list"))
  var seeds: String?

  @Option(
    help: ArgumentHelp(
      "Set a sampling knob for --seeds, such as temp=0.7.", valueName: "name=value"))
  var set: [String] = []

  @Flag(name: .customLong("no-governor"), help: "Draft as much as the knobs say.")
  var isUngoverned = false

  @Flag(help: "Let methods forget what they learned after every prompt.")
  var cold = false

  @Flag(
    help: "Run the opponent once for all methods, not for each: less time, a less even comparison.")
  var together = false

  @Flag(
    name: .customLong("keep-prompts"),
    help: "Read every prompt once for all lanes and seeds, where only what follows is compared.")
  var keepsPrompts = false

  @Option(parsing: .unconditional, help: ArgumentHelp("Positions of the context.", valueName: "n"))
  var context = 4096

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Threads that compute; default: all processors.", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print one JSON object for each row.")
  var json = false

  @Option(help: ArgumentHelp("Write the table to a file, too.", valueName: "file"))
  var markdown: String?

  func validate() throws {
    guard !method.isEmpty else { throw ValidationError("--method names what is to race") }
    guard !prompts.isEmpty || prompt != nil else {
      throw ValidationError("--prompts FILE or --prompt TEXT says what to answer")
    }
    guard repeats >= 1, limit ?? 1 >= 1, maxTokens ?? 1 >= 1, context >= 16 else {
      throw ValidationError("--repeats, --limit and --max-tokens take numbers from 1")
    }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads takes a number from 1 to 1024")
    }
  }

  func run() async throws {
    let lanes = try method.map { text throws(InferenceError) in
      try MethodSelection(spelled: text, isGoverned: !isUngoverned)
    }
    let opponent = try MethodSelection(spelled: against, isGoverned: !isUngoverned)
    var sets = try prompts.map { path throws(InferenceError) in try RacePrompts(path: path) }
    if let prompt { sets.append(RacePrompts(text: prompt)) }
    let variants = try settings()
    let folder = try ModelFolder.standard()
    let paths = try (model.isEmpty ? [nil] : model.map(Optional.some)).map {
      word throws(InferenceError) in try folder.resolve(word)
    }
    let engine = Engine.standard(threads: threads)
    let interruption = Interruption()
    var runner = RaceRunner(engine: engine, interruption: interruption)
    let plan = RaceRunner.Plan(
      settings: variants, repeats: repeats, limit: limit, maximumTokens: maxTokens, isCold: cold,
      keepsPrompts: keepsPrompts)
    var rows: [RaceRow] = []
    var refusal: InferenceError?
    for path in paths {
      try await runner.load(path, contextLength: context)
      let usable = try await self.usable(lanes, &runner, &refusal)
      for lanes in together ? [usable] : usable.map({ [$0] }) where !lanes.isEmpty {
        for set in sets {
          let results = try await runner.race(lanes + [opponent], on: set, plan: plan)
          for (index, lane) in lanes.enumerated() {
            let row = RaceRow(
              method: lane, against: opponent, model: runner.modelName, prompts: set.name,
              results: results.map { $0.againstLast(index) })
            rows.append(row)
            try show(row, isFirst: rows.count == 1)
          }
          try write(rows)
        }
      }
    }
    if rows.isEmpty, let refusal { throw refusal }
  }

  /// The lanes whose methods have what they need on the model at hand; the others are named.
  private func usable(
    _ lanes: [MethodSelection], _ runner: inout RaceRunner, _ refusal: inout InferenceError?
  ) async throws -> [MethodSelection] {
    var usable: [MethodSelection] = []
    for lane in lanes {
      do {
        try await runner.prepare(lane)
        usable.append(lane)
      } catch let error as InferenceError where error.code != .cancelled {
        refusal = refusal ?? error
        Console.note("\(lane.title) is left out on \(runner.modelName): \(error.message)")
      }
    }
    return usable
  }

  private func show(_ row: RaceRow, isFirst: Bool) throws {
    guard !json else { return try Console.printJSON(row) }
    if isFirst { try Console.print(RaceRow.markdownHead) }
    try Console.print(row.markdown)
  }

  /// Writes the table as far as it has come, so that what took hours is not lost with the rest.
  private func write(_ rows: [RaceRow]) throws(InferenceError) {
    guard let markdown else { return }
    let text = ([RaceRow.markdownHead] + rows.map(\.markdown)).joined(separator: "\n") + "\n"
    do {
      try text.write(toFile: markdown, atomically: true, encoding: .utf8)
    } catch {
      throw InferenceError(.environment, "\(markdown) cannot be written: \(error)")
    }
  }

  /// Greedy choice, or one for each seed.
  private func settings() throws(InferenceError) -> [SamplerSettings] {
    let greedy = "greedy"
    let seeds = seeds ?? greedy
    var variants: [SamplerSettings] = []
    for text in seeds.split(separator: ",") {
      var settings = text == greedy ? SamplerSettings.greedy : SamplerSettings()
      if text != greedy {
        guard let seed = UInt64(text) else {
          throw InferenceError(
            .invalidRequest,
            "--seeds \(seeds): whole numbers with commas are wanted, or the word \(greedy)")
        }
        settings.seed = seed
      }
      for assignment in set { try settings.set(assignment) }
      variants.append(settings)
    }
    guard !variants.isEmpty else {
      throw InferenceError(.invalidRequest, "--seeds names no seed")
    }
    return variants
  }
}
