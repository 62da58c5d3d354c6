import Inference
import Runtime
import Terminal

extension PlaygroundState {
  /// The settings in few columns: `T .80 k40 p.95 m.05`, then what else is on.
  package static func summary(of settings: SamplerSettings) -> String {
    var parts: [String] = []
    if settings.temperature == 0 {
      parts.append("greedy")
    } else {
      parts.append("T \(short(settings.temperature))")
      if settings.topK > 0 { parts.append("k\(settings.topK)") }
      if settings.topP < 1 { parts.append("p\(short(settings.topP))") }
      if settings.minP > 0 { parts.append("m\(short(settings.minP))") }
    }
    let named: Set<String> = ["temp", "top-k", "top-p", "min-p"]
    let other = SamplerSettings.knobs.filter { entry in
      !named.contains(entry.knob.id) && entry.knob.offValue != nil
        && !entry.knob.isOff(in: settings)
    }
    if other.count <= 2 {
      parts += other.map { "\($0.knob.id) \(short($0.knob.value(in: settings)))" }
    } else {
      parts.append("+\(other.count) knobs")
    }
    return parts.joined(separator: " ")
  }

  /// Two decimals without the leading zero: `.80`, `1.05`.
  static func short(_ value: Double) -> String {
    let text = number(value, decimals: 2)
    return text.hasPrefix("0.") ? String(text.dropFirst()) : text
  }

  /// How an answer was made, for the line under it.
  package func provenanceLine(of message: ChatMessage, width: Int? = nil) -> String? {
    guard message.role == .assistant else { return nil }
    guard let made = message.provenance else {
      return message.text.isEmpty ? nil : "edited by hand, or broken off"
    }
    var parts = [Self.summary(of: made.settings)]
    if let last = made.changes.last {
      let label = Self.difference(from: made.settings, to: last.settings)
      let first = made.changes[0].tokenIndex
      parts.append(
        made.changes.count == 1
          ? "-> \(label) at tok \(first)"
          : "-> \(label) by \(made.changes.count) changes at tok \(first) to \(last.tokenIndex)")
    }
    parts.append("seed \(made.settings.seed)")
    parts.append("\(made.tokens) tok")
    if !made.methods.isPlain {
      parts.append(made.methods.badge)
      if let tokens = made.tokensPerPass {
        parts.append("\(Self.number(tokens, decimals: 2)) tok/pass")
      }
    }
    if let speed = made.tokensPerSecond { parts.append("\(Self.number(speed, decimals: 1)) t/s") }
    let finish =
      switch made.finish {
      case .stop: "done"
      case .length: "cut at the limit"
      case .cancelled: "stopped"
      case .contextFull: "context full"
      }
    parts.append(finish)
    let line = parts.joined(separator: "  ")
    // The header above names the model as well; the line under the answer does where there is room.
    let full = "\(displayName(of: made))  \(line)"
    let room = (width ?? chat.transcript.width) - Transcript.indent
    if CharacterWidth.columns(full) <= room { return full }
    // Too long for one line: it breaks between two facts, never inside one.
    return parts.reduce(into: [String]()) { lines, part in
      if let last = lines.last,
        CharacterWidth.columns(last) + 2 + CharacterWidth.columns(part) <= room
      {
        lines[lines.count - 1] += "  " + part
      } else {
        lines.append(part)
      }
    }.joined(separator: "\n")
  }

  func valueText(of item: KnobItem) -> String {
    switch item {
    case .number(let index):
      let knob = SamplerSettings.knobs[index].knob
      return Self.number(knob.value(in: settings), decimals: knob.decimals)
    case .seed: return String(settings.seed)
    case .maximumTokens: return String(maximumTokens)
    case .order: return settings.order == SamplerStage.defaultOrder ? "default" : "changed"
    }
  }

  func rangeText(of item: KnobItem) -> String {
    switch item {
    case .number(let index):
      let knob = SamplerSettings.knobs[index].knob
      func short(_ value: Double) -> String {
        let text = Self.number(value, decimals: knob.decimals)
        guard text.contains(".") else { return text }
        var trimmed = Substring(text)
        while trimmed.last == "0" { trimmed.removeLast() }
        if trimmed.last == "." { trimmed.removeLast() }
        return String(trimmed)
      }
      return "\(short(knob.range.lowerBound))..\(short(knob.range.upperBound))"
    case .seed: return "0.."
    case .maximumTokens: return "1..65536"
    case .order: return ""
    }
  }

  /// Hours and minutes of the local day: `12:03`.
  func timeOfDay(_ wall: Double, seconds: Bool = false) -> String {
    guard wall.isFinite, wall.magnitude < 1e12 else { return "--:--" }
    let local = Int(wall) + utcOffset
    let second = ((local % 86_400) + 86_400) % 86_400
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let text = two(second / 3600) + ":" + two(second / 60 % 60)
    return seconds ? text + ":" + two(second % 60) : text
  }

  /// The time today, else how many days ago.
  func timeOrDay(_ wall: Double) -> String {
    guard wall.isFinite, wall.magnitude < 1e12 else { return "--:--" }
    let today = (Int(clock.wall) + utcOffset) / 86_400
    let day = (Int(wall) + utcOffset) / 86_400
    return day >= today ? timeOfDay(wall) : "\(min(9999, today - day))d ago"
  }

  /// What people call a model: its file's name without format and ending, else its own name.
  static func displayName(of summary: ModelSummary) -> String {
    ModelSummary.name(ofFile: summary.path, format: summary.format) ?? summary.name
  }

  /// The name of the model that an answer came from.
  func displayName(of made: Provenance) -> String {
    guard let summary = model.summary, summary.name == made.model else { return made.model }
    return Self.displayName(of: summary)
  }

  /// The model's name and format, as short as the title bar needs.
  var modelLabel: String {
    switch model {
    case .none: return "no model"
    case .loading(let path, let fraction):
      let name = path.split(separator: "/").last.map(String.init) ?? path
      return "loading \(name) \(Int(min(1, max(0, fraction)) * 100))%"
    case .ready(let summary): return "\(Self.displayName(of: summary)) \(summary.format)"
    case .failed: return "no model"
    }
  }

  /// Who answers, for the header of an answer.
  func speaker(of message: ChatMessage) -> String {
    switch message.role {
    case .user: "you"
    case .system: "system"
    case .assistant:
      message.provenance.map { displayName(of: $0) } ?? model.summary.map(Self.displayName)
        ?? "model"
    }
  }

  var contextFraction: Double? {
    guard let used = chat.contextTokens, let capacity = model.summary?.contextLength, capacity > 0
    else { return nil }
    return Double(used) / Double(capacity)
  }

  /// Whether the context is nearly full.
  var contextIsScarce: Bool { (contextFraction ?? 0) >= 0.8 }

  /// Tokens per second of the answer that runs, or of the last one.
  var speedText: String? {
    profile.averageSpeed.map { "\(Self.number($0, decimals: 1)) t/s" }
  }
}

/// A byte count in at most five columns, in the decimal units of `formatBytes`: `1.40G`, `38.2M`.
package func byteText(_ bytes: Int) -> String {
  let units: [(Double, String)] = [(1e9, "G"), (1e6, "M"), (1e3, "k")]
  for (size, unit) in units where Double(bytes) >= size {
    let value = Double(bytes) / size
    return PlaygroundState.number(value, decimals: value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + unit
  }
  return "\(max(0, bytes))B"
}
