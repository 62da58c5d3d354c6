import Runtime
import Terminal

/// The first row: model, session and the context meter in exact tokens.
enum TitleBar {
  static func draw(_ state: PlaygroundState, in row: Rect, on frame: inout Frame) {
    guard !row.isEmpty else { return }
    let meter = meterText(state)
    let gauge = row.width >= 76 && state.contextFraction != nil ? (row.width >= 170 ? 22 : 12) : 0
    let percent = state.contextFraction.map { " \(Int((min(9.99, $0) * 100).rounded()))%" } ?? ""
    let tail = meter + (gauge > 0 ? " " + String(repeating: " ", count: gauge) : "") + percent
    let warning = state.contextIsScarce ? " !" : ""
    let style = Style(state.contextIsScarce ? .warning : .text)
    let right = CharacterWidth.columns(tail + warning)
    let start = row.right - right - 1
    var x = row.x + 1
    x += frame.write(
      "paceline", at: Point(x: x, y: row.y), style: Style(.title), width: row.width - 1)
    let separator = row.width >= 110 ? "   " : " | "
    for wordings in parts(state, width: row.width) {
      let room = start - 2 - x - CharacterWidth.columns(separator)
      guard room > 4, let last = wordings.last else { break }
      let part = wordings.first { CharacterWidth.columns($0) <= room } ?? last
      frame.write(separator, at: Point(x: x, y: row.y), style: Style(.border))
      x += CharacterWidth.columns(separator)
      x += frame.write(part, at: Point(x: x, y: row.y), width: room, ellipsis: true)
    }
    guard start > x else { return }
    frame.write(meter, at: Point(x: start, y: row.y), style: style)
    if gauge > 0, let fraction = state.contextFraction {
      Gauge(fraction, style: Style(state.contextIsScarce ? .warning : .gauge)).draw(
        in: Rect(x: start + CharacterWidth.columns(meter) + 1, y: row.y, width: gauge, height: 1),
        on: &frame)
    }
    let end = start + CharacterWidth.columns(tail) - CharacterWidth.columns(percent)
    frame.write(percent + warning, at: Point(x: end, y: row.y), style: style)
  }

  private static func meterText(_ state: PlaygroundState) -> String {
    guard let capacity = state.model.summary?.contextLength else { return "" }
    return "ctx " + (state.chat.contextTokens.map(String.init) ?? "0") + "/\(capacity)"
  }

  /// What the bar names, each with its wordings from the longest to the shortest.
  private static func parts(_ state: PlaygroundState, width: Int) -> [[String]] {
    let title = state.session.title ?? "new session"
    let badge = state.methods.selection.badge
    let short = state.methods.selection.shortBadge
    let isLost = state.session.failure != nil
    guard width >= 110 else {
      let label = state.modelLabel + (short.isEmpty ? "" : " " + short)
      if isLost { return [[label], ["NOT SAVED"]] }
      return [[label]] + (width >= 60 ? [[title, title.headline(18)]] : [])
    }
    var parts = [[state.modelLabel]]
    if !badge.isEmpty { parts.append(width >= 170 ? [badge, short] : [short]) }
    if let summary = state.model.summary {
      parts.append(["\(summary.instructionSet) \(summary.threads)t"])
    }
    let time = state.session.savedAt.map { "saved \(state.timeOfDay($0, seconds: true))" }
    let saved = isLost ? "NOT SAVED" : time
    if let saved {
      parts.append([
        "session \(title) (\(saved))", "\(title.headline(24)) (\(saved))",
        "\(title.headline(14)) (\(saved))",
        title,
      ])
    } else {
      parts.append([state.session.title == nil ? title : "session \(title)", title])
    }
    if width >= 170, let memory = state.profile.memory {
      parts.append(["\(byteText(memory.resident)) rss"])
    }
    return parts
  }
}

/// The rows under the prompt: what keys do now, and what happened.
enum StatusLine {
  static func draw(_ state: PlaygroundState, _ layout: Layout, on frame: inout Frame) {
    if layout.status.isEmpty {
      // One row for both: a notice stands until the next key.
      if let notice = state.notice {
        write(notice, in: layout.hints, on: &frame)
      } else {
        drawHints(state, in: layout.hints, on: &frame)
      }
      return
    }
    drawHints(state, in: layout.hints, on: &frame)
    let right = "C-l redraw  \(state.mode == .insert ? "C-d" : "q") quit"
    let room = layout.status.splitRight(CharacterWidth.columns(right) + 3)
    frame.write(right, rightAlignedIn: room.right.splitRight(1).rest, style: Style(.hint))
    if let notice = state.notice {
      write(notice, in: room.rest, on: &frame)
    } else {
      frame.write(
        facts(state), at: Point(x: room.rest.x + 1, y: room.rest.y), style: Style(.dim),
        width: max(0, room.rest.width - 1), ellipsis: true)
    }
  }

  private static func write(_ notice: Notice, in row: Rect, on frame: inout Frame) {
    let role: Role =
      switch notice.level {
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
    let prefix = notice.level == .info ? "" : "\(notice.level.rawValue): "
    frame.write(
      prefix + notice.text, at: Point(x: row.x + 1, y: row.y), style: Style(role),
      width: max(0, row.width - 2), ellipsis: true)
  }

  /// What is going on, where there is nothing to report.
  private static func facts(_ state: PlaygroundState) -> String {
    var facts: [String] = []
    if !state.chat.queue.isEmpty {
      facts.append("queued: \(counted(state.chat.queue.count, "message"))")
    }
    if let running = state.running {
      facts.append(running.isHeld ? "engine: held" : "engine: \(engineWord(running))")
    } else if state.methods.race?.isRunning == true {
      facts.append("engine: racing")
    } else if state.pictures.isPainting {
      facts.append("engine: painting")
    } else if state.model.summary != nil {
      facts.append("engine: idle")
    }
    let problems = state.log.filter { $0.level != .info }.count
    if problems > 0 { facts.append("log: \(counted(problems, "warning")) (:log)") }
    return facts.joined(separator: "   ")
  }

  private static func engineWord(_ running: RunningAnswer) -> String {
    if running.stoppingSince != nil { return "stopping" }
    return switch running.phase {
    case .waiting: "waiting"
    case .reading: "reading the prompt"
    case .generating: "generating"
    }
  }

  /// One line for the single-pane layout: mode, speed, context, picked knob.
  static func drawCompact(_ state: PlaygroundState, in row: Rect, on frame: inout Frame) {
    frame.fill(row, with: frame.glyphs.border.horizontal, style: Style(.border))
    if let notice = state.notice {
      frame.fill(row)
      write(notice, in: row, on: &frame)
      return
    }
    var parts = [state.mode == .insert ? "INS" : "NORMAL"]
    if let speed = state.speedText { parts.append(speed) }
    if let fraction = state.contextFraction {
      parts.append("ctx \(Int((min(9.99, fraction) * 100).rounded()))%")
    }
    parts.append("\(state.pickedKnob.id) \(state.valueText(of: state.pickedKnob))")
    if !state.chat.queue.isEmpty { parts.append("queued \(state.chat.queue.count)") }
    let right = state.mode == .insert ? "F1 help" : "? help  q quit"
    frame.write(
      " " + parts.joined(separator: "  ") + " ", at: Point(x: row.x + 1, y: row.y),
      style: Style(.dim),
      width: max(0, row.width - 2))
    let used = parts.joined(separator: "  ").count + 4
    if used + right.count + 4 <= row.width {
      frame.write(
        " \(right) ", at: Point(x: row.right - right.count - 3, y: row.y), style: Style(.hint))
    }
  }

  /// Keys with their words, from the command table.
  static func drawHints(_ state: PlaygroundState, in row: Rect, on frame: inout Frame) {
    var x = row.x + 1
    for hint in hints(state) {
      let columns = CharacterWidth.columns(hint.keys) + 1 + CharacterWidth.columns(hint.label)
      guard x + columns < row.right else { break }
      x += frame.write(hint.keys, at: Point(x: x, y: row.y), style: Style(.key))
      x += 1
      x += frame.write(hint.label, at: Point(x: x, y: row.y), style: Style(.hint))
      x += 2
    }
  }

  /// The hints that apply now, the most useful first; commands with one word share it.
  static func hints(_ state: PlaygroundState) -> [(keys: String, label: String)] {
    switch state.overlays.last {
    case .help, .palette, .models, .recent:
      return [
        ("Up/Down", "choose"), ("Enter", "takes it"), ("Esc", "closes"),
        ("C-u", "clears the filter"),
      ]
    case .dialog(let dialog): return dialog.choices.map { (String($0.key), $0.label) }
    case .inspector:
      return [("j/k", "scroll"), ("i", "ids or text"), ("y", "copy"), ("Esc", "closes")]
    case .log: return [("j/k", "scroll"), ("Esc", "closes")]
    case .race: return hints([.race, .anywhere], state)
    case .picture: return [("z/q/Esc", "back to the panes"), ("C-d", "quit")]
    case .input, nil: break
    }
    let scopes: [Scope] =
      state.mode == .insert
      ? [.prompt, .anywhere] : [Scope(pane: state.focus), .normal, .anywhere]
    return hints(scopes, state)
  }

  private static func hints(
    _ scopes: [Scope], _ state: PlaygroundState
  ) -> [(keys: String, label: String)] {
    var groups: [(label: String, rank: Int, keys: [String])] = []
    for (place, scope) in scopes.enumerated() {
      for command in Commands.all where command.scope == scope {
        guard let hint = command.hint, let key = shownKey(of: command, state) else { continue }
        let rank = hint.rank + (state.mode == .normal && place == 0 ? -10 : 0)
        if let index = groups.firstIndex(where: { $0.label == hint.label }) {
          // A pane may do by a key what it does elsewhere, in its own way.
          if !groups[index].keys.contains(key) { groups[index].keys.append(key) }
        } else {
          groups.append((hint.label, rank, [key]))
        }
      }
    }
    let sorted = groups.enumerated().sorted {
      ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset)
    }
    return sorted.map { _, group in
      let keys =
        group.keys.count > 2
        ? "\(group.keys[0])..\(group.keys[group.keys.count - 1])"
        : group.keys.joined(separator: "/")
      return (keys, group.label)
    }
  }

  /// The key of a command that works in the present mode.
  private static func shownKey(of command: Command, _ state: PlaygroundState) -> String? {
    let normal = command.bindings.first { $0.scope != .anywhere && $0.scope != .prompt }
    let binding = state.mode == .normal ? normal ?? command.bindings.first : command.bindings.first
    return binding.map { Command.label($0.key) }
  }
}
