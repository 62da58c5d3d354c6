import ArgumentParser
import Inference
import Runtime

/// Runs a saved session again and compares every token.
struct ReplaySession: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Run a session again; status 7 where a token differs.",
    usage: "paceline replay [--model <model>] [<options>] <file>")

  @OptionGroup var options: ModelOptions

  @Argument(
    help: "A session file, or the id of a session.", completion: .file(extensions: ["jsonl"]))
  var file: String

  @Option(help: ArgumentHelp("Folder of the sessions.", valueName: "dir"), completion: .directory)
  var sessions: String?

  func run() async throws {
    let paths = try PacelinePaths()
    let store = SessionStore(folder: sessions ?? paths.sessions)
    let session = try SessionReader.read(store.path(of: file))
    let interruption = Interruption()
    interruption.onInterrupt(nil)
    let engine = Engine.standard(threads: options.threads)
    let model = try options.model.map { _ throws(InferenceError) in try options.path() }
    var line = ProgressLine()
    let outcome: ReplayOutcome
    do {
      outcome = try await Replay(
        engine: engine, hashes: ModelHash(file: paths.hashes), modelPath: model,
        modelFolder: paths.models
      ).run(session) { number, count in line.show("answer \(number) of \(count)") }
    } catch {
      line.clear()
      throw error
    }
    line.clear()
    for note in outcome.notes { Console.note("note: \(note)") }
    if let divergence = outcome.divergence {
      try Console.print("diverged: \(divergence)")
      throw ExitStatus.diverged
    }
    try Console.print("same: \(outcome.answers) answers, \(outcome.tokens) tokens")
  }
}
