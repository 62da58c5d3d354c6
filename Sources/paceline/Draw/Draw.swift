import ArgumentParser
import Foundation
import Inference
import Methods
import PictureFiles
import Runtime
import Terminal

/// A picture from words.
struct Draw: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Paint a small picture from words.",
    usage: """
      paceline draw <words> [<options>]
      paceline draw --table [--markdown]
      paceline draw --list <file> --out <folder>
      """,
    discussion: """
      A terminal shows the picture in characters; --out writes a PNG that holds
      words, seed and methods too. `methods --pictures` lists what paints.
      """)

  @Argument(help: "What to paint, such as: a red heart")
  var words: [String] = []

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seed of the random numbers.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Write a PNG.", valueName: "file"),
    completion: .file(extensions: ["png"]))
  var out: String?

  @Option(
    help: ArgumentHelp(
      "How to paint, such as next-scale:guidance=4; may be given many times.",
      valueName: "id[:knob=n,...]"),
    completion: .list(MethodCatalog.painting.map(\.card.id)))
  var method: [String] = []

  @Option(
    help: ArgumentHelp("Measure against another way to paint.", valueName: "id[:knob=n,...]"),
    completion: .list(MethodCatalog.painting.map(\.card.id)))
  var against: String?

  @Flag(help: "Measure every method against its baseline, on twelve captions.")
  var table = false

  @Option(
    help: ArgumentHelp("Paint each line of a file to a PNG in --out.", valueName: "file"),
    completion: .file())
  var list: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Pictures of each way with --against (default: 5), of each caption with --table and --list (default: 1).",
      valueName: "n"))
  var repeats: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Columns of the picture in characters.", valueName: "n"))
  var columns: Int?

  @Option(help: ArgumentHelp("Characters to use.", valueName: "kind"))
  var symbols: PictureCells.Symbols?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Threads that compute; default: all processors.", valueName: "n"))
  var threads: Int?

  @Flag(help: "With --against or --table: print a section of BENCHMARKS.md.")
  var markdown = false

  @Flag(help: "Print one JSON object with steps, times and settings.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads takes a number from 1") }
    if let repeats, repeats < 1 { throw ValidationError("--repeats takes a number from 1") }
    if words.isEmpty != (table || list != nil) || table && list != nil {
      throw ValidationError("say what to paint, or give one of --table and --list")
    }
    if list != nil, out == nil { throw ValidationError("--list needs --out, a folder") }
    if against != nil || table, out != nil {
      throw ValidationError("--against and --table measure and write no file")
    }
    if let out, list == nil, PictureFile.isFolder(out) {
      throw ValidationError("--out \(out) is a folder: name a file in it")
    }
    if let columns, !(2...500).contains(columns) {
      throw ValidationError("--columns takes a number from 2 to 500")
    }
  }

  func run() async throws {
    var request = PaintingRequest(description: words.joined(separator: " "), seed: seed)
    for text in method { request.methods.append(try MethodCatalog.painting.choice(text)) }
    let engine = Engine.standard(threads: threads)
    if let list { return try await paint(list, request.methods, engine) }
    if table { return try await race(engine) }
    if let against {
      let rival = try MethodCatalog.painting.choice(against)
      return try await race(request, against: [rival], engine)
    }
    let interruption = Interruption()
    var line = ProgressLine()
    let job = engine.submit(.paint(request))
    interruption.onInterrupt { job.cancel() }
    var report: PaintingReport?
    for await event in job.events {
      switch event {
      case .failed(let error): throw error
      case .painting(.started(_, let note)): if let note { Console.note(note) }
      case .painting(.step(let step, _)):
        line.show("\(step.label), \(step.index + 1) of \(step.count)")
      case .painting(.finished(let finished)): report = finished
      default: break
      }
    }
    line.clear()
    guard let report, let picture = report.picture else { throw ExitStatus.interrupted }
    if let out { try PaintedPicture(request, step: report.steps.last).file(picture).write(to: out) }
    if json {
      try Console.printJSON(DrawReport(report))
    } else if Console.outputIsTerminal || out == nil {
      try show(picture)
    }
    if let out, Console.errorIsTerminal {
      Console.note("\(out): \(picture.width) x \(picture.height), seed \(seed)")
    }
    if report.isCancelled { throw ExitStatus.interrupted }
  }

  private func race(
    _ request: PaintingRequest, against: [MethodChoice], _ engine: Engine
  ) async throws {
    let race = DrawRace(
      engine: engine, captions: [request.description], seed: seed, method: request.methods,
      against: against, repeats: repeats ?? 5)
    let report = try await watched { line, interruption in
      try await race.run {
        line.show($0 == 0 ? "warming up" : "pair \($0) of \(race.repeats)")
      } onJob: { job in
        interruption.onInterrupt { job.cancel() }
      }
    }
    if json { return try Console.printJSON(report) }
    if markdown { return try Console.print(DrawTable.markdown([report], command: Self.command)) }
    for text in report.lines { try Console.print(text) }
  }

  private func race(_ engine: Engine) async throws {
    let table = DrawTable(engine: engine, seed: seed, repeats: repeats ?? 1)
    let reports = try await watched { line, interruption in
      try await table.run {
        line.show("\($0), pair \($1) of \($2)")
      } onJob: { job in
        interruption.onInterrupt { job.cancel() }
      }
    }
    if json { return try Console.printJSON(reports) }
    if markdown { return try Console.print(DrawTable.markdown(reports, command: Self.command)) }
    for report in reports {
      for text in report.lines { try Console.print(text) }
    }
  }

  private func paint(
    _ list: String, _ methods: [MethodChoice], _ engine: Engine
  ) async throws {
    let painting = DrawList(
      engine: engine, captions: try DrawList.captions(in: list), seed: seed, repeats: repeats ?? 1,
      methods: methods, folder: out ?? ".")
    try await watched { line, interruption in
      try await painting.run {
        line.show("picture \($0) of \($1)")
      } onJob: { job in
        interruption.onInterrupt { job.cancel() }
      }
    }
  }

  /// Runs `body` with a line of progress that is gone when it ends.
  private func watched<Result>(
    _ body: (inout ProgressLine, Interruption) async throws -> Result
  ) async throws -> Result {
    var line = ProgressLine()
    defer { line.clear() }
    return try await body(&line, Interruption())
  }

  /// The command line, as it can be typed again.
  private static var command: String {
    let words = CommandLine.arguments.dropFirst().map { $0.contains(" ") ? "'\($0)'" : $0 }
    return "paceline " + words.joined(separator: " ")
  }

  private func show(_ picture: Picture) throws {
    let facts = TerminalFacts()
    let screen = Console.outputIsTerminal ? Screen.outputSize : Size(width: 64, height: 1000)
    // One row stays for the shell's prompt.
    let area = Size(
      width: columns ?? min(64, screen.width),
      height: columns == nil ? max(1, screen.height - 1) : 1000)
    let size = PictureCells.fit(width: picture.width, height: picture.height, in: area)
    var options = PictureCells.Options()
    options.depth = Console.outputIsTerminal ? facts.colorDepth : .none
    let isPlain = options.depth == .none || !facts.isUnicode
    options.symbols = symbols ?? (isPlain ? .ascii : .quadrants)
    guard
      let cells = PictureCells(
        pixels: picture.pixels, width: picture.width, height: picture.height,
        columns: size.width, rows: size.height, options: options)
    else { throw InferenceError(.outOfMemory, "there is no memory for the characters") }
    for row in cells.lines(depth: options.depth) { try Console.write(row + "\n") }
  }
}

extension PictureCells.Symbols: ExpressibleByArgument {
  public static var allValueStrings: [String] { allCases.map { "\($0)" } }

  public init?(argument: String) {
    guard let found = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
    self = found
  }
}

/// What `draw --json` prints.
private struct DrawReport: Encodable {
  struct Step: Encodable {
    var label: String
    var milliseconds: Double
    var evaluations: Double
    var entropy: Double?
  }

  var description: String
  var seed: UInt64
  var methods: String
  var milliseconds: Double
  var preparationMilliseconds: Double
  var evaluations: Double
  var agreement: Double?
  var bytes: Int
  var cancelled: Bool
  var steps: [Step]

  init(_ report: PaintingReport) {
    description = report.request.description
    seed = report.request.seed
    methods = report.request.methodTitle
    milliseconds = report.seconds * 1000
    preparationMilliseconds = report.preparation * 1000
    evaluations = report.steps.last?.evaluations ?? 0
    agreement = report.agreement
    bytes = report.byteCount
    cancelled = report.isCancelled
    steps = zip(report.steps, report.costs).map { step, cost in
      Step(
        label: step.label, milliseconds: cost.seconds * 1000, evaluations: step.evaluations,
        entropy: step.entropy)
    }
  }
}
