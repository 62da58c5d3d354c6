import Terminal

/// Where a key means a command.
package enum Scope: String, Sendable, CaseIterable {
  /// With any focus, also while typing.
  case anywhere
  /// While typing; these keys are the prompt's own and stand here to be found.
  case prompt
  /// While not typing, in any pane.
  case normal
  case chat, profile, knobs, pictures, sessions, methods
  /// While the race screen is shown.
  case race

  package var title: String {
    switch self {
    case .anywhere: "anywhere, also while typing"
    case .prompt: "prompt (INS)"
    case .normal: "normal mode (Esc)"
    case .chat: "chat pane"
    case .profile: "profile pane"
    case .knobs: "knobs pane"
    case .pictures: "pictures pane"
    case .sessions: "sessions pane"
    case .methods: "methods pane"
    case .race: "race screen"
    }
  }

  package init(pane: PaneID) {
    self =
      switch pane {
      case .chat: .chat
      case .profile: .profile
      case .knobs: .knobs
      case .pictures: .pictures
      case .sessions: .sessions
      case .methods: .methods
      }
  }
}

/// One row of the command table: what help, palette, hints and key dispatch derive from.
package struct Command: Sendable {
  package struct Binding: Sendable, Hashable {
    package var scope: Scope
    package var key: Key
  }

  /// What the palette, `/name` and scripts call it.
  package let name: String
  package let bindings: [Binding]
  /// Under which heading help lists it.
  package let scope: Scope
  package let summary: String
  /// What follows the name in the palette, such as `TEXT`; nil where nothing does.
  package let argument: String?
  /// A word for the hints line, and its place, the smallest first; nil keeps it off the line.
  package let hint: Hint?
  /// Why it cannot run now; nil when it can.
  package let disabledReason: @Sendable (PlaygroundState) -> String?
  package let run: @Sendable (inout PlaygroundState, String) -> [Effect]

  package struct Hint: Sendable, Equatable {
    package var label: String
    package var rank: Int
  }

  /// - Parameter keys: names of keys, such as `F5 {`; a key that acts in another scope than `scope` is written
  ///   `normal:?`.
  package init(
    _ name: String, _ keys: String = "", in scope: Scope, _ summary: String,
    argument: String? = nil, hint: (String, Int)? = nil,
    unless disabledReason: @escaping @Sendable (PlaygroundState) -> String? = { _ in nil },
    run: @escaping @Sendable (inout PlaygroundState, String) -> [Effect]
  ) {
    self.name = name
    self.scope = scope
    self.summary = summary
    self.argument = argument
    self.hint = hint.map { Hint(label: $0.0, rank: $0.1) }
    self.disabledReason = disabledReason
    self.run = run
    bindings = keys.split(separator: " ").compactMap { Self.binding(String($0), in: scope) }
    precondition(
      bindings.count == keys.split(separator: " ").count, "key name of \(name) is not known")
  }

  private static func binding(_ text: String, in scope: Scope) -> Binding? {
    for other in Scope.allCases where text.hasPrefix(other.rawValue + ":") {
      return Key(name: String(text.dropFirst(other.rawValue.count + 1))).map {
        Binding(scope: other, key: $0)
      }
    }
    return Key(name: text).map { Binding(scope: scope, key: $0) }
  }

  /// The keys as help shows them: `F5 {`.
  package var keyText: String {
    bindings.map { Self.label($0.key) }.reduce(into: [String]()) { keys, key in
      if !keys.contains(key) { keys.append(key) }
    }.joined(separator: " ")
  }

  /// A key as people write it: `Enter`, `C-c`, `M-x`.
  package static func label(_ key: Key) -> String {
    let special: [Key: String] = [
      .enter: "Enter", .tab: "Tab", .backtab: "S-Tab", .escape: "Esc", .up: "Up", .down: "Down",
      .left: "Left", .right: "Right", .pageUp: "PgUp", .pageDown: "PgDn", .home: "Home",
      .end: "End",
      .character(" "): "Space", .alt(.enter): "M-Enter",
    ]
    return special[key] ?? key.name
  }
}

/// The command table.
package enum Commands {
  package static let all: [Command] =
    general + [paint] + prompt + normal + movement + named + chat + [tint] + profile + knobs
    + pictures
    + sessions
    + methods
    + race

  /// The command that a key means in a scope.
  package static func command(for key: Key, in scope: Scope) -> Command? {
    index[Command.Binding(scope: scope, key: key)].map { all[$0] }
  }

  package static func named(_ name: String) -> Command? {
    names[name.lowercased()].map { all[$0] }
  }

  /// Commands whose name, key or summary holds every word of `query`; the best match first.
  package static func matching(_ query: String) -> [Command] {
    let words = query.lowercased().split(separator: " ")
    guard !words.isEmpty else { return all }
    let found = all.filter { command in
      let text = "\(command.name) \(command.summary) \(command.keyText)".lowercased()
      return words.allSatisfy { text.contains($0) }
    }
    let first = String(words[0])
    // A name that begins with the word, one that holds it, then what only its summary names.
    func rank(_ command: Command) -> Int {
      command.name.hasPrefix(first) ? 0 : command.name.contains(first) ? 1 : 2
    }
    return (0...2).flatMap { place in found.filter { rank($0) == place } }
  }

  /// Names that start with `prefix`, for completion in the prompt.
  package static func completions(of prefix: String) -> [String] {
    all.map(\.name).filter { $0.hasPrefix(prefix.lowercased()) }.sorted()
  }

  /// The names that a mistyped one may mean, at most three: those that it begins, and those that are a slip away.
  package static func near(_ name: String) -> [String] {
    let name = name.lowercased()
    if ["exit", "bye"].contains(name) { return ["quit"] }
    let begun = name.count > 1 ? completions(of: name) : []
    let slips = all.map(\.name).filter { !begun.contains($0) && isSlip(name, of: $0) }
    return Array((begun + slips).prefix(3))
  }

  /// Whether one letter is wrong, missing, too many, or has changed places with the next.
  private static func isSlip(_ name: String, of other: String) -> Bool {
    let (name, other) = (Array(name), Array(other))
    let head = zip(name, other).prefix { $0 == $1 }.count
    let (rest, meant) = (name.dropFirst(head), other.dropFirst(head))
    // Of short names every other one is a slip away.
    guard name.count > 2, head > 0 || rest.count == meant.count else { return false }
    let isSwap = rest.prefix(2).elementsEqual(meant.prefix(2).reversed())
    return rest.dropFirst().elementsEqual(meant.dropFirst())
      || rest.dropFirst().elementsEqual(meant) || rest.elementsEqual(meant.dropFirst())
      || isSwap && rest.dropFirst(2).elementsEqual(meant.dropFirst(2))
  }

  private static let index: [Command.Binding: Int] = {
    var index: [Command.Binding: Int] = [:]
    for (number, command) in all.enumerated() {
      for binding in command.bindings where index[binding] == nil { index[binding] = number }
    }
    return index
  }()

  private static let names: [String: Int] = {
    var names: [String: Int] = [:]
    for (number, command) in all.enumerated() where names[command.name] == nil {
      names[command.name] = number
    }
    return names
  }()
}

extension PlaygroundState {
  /// Runs a command, or says why it cannot run.
  package mutating func run(_ command: Command, _ argument: String = "") -> [Effect] {
    if let reason = command.disabledReason(self) {
      return say(.info, "\(command.name): \(reason)")
    }
    return command.run(&self, argument)
  }

  /// Runs `name argument`, as typed after `/` or `:`.
  mutating func runCommandLine(_ line: String) -> [Effect] {
    let line = line.trimmed
    let name = line.prefix { $0 != " " }
    guard !name.isEmpty else { return [] }
    let argument = String(line.dropFirst(name.count)).trimmed
    if let command = Commands.named(String(name)) {
      guard argument.isEmpty || command.argument != nil else {
        return say(.warning, "\(command.name) takes nothing after it: '\(argument)' was not used")
      }
      return run(command, argument)
    }
    if let item = KnobItem.named(String(name)) {
      return argument.isEmpty
        ? say(.warning, "\(item.id) is a knob: \(item.example) sets it")
        : set(item.id, to: argument)
    }
    let near = Commands.near(String(name)).joined(separator: ", ")
    return say(
      .warning,
      near.isEmpty
        ? "no command '\(name)': F1 lists them" : "no command '\(name)': perhaps \(near)")
  }
}
