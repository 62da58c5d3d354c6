import Inference
import Runtime
import Terminal

/// Draws what the chain did to the last token: its stages, and the candidates that were left.
enum TokenView {
  /// Stages that changed something, in the order they ran.
  private static func stages(_ token: SampledToken) -> [StageReport] {
    token.reports.filter { $0.changed || $0.candidatesIn != $0.candidatesOut }
  }

  // MARK: A table

  static func draw(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard !area.isEmpty else { return }
    drawSection("last token, stage by stage", in: area.row(0), on: &frame)
    let inside = area.splitTop(1).rest.inset(horizontal: 1, vertical: 0)
    guard let token = state.knobs.lastToken else {
      frame.write(
        "appears with the first token", at: inside.origin, style: Style(.dim), width: inside.width)
      return
    }
    let stages = stages(token)
    let shown = stages.prefix(max(0, inside.height - 2 - min(3, token.alternatives.count)))
    frame.write(
      "stage         in    out  entropy", at: inside.origin, style: Style(.dim), width: inside.width
    )
    for (index, report) in shown.enumerated() {
      frame.write(line(report), at: inside.row(index + 1).origin, width: inside.width)
    }
    drawCandidates(token, state, in: inside.splitTop(1 + shown.count).rest, on: &frame)
  }

  private static func line(_ report: StageReport) -> String {
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    let name = report.stage.title
    return name + String(repeating: " ", count: max(0, 10 - name.count))
      + right(Scale.label(Double(report.candidatesIn)), 6)
      + right(Scale.label(Double(report.candidatesOut)), 7)
      + right(PlaygroundState.number(Double(report.entropy), decimals: 2), 9)
  }

  private static func drawCandidates(
    _ token: SampledToken, _ state: PlaygroundState, in area: Rect, on frame: inout Frame
  ) {
    for (index, candidate) in token.alternatives.prefix(area.height).enumerated() {
      let row = area.row(index)
      let isTaken = candidate.token == token.token
      let style = isTaken ? Style(.accent).bolded : .plain
      let probability = PlaygroundState.number(Double(candidate.probability), decimals: 3)
      let textWidth = max(0, min(16, row.width - 10))
      frame.write(isTaken ? String(frame.glyphs.pointer) : " ", at: row.origin, style: style)
      frame.write(
        quoted(state.knobs.pieces[candidate.token], id: candidate.token),
        at: Point(x: row.x + 2, y: row.y), style: style, width: textWidth, ellipsis: true)
      frame.write(probability, at: Point(x: row.x + 3 + textWidth, y: row.y), style: style)
      let bar = Rect(
        x: row.x + 10 + textWidth, y: row.y, width: min(16, row.width - 10 - textWidth), height: 1)
      guard bar.width >= 4 else { continue }
      frame.write(
        Gauge.bar(Double(candidate.probability), columns: bar.width, glyphs: frame.glyphs),
        at: bar.origin, style: Style(.gauge), width: bar.width)
    }
  }

  // MARK: Three rows

  static func drawCompact(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard !area.isEmpty else { return }
    drawSection("last token, after every stage", in: area.row(0), on: &frame)
    let inside = area.splitTop(1).rest.inset(horizontal: 1, vertical: 0)
    guard let token = state.knobs.lastToken else {
      frame.write(
        "appears with the first token", at: inside.origin, style: Style(.dim), width: inside.width)
      return
    }
    var x = inside.x
    for candidate in token.alternatives {
      let text = quoted(state.knobs.pieces[candidate.token], id: candidate.token)
      let probability = PlaygroundState.short(Double(candidate.probability))
      let columns = CharacterWidth.columns(text) + 1 + probability.count
      guard x + columns <= inside.right else { break }
      let isTaken = candidate.token == token.token
      x += frame.write(
        text, at: Point(x: x, y: inside.y), style: isTaken ? Style(.accent).bolded : .plain)
      x += frame.write(" " + probability, at: Point(x: x, y: inside.y), style: Style(.dim)) + 2
    }
    frame.write(chain(token, width: inside.width), at: inside.row(1).origin, width: inside.width)
    if let entropy = token.reports.last?.entropy, inside.height > 2 {
      frame.write(
        "entropy \(PlaygroundState.number(Double(entropy), decimals: 2)) bits",
        at: inside.row(2).origin, style: Style(.dim), width: inside.width)
    }
  }

  /// How many candidates each stage left: `49k > k 40 > p 19 > m 7 > T 7`.
  private static func chain(_ token: SampledToken, width: Int) -> String {
    let stages = stages(token)
    guard let first = stages.first else { return "no stage changed anything" }
    let parts =
      [Scale.label(Double(first.candidatesIn))]
      + stages.map { "\(short($0.stage)) \(Scale.label(Double($0.candidatesOut)))" }
    return parts.joined(separator: " > ")
  }

  private static func short(_ stage: SamplerStage) -> String {
    switch stage {
    case .topK: "k"
    case .topP: "p"
    case .minP: "m"
    case .temperature: "T"
    case .penalties: "pen"
    default: stage.title
    }
  }

  /// A token's text between quotes, its white space made visible.
  static func quoted(_ text: String?, id: TokenID) -> String {
    guard let text else { return "#\(id)" }
    return "\"" + text.replacing("\n", with: "\\n").replacing("\t", with: "\\t") + "\""
  }
}
