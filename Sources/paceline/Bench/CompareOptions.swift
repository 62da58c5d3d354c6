import ArgumentParser

/// How llama.cpp is compared with.
struct CompareOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Compare with llama.cpp's programs in this folder.", valueName: "folder"),
    completion: .directory)
  var against: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Rounds of a comparison.", valueName: "n"))
  var rounds = 5

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Seed of the order within rounds; default: the time.", valueName: "n"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("Repeat a cell where others used more of a core.", valueName: "percent"))
  var maxLoad = 2.0

  @Option(
    help: ArgumentHelp("Repeat a cell where the host took more of a core.", valueName: "percent"))
  var maxSteal = 1.0

  @Option(
    help: ArgumentHelp("Repeat a cell where a core's speed changed more.", valueName: "percent"))
  var maxDrift = 10.0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Times that a cell is repeated at most.", valueName: "n"))
  var retries = 3

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Seconds after which a cell is given up.", valueName: "n"))
  var cellLimit = 600

  @Option(
    help: ArgumentHelp("A table of ratios to reach, in JSON.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var targets: String?

  @Option(
    help: ArgumentHelp(
      "Text of the perplexity row; default: the test suite's, where it is.", valueName: "file"),
    completion: .file())
  var qualityText: String?

  @Option(
    help: ArgumentHelp("Also write the comparison as Markdown.", valueName: "file"),
    completion: .file(extensions: ["md"]))
  var markdown: String?

  func validate() throws {
    guard rounds >= 1, rounds <= 1000 else {
      throw ValidationError("--rounds takes a number from 1 to 1000")
    }
    guard (1...86_400).contains(cellLimit) else {
      throw ValidationError("--cell-limit takes a number from 1 to 86400")
    }
    guard retries >= 0, retries <= 100 else {
      throw ValidationError("--retries takes a number from 0 to 100")
    }
    guard maxLoad >= 0, maxSteal >= 0, maxDrift >= 0 else {
      throw ValidationError("--max-load, --max-steal and --max-drift take no negative number")
    }
    guard against != nil || (targets == nil && qualityText == nil && markdown == nil) else {
      throw ValidationError("--targets, --quality-text and --markdown go with --against")
    }
  }

  var cellGuard: CellGuard {
    CellGuard(load: maxLoad / 100, steal: maxSteal / 100, drift: maxDrift / 100, retries: retries)
  }

  /// The limits in words.
  var limits: String {
    "other programs used more than \(fixed(maxLoad, 1)) % of a core, the host took more than "
      + "\(fixed(maxSteal, 1)) %, or a core's speed changed by more than \(fixed(maxDrift, 1)) %; "
      + "at most \(retries) times"
  }
}
