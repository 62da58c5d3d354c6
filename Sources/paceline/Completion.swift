import ArgumentParser

/// Scripts that complete the command line in a shell.
struct Completion: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a completion script for bash, zsh or fish.",
    discussion: "For bash: source <(paceline completion bash)")

  enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

  @Argument(help: "bash, zsh or fish.")
  var shell: Shell

  func run() throws {
    let kind: CompletionShell =
      switch shell {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    try Console.print(Paceline.completionScript(for: kind))
  }
}
