/// Why there can be no full screen; the caller goes on in line mode.
package enum ScreenError: Error, Hashable, Sendable {
  /// Standard output is no terminal.
  case noTerminal

  /// TERM is unset, `dumb`, or names a terminal that cannot place its cursor.
  case dumbTerminal(name: String)

  /// Terminfo does not know the name in TERM.
  case unknownTerminal(name: String)

  /// The terminal refused; `reason` is the system's own word.
  case unusable(reason: String)

  /// One line for a person.
  package var message: String {
    switch self {
    case .noTerminal: "standard output is no terminal, so there is no full screen"
    case .dumbTerminal(let name):
      name.isEmpty
        ? "TERM is not set, so there is no full screen"
        : "terminal type '\(VisibleText.sanitize(name))' cannot show a full screen"
    case .unknownTerminal(let name):
      "unknown terminal type '\(VisibleText.sanitize(name))': set TERM, or use --plain"
    case .unusable(let reason): "the terminal cannot be used: \(reason)"
    }
  }
}
