import Inference

extension PlaygroundState {
  /// Does `/set KNOB VALUE`, or `KNOB=VALUE`.
  mutating func set(_ argument: String) -> [Effect] {
    let parts = argument.split(maxSplits: 1) { $0 == " " || $0 == "=" }
    guard let name = parts.first.map(String.init) else {
      return say(.warning, "name a knob and its value, such as: /set temp 1.2")
    }
    return set(name, to: parts.count > 1 ? String(parts[1]) : "")
  }

  /// Sets a knob by its name, by the rules of the command line's `--set`; says why where it does not.
  mutating func set(_ name: String, to text: String) -> [Effect] {
    let (item, text) = (KnobItem.named(name), text.trimmed)
    // The list shows the knob that is picked, and so what became of it.
    if let index = KnobItem.all.firstIndex(where: { $0 == item }) { knobs.selected = index }
    if let item, text.isEmpty {
      return say(.warning, "\(item.id) needs a value, such as: \(item.example)")
    }
    if item == .maximumTokens { return setMaximumTokens(text) }
    var changed = settings
    do throws(InferenceError) {
      try changed.set(name, to: text)
    } catch {
      return say(.warning, error.message)
    }
    return apply(changed, item: item)
  }

  private mutating func setMaximumTokens(_ text: String) -> [Effect] {
    let range = Self.maximumTokensRange
    guard let value = Int(text), range.contains(value) else {
      return say(
        .warning,
        "max-tokens \(text): a whole number from \(range.lowerBound) to \(range.upperBound) is wanted"
      )
    }
    maximumTokens = value
    return []
  }
}

extension KnobItem {
  /// How it is set by a command.
  var example: String {
    switch self {
    case .number(let index):
      let knob = SamplerSettings.knobs[index].knob
      return "/set \(id) \(Decimals.plain(knob.defaultValue, knob.decimals))"
    case .seed: return "/set seed 7"
    case .maximumTokens: return "/set max-tokens 200"
    case .order: return "/set order top-k,temp"
    }
  }
}
