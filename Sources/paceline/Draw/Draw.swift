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
    usage: "paceline draw <words> [<options>]",
    discussion: """
      A terminal shows the picture in characters; --out writes a PNG that holds
      words, seed and methods too. `methods --pictures` lists what paints.
      """)

  @Argument(help: "What to paint, such as: a red heart")
  var words: [String]

  @Option(help: ArgumentHelp("Seed of the random numbers.", valueName: "n"))
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

  @Option(help: ArgumentHelp("Pictures of each way with --against.", valueName: "n"))
  var repeats = 5

  @Option(help: ArgumentHelp("Columns of the picture in characters.", valueName: "n"))
  var columns: Int?

  @Option(
    help: ArgumentHelp(
      "Characters to use: \(PictureCells.Symbols.allCases.map { "\($0)" }.joined(separator: ", ")).",
      valueName: "kind"))
  var symbols: PictureCells.Symbols?

  @Option(help: ArgumentHelp("Threads that compute; default: all processors.", valueName: "n"))
  var threads: Int?

  @Flag(help: "With --against: print a section of BENCHMARKS.md.")
  var markdown = false

  @Flag(help: "Print one JSON object with steps, times and settings.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads takes a number from 1") }
    if repeats < 1 { throw ValidationError("--repeats takes a number from 1") }
    if against != nil, out != nil { throw ValidationError("--against measures and writes no file") }
    if let columns, !(2...500).contains(columns) {
      throw ValidationError("--columns takes a number from 2 to 500")
    }
  }

  func run() async throws {
    var request = PaintingRequest(description: words.joined(separator: " "), seed: seed)
    for text in method { request.methods.append(try MethodCatalog.painting.choice(text)) }
    let engine = Engine.standard(threads: threads)
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
    let interruption = Interruption()
    var line = ProgressLine()
    let race = DrawRace(
      engine: engine, words: request.description, seed: seed, method: request.methods,
      against: against, repeats: repeats)
    let report = try await race.run {
      line.show($0 == 0 ? "warming up" : "pair \($0) of \(repeats)")
    } onJob: { job in
      interruption.onInterrupt { job.cancel() }
    }
    line.clear()
    if json { return try Console.printJSON(report) }
    if markdown {
      let words = CommandLine.arguments.dropFirst().map { $0.contains(" ") ? "'\($0)'" : $0 }
      return try Console.print(report.markdown(command: "paceline " + words.joined(separator: " ")))
    }
    for text in report.lines { try Console.print(text) }
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
    bytes = report.byteCount
    cancelled = report.isCancelled
    steps = zip(report.steps, report.costs).map { step, cost in
      Step(
        label: step.label, milliseconds: cost.seconds * 1000, evaluations: step.evaluations,
        entropy: step.entropy)
    }
  }
}
