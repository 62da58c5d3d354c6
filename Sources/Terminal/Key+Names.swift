/// Key names as in help, configuration and key scripts: `F5`, `C-c`, `M-x`, `<enter>`, `S-<up>`.
extension Key: CustomStringConvertible {
  private static let named: [(String, Key)] = [
    ("enter", .enter), ("tab", .tab), ("backtab", .backtab), ("esc", .escape),
    ("backspace", .backspace), ("up", .up), ("down", .down), ("left", .left), ("right", .right),
    ("home", .home), ("end", .end), ("pageup", .pageUp), ("pagedown", .pageDown),
    ("insert", .insert), ("delete", .delete), ("space", .character(" ")), ("lt", .character("<")),
    ("resize", .resize), ("eof", .eof),
  ]

  private static let otherNames: [String: Key] = [
    "return": .enter, "cr": .enter, "escape": .escape, "bs": .backspace, "pgup": .pageUp,
    "pgdn": .pageDown, "ins": .insert, "del": .delete,
  ]

  /// The name, which `init(name:)` reads back; a paste or mouse event only describes itself.
  package var description: String { name }

  package var name: String {
    if let entry = Key.named.first(where: { $0.1 == self }) { return "<\(entry.0)>" }
    return switch self {
    case .character(let character): String(character)
    case .function(let number): "F\(number)"
    case .control(let character): "C-" + (character == " " ? "<space>" : String(character))
    case .alt(let key): "M-" + key.name
    case .modified(let modifier, let key): modifier.rawValue + "-" + key.name
    case .paste(let text): "<paste \(text.count)>"
    case .mouse(let event): "<mouse \(event.action) \(event.position.x),\(event.position.y)>"
    case .focus(let isFocused): isFocused ? "<focus>" : "<blur>"
    default: "<key>"
    }
  }

  /// Reads one key name; nil if it is none.
  package init?(name: String) {
    if name.count == 1, let character = name.first {
      self = .character(character)
    } else if name.hasPrefix("<"), name.hasSuffix(">"), name.count > 2 {
      let inner = String(name.dropFirst().dropLast())
      guard let key = Key.bracketed(inner) else { return nil }
      self = key
    } else if let key = Key.bare(name) {
      self = key
    } else {
      return nil
    }
  }

  /// Reads a key script such as `hi<enter><C-c><F5>`: plain characters, names in angle brackets.
  ///
  /// A `<` that starts no name stands for itself. Nil when a bracketed name is unknown.
  package static func script(_ text: String) -> [Key]? {
    var keys: [Key] = []
    var rest = Substring(text)
    while let first = rest.first {
      if first == "<", let close = rest.dropFirst().firstIndex(of: ">"),
        rest.index(after: rest.startIndex) < close
      {
        let inner = String(rest[rest.index(after: rest.startIndex)..<close])
        if inner.contains(" ") || inner.contains("<") {
          keys.append(.character(first))
          rest = rest.dropFirst()
          continue
        }
        guard let key = bracketed(inner) else { return nil }
        keys.append(key)
        rest = rest[rest.index(after: close)...]
      } else {
        keys.append(first == "\n" ? .enter : first == "\t" ? .tab : .character(first))
        rest = rest.dropFirst()
      }
    }
    return keys
  }

  private static func bracketed(_ inner: String) -> Key? {
    let lower = inner.lowercased()
    if let entry = named.first(where: { $0.0 == lower }) { return entry.1 }
    return otherNames[lower] ?? bare(inner)
  }

  /// A name with prefixes or a function key: `C-c`, `M-<enter>`, `M-enter`, `S-up`, `F12`.
  private static func bare(_ name: String) -> Key? {
    if name.hasPrefix("F"), let number = Int(name.dropFirst()), (1...35).contains(number) {
      return .function(number)
    }
    if let rest = name.dropping("M-"), let key = inner(rest) { return .alt(key) }
    for modifier in [Modifier.shiftControl, .control, .shift] {
      guard let rest = name.dropping(modifier.rawValue + "-"), let key = inner(rest) else {
        continue
      }
      return combine(modifier, key)
    }
    return nil
  }

  private static func inner(_ rest: String) -> Key? {
    Key(name: rest) ?? bracketed(rest)
  }

  private static func combine(_ modifier: Modifier, _ key: Key) -> Key? {
    switch (modifier, key) {
    case (.control, .character(let character)):
      guard let lower = character.lowercased().first, lower.isASCII else { return nil }
      switch lower {
      case "i": return .tab
      case "m": return .enter
      case "[": return .escape
      default: return .control(lower)
      }
    case (_, .character): return nil
    case (.shift, .tab): return .backtab
    default: return .modified(modifier, key)
    }
  }
}

extension String {
  /// The rest after a prefix; nil without it or when nothing follows.
  fileprivate func dropping(_ prefix: String) -> String? {
    guard hasPrefix(prefix), count > prefix.count else { return nil }
    return String(dropFirst(prefix.count))
  }
}
