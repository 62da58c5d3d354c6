import ArgumentParser

/// Help on a command.
///
/// The parser's own takes a word that is no command for none at all.
struct Help: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show help on a command.", shouldDisplay: false)

  @Argument(help: "The command, such as: models get")
  var command: [String] = []

  func run() throws {
    var type: any ParsableCommand.Type = Paceline.self
    for name in command {
      let commands = type.configuration.subcommands
      guard let next = commands.first(where: { $0._commandName == name }) else {
        throw ValidationError("there is no command '\(command.joined(separator: " "))'")
      }
      type = next
    }
    throw CleanExit.helpRequest(type)
  }
}
