import ArgumentParser
import Foundation
import Inference

/// The command line: the playground by default, and a subcommand for each thing that scripts want.
struct Paceline: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "paceline",
    abstract: "A terminal playground for language and picture models on the processor.",
    discussion: """
      Without a subcommand it opens the playground. The default model comes with
      `paceline models get smollm2`.
      """,
    version: Version.text,
    subcommands: [
      Play.self, Ask.self, Draw.self, RaceCommand.self, MethodsCommand.self, ModelsCommand.self,
      Tokenize.self,
      MeasurePerplexity.self, Bench.self,
      ReplaySession.self, Doctor.self, Paths.self, Completion.self, Ready.self, Help.self,
    ],
    defaultSubcommand: Play.self)
}

enum Version {
  static let text = "0.1.0"
}

@main
enum Main {
  static func main() async {
    Console.prepare()
    do {
      var command = try Paceline.parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      end(with: error)
    }
  }

  /// Says what went wrong and leaves with the status for it.
  private static func end(with error: any Error) -> Never {
    switch error {
    case OutputError.closed:
      leave(.success)
    case OutputError.failed(let reason):
      Console.complain("standard output: \(reason)")
      leave(.failure)
    case let status as ExitStatus:
      leave(status)
    case let error as InferenceError:
      if error.code != .cancelled { Console.complain(error.message) }
      leave(ExitStatus(error.code))
    default:
      let isRequest = Paceline.exitCode(for: error) == .success
      let text = Paceline.fullMessage(for: error, columns: Console.helpColumns)
      if isRequest {
        do { try Console.print(text) } catch { end(with: error) }
        leave(.success)
      }
      Console.note(text)
      // The parser's own status is 64; every failure that it words is one of usage.
      leave(.usage)
    }
  }

  private static func leave(_ status: ExitStatus) -> Never { exit(status.rawValue) }
}
