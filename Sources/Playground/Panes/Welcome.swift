import Runtime
import Terminal

/// The chat before its first message: what this is, and some keys to try.
enum Welcome {
  static func draw(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    let lines = lines(state, width: area.width, glyphs: frame.glyphs)
    let fitting = lines.prefix(area.height)
    let top = area.y + max(0, (area.height - fitting.count) / 3)
    let widest = fitting.map(\.columns).max() ?? 0
    let left = area.x + max(0, min(2, area.width - widest))
    for (index, line) in fitting.enumerated() {
      frame.write(line, at: Point(x: left, y: top + index), width: area.right - left)
    }
  }

  private static func lines(
    _ state: PlaygroundState, width: Int, glyphs: GlyphSet
  ) -> [StyledText] {
    var lines: [StyledText] = []
    lines += wrapped(modelLine(state), style: modelStyle(state), width: width)
    if case .loading(_, let fraction) = state.model {
      let columns = max(8, min(40, width - 4))
      let bar = Gauge.bar(fraction, columns: columns, glyphs: glyphs)
      var line = StyledText("[", Style(.border))
      line.append(bar, Style(.gauge))
      line.append(
        String(repeating: glyphs.barEmpty, count: max(0, columns - bar.count)), Style(.border))
      line.append("]", Style(.border))
      lines.append(line)
    }
    if let facts = factsLine(state) { lines += wrapped(facts, style: Style(.dim), width: width) }
    lines.append(StyledText())
    lines += wrapped(
      "A language model runs here, on this machine's processor. Type below and press Enter; while it answers, watch the speed and turn the knobs.",
      style: .plain, width: width)
    lines.append(StyledText())
    let keys = [
      ("F8 F7", "raise or lower a knob, even in mid-answer (F5 F6 pick it)"),
      ("Esc r", "another answer beside the last one (h l switch)"),
      ("F9", "paint what is written as a small picture"),
      ("F1", "every key and command, searchable"),
    ]
    for (key, text) in keys {
      var line = StyledText(key + String(repeating: " ", count: max(1, 8 - key.count)), Style(.key))
      line.append(text, Style(.text))
      if line.columns > width {
        lines += wrapped("\(key)  \(text)", style: .plain, width: width)
      } else {
        lines.append(line)
      }
    }
    return lines
  }

  private static func wrapped(_ text: String, style: Style, width: Int) -> [StyledText] {
    Paragraph(text, style).lines(width: max(8, min(width - 2, 72)))
  }

  private static func modelLine(_ state: PlaygroundState) -> String {
    switch state.model {
    case .none: "No model is loaded: press Esc, then m to pick one."
    case .loading: state.modelLabel
    case .ready(let summary):
      "\(PlaygroundState.displayName(of: summary)), \(summary.format): ready."
        + (summary.template == nil ? " No chat template: it continues your text." : "")
    case .failed(_, let reason): "No model: \(reason) (Esc, then m picks another)"
    }
  }

  private static func modelStyle(_ state: PlaygroundState) -> Style {
    if case .failed = state.model { return Style(.error) }
    return Style(.title)
  }

  private static func factsLine(_ state: PlaygroundState) -> String? {
    guard let summary = state.model.summary else { return nil }
    let parameters = Scale.label(Double(summary.parameters))
    let seconds = PlaygroundState.number(summary.loadSeconds, decimals: 2)
    return
      "\(summary.architecture), \(parameters) parameters, \(byteText(summary.fileBytes)) mapped in \(seconds) s; "
      + "context \(summary.contextLength) tokens; \(summary.instructionSet), \(counted(summary.threads, "thread"))."
  }
}
