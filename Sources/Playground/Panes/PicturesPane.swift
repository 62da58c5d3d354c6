import Inference
import Runtime
import Terminal

/// Draws the picture that is looked at, its steps, the contact sheet, and how the next one is painted.
enum PicturesPane {
  /// Columns of the list beside the picture.
  private static let listWidth = 30
  /// Rows of a thumbnail, the mark under it included.
  private static let sheetRows = 5

  static func draw(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard state.pictures.work != nil else { return drawWelcome(state, in: area, on: &frame) }
    let parts = Parts(area, state)
    drawPicture(state, in: parts.picture, on: &frame)
    drawSteps(state, in: parts.steps, on: &frame)
    drawSheet(state, in: parts.sheet, on: &frame)
    drawList(state, in: parts.list, on: &frame)
  }

  /// Where everything stands.
  private struct Parts {
    let picture: Rect
    let steps: Rect
    let sheet: Rect
    let list: Rect

    init(_ area: Rect, _ state: PlaygroundState) {
      let hasList = area.width >= 44 && area.height >= 4
      let (left, right) = area.splitRight(hasList ? min(listWidth, area.width / 2) : 0)
      list = right
      let room = hasList ? left.splitRight(1).0 : left
      let hasSheet = state.pictures.works.count > 1 && room.height >= 18
      let (upper, lower) = room.splitBottom(hasSheet ? sheetRows : 0)
      sheet = lower
      let hasSteps = upper.height >= 6
      let (top, bottom) = upper.splitBottom(hasSteps ? 1 : 0)
      picture = top
      steps = bottom
    }
  }

  /// The pictures at the sizes that are to be drawn.
  static func wanted(_ state: PlaygroundState) -> Set<PicturesState.CellsKey> {
    var keys = Set(PictureZoom.wanted(state).map { [$0] } ?? [])
    guard state.pictures.work != nil,
      let place = Layout(state).panes.first(where: { $0.id == .pictures })
    else { return keys }
    let parts = Parts(place.content, state)
    for tile in tiles(state, in: parts.picture) {
      if let key = tile.key(state.pictures.look) { keys.insert(key) }
    }
    for (_, picture, size) in sheet(state, in: parts.sheet) {
      keys.insert(.init(picture: picture, size: size, look: state.pictures.look))
    }
    return keys
  }

  /// A picture and what is written under it.
  private struct Tile {
    var picture: Picture?
    var area: Rect
    var caption = Rect(x: 0, y: 0, width: 0, height: 0)
    var lines: [StyledText] = []

    func key(_ look: PictureCells.Options) -> PicturesState.CellsKey? {
      guard let picture else { return nil }
      let size = PictureCells.fit(width: picture.width, height: picture.height, in: area.size)
      guard size.width > 0, size.height > 0 else { return nil }
      return .init(picture: picture, size: size, look: look)
    }
  }

  /// What is drawn where the picture is: one, two that are held against each other, or all that compete.
  private static func tiles(_ state: PlaygroundState, in area: Rect) -> [Tile] {
    let pictures = state.pictures
    if let (first, second) = pictures.pair, area.width >= 20, area.height >= 6 {
      let (left, rest) = area.splitLeft((area.width - 1) / 2)
      return [(first, left), (second, rest.splitLeft(1).rest)].map { work, half in
        let (picture, caption) = half.splitBottom(2)
        return Tile(
          picture: pictures.shownStep(of: work)?.picture, area: picture, caption: caption,
          lines: laneLines(work, width: caption.width))
      }
    }
    if let candidates = pictures.shownStep?.candidates, candidates.count > 1,
      let grid = Grid(candidates.count, in: area)
    {
      return candidates.indices.map { index in
        let (picture, caption) = grid.place(index).splitBottom(1)
        return Tile(
          picture: candidates[index].picture, area: picture, caption: caption,
          lines: [candidateLine(candidates, index)])
      }
    }
    guard pictures.work != nil else { return [] }
    return [Tile(picture: pictures.picture, area: area)]
  }

  private static func laneLines(_ work: PictureWork, width: Int) -> [StyledText] {
    let passes = PlaygroundState.number(work.steps.last?.evaluations ?? 0, decimals: 0)
    let time = PlaygroundState.number(work.seconds * 1000, decimals: 0) + " ms"
    return [
      StyledText(work.painter ?? "", Style(.title)),
      StyledText(width >= 22 ? "\(time), \(passes) passes" : time, Style(.dim)),
    ]
  }

  /// A candidate's score, the best one's bright, and the number of the one that it was copied from.
  private static func candidateLine(_ all: [PaintingCandidate], _ index: Int) -> StyledText {
    let candidate = all[index]
    let best = all.compactMap(\.score).max()
    let score = candidate.score.map { PlaygroundState.number($0, decimals: 2) } ?? ""
    let origin = candidate.parent.map { "<\($0 + 1)" } ?? ""
    var line = StyledText("\(index + 1)\(origin) ", Style(.dim))
    line.append(score, candidate.score == best ? Style(.accent).bolded : .plain)
    return line
  }

  /// Places for some pictures, as large as they can be.
  private struct Grid {
    private let area: Rect
    private let columns: Int
    private let size: Size

    init?(_ count: Int, in area: Rect) {
      let choices = (1...count).map { columns -> (columns: Int, size: Size) in
        let rows = (count + columns - 1) / columns
        return (columns, Size(width: area.width / columns, height: area.height / rows))
      }
      // Pictures are square, cells twice as high as wide.
      guard
        let best = choices.max(by: {
          min($0.size.width, 2 * $0.size.height - 2) < min($1.size.width, 2 * $1.size.height - 2)
        }), best.size.width >= 6, best.size.height >= 3
      else { return nil }
      (columns, size) = (best.columns, best.size)
      self.area = area
    }

    func place(_ index: Int) -> Rect {
      Rect(
        x: area.x + index % columns * size.width, y: area.y + index / columns * size.height,
        width: size.width - 1, height: size.height)
    }
  }

  // MARK: Parts

  private static func drawWelcome(
    _ state: PlaygroundState, in area: Rect, on frame: inout Frame
  ) {
    let text =
      "Write what to paint, such as: a red heart. F9 paints it here, coarse to fine; h and l then step through "
      + "its scales, b branches from one, s saves it."
    for (row, line) in Paragraph(text, Style(.dim)).lines(width: max(8, min(72, area.width)))
      .prefix(area.height).enumerated()
    {
      frame.write(line, at: area.row(row).origin)
    }
  }

  private static func drawPicture(
    _ state: PlaygroundState, in area: Rect, on frame: inout Frame
  ) {
    for tile in tiles(state, in: area) {
      guard let key = tile.key(state.pictures.look), let cells = state.pictures.cells[key] else {
        let text =
          state.pictures.work?.isPainting == true ? "reading the words" : "no picture yet"
        frame.write(text, at: tile.area.origin, style: Style(.dim), width: tile.area.width)
        continue
      }
      let left = tile.area.x + (tile.area.width - cells.columns) / 2
      let top = tile.area.y + (tile.area.height - cells.rows) / 2
      frame.draw(cells, at: Point(x: left, y: top))
      for (row, line) in tile.lines.enumerated() where row < tile.caption.height {
        frame.write(line, at: tile.caption.row(row).origin, width: tile.caption.width)
      }
    }
  }

  /// A sign for each step: those painted, the shown one in brackets; a bar where there are too many for that.
  private static func drawSteps(_ state: PlaygroundState, in row: Rect, on frame: inout Frame) {
    guard !row.isEmpty, let work = state.pictures.work, work.stepCount > 0 else { return }
    let shown = state.pictures.step ?? work.steps.count - 1
    var line = StyledText()
    line.append("step ", Style(.dim))
    if 3 * work.stepCount + 6 <= row.width {
      for step in 0..<work.stepCount {
        let number = "\(step + 1)"
        if step == shown {
          line.append("[\(number)]", Style(.accent).bolded)
        } else {
          line.append(" \(number) ", Style(step < work.steps.count ? .text : .disabled))
        }
      }
    } else {
      line.append("\(shown + 1)", Style(.accent).bolded)
      line.append(" of \(work.stepCount) ", Style(.dim))
      let width = row.width - line.columns - 12
      if width >= 8 {
        let painted = work.steps.count * width / work.stepCount
        let mark = max(0, min(shown * width / work.stepCount, width - 1))
        for column in 0..<width {
          let sign = column == mark ? "|" : column < painted ? "=" : "-"
          line.append(sign, column == mark ? Style(.accent).bolded : Style(.dim))
        }
      }
    }
    if let step = state.pictures.shownStep { line.append(" \(step.label)", Style(.dim)) }
    frame.write(line, at: row.origin, width: row.width)
  }

  /// Works with their pictures, and the size of each; as many as there is room for, the shown one among them.
  private static func sheet(
    _ state: PlaygroundState, in area: Rect
  ) -> [(index: Int, picture: Picture, size: Size)] {
    guard area.height >= sheetRows, area.width >= 10 else { return [] }
    let size = Size(width: 2 * (sheetRows - 1), height: sheetRows - 1)
    let count = max(1, area.width / (size.width + 1))
    let works = state.pictures.works
    let shown = state.pictures.shown ?? works.count - 1
    let first = max(0, min(shown - count / 2, works.count - count))
    return works.indices.dropFirst(first).prefix(count).compactMap { index in
      let picture = works[index].opened ?? works[index].steps.last?.picture
      return picture.map {
        (index, $0, PictureCells.fit(width: $0.width, height: $0.height, in: size))
      }
    }
  }

  private static func drawSheet(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    for (place, work) in sheet(state, in: area).enumerated() {
      let x = area.x + place * (2 * (sheetRows - 1) + 1)
      let key = PicturesState.CellsKey(
        picture: work.picture, size: work.size, look: state.pictures.look)
      if let cells = state.pictures.cells[key] { frame.draw(cells, at: Point(x: x, y: area.y)) }
      let isShown = work.index == state.pictures.shown
      let seed = state.pictures.works[work.index].request.map(seeds) ?? "file"
      frame.write(
        isShown ? "[\(seed)]" : " \(seed)", at: Point(x: x, y: area.bottom - 1),
        style: isShown ? Style(.accent).bolded : Style(.dim), width: 2 * (sheetRows - 1))
    }
  }

  /// The seed, then those of the branches: `1`, `1>4`.
  private static func seeds(of request: PaintingRequest) -> String {
    ([request.seed] + request.branches.map(\.seed)).map { "\($0)" }.joined(separator: ">")
  }

  // MARK: The list

  private static func drawList(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard !area.isEmpty else { return }
    var lines = facts(state, width: area.width)
    let rows = knobRows(state)
    // Facts give way before the knobs do.
    let room = max(0, area.height - rows.count - 1)
    if lines.count > room { lines = Array(lines.prefix(room)) }
    for (row, line) in lines.enumerated() {
      frame.write(line, at: area.row(row).origin, width: area.width)
    }
    let top = lines.isEmpty ? 0 : lines.count + 1
    for (index, text) in rows.enumerated() where top + index < area.height {
      let isChosen =
        index == state.pictures.row && state.focus == .pictures && state.mode == .normal
      frame.write(
        (isChosen ? "\(frame.glyphs.pointer) " : "  ") + text.name,
        at: area.row(top + index).origin, style: isChosen ? Style(.accent).bolded : .plain,
        width: area.width)
      frame.write(
        text.value, rightAlignedIn: area.row(top + index), style: Style(isChosen ? .accent : .text))
    }
  }

  /// What is known of the shown picture.
  private static func facts(_ state: PlaygroundState, width: Int) -> [StyledText] {
    guard let work = state.pictures.work else { return [] }
    var lines = Paragraph(work.title, Style(.title)).lines(width: max(8, width)).prefix(2).map {
      $0
    }
    func fact(_ name: String, _ value: String) {
      var line = StyledText(
        name + String(repeating: " ", count: max(1, 10 - name.count)), Style(.dim))
      line.append(value, .plain)
      lines.append(line)
    }
    if let request = work.request {
      let branches = request.branches.map { "  \($0.step + 1):\($0.seed)" }.joined()
      fact("seed", "\(request.seed)\(branches)")
    }
    if let painter = work.painter { fact("painter", painter) }
    if let picture = state.pictures.picture {
      fact("pixels", "\(picture.width) x \(picture.height)")
    }
    if let step = state.pictures.shownStep {
      let decimals = step.evaluations == step.evaluations.rounded() ? 0 : 1
      fact("passes", PlaygroundState.number(step.evaluations, decimals: decimals))
      if step.tokens > 0 { fact("tokens", "\(step.tokens)") }
      if let entropy = step.entropy {
        fact("entropy", PlaygroundState.number(entropy, decimals: 2) + " nat")
      }
      if work.costs.indices.contains(step.index) {
        fact(
          "step", PlaygroundState.number(work.costs[step.index].seconds * 1000, decimals: 1) + " ms"
        )
      }
    }
    if !work.costs.isEmpty {
      fact("in all", PlaygroundState.number(work.seconds * 1000, decimals: 0) + " ms")
    }
    if let (first, second) = state.pictures.pair, !first.isPainting, !second.isPainting,
      first.seconds > 0, second.seconds > 0
    {
      let ratio = max(first.seconds, second.seconds) / min(first.seconds, second.seconds)
      let faster = first.seconds < second.seconds ? first : second
      fact(faster.painter ?? "", PlaygroundState.number(ratio, decimals: 1) + "x as fast")
    }
    if let agreement = work.agreement {
      fact("agreement", PlaygroundState.number(agreement, decimals: 2))
    }
    if work.byteCount > 0 { fact("memory", formatBytes(work.byteCount)) }
    fact("shown as", state.pictures.look.symbols.title)
    for (operation, share) in shares(of: work).prefix(4) {
      fact("", PlaygroundState.number(share * 100, decimals: 0) + " % " + operation.title)
    }
    if work.isStopped { lines.append(StyledText("stopped early", Style(.warning))) }
    if let note = work.note {
      lines += Paragraph(note, Style(.warning)).lines(width: max(8, width)).prefix(3)
    }
    return lines
  }

  /// Where the time went, the most first.
  private static func shares(of work: PictureWork) -> [(OperationClass, Double)] {
    var totals = OperationTotals()
    for cost in work.costs { totals.add(cost.operations) }
    guard totals.totalNanoseconds > 0 else { return [] }
    return OperationClass.allCases.map {
      ($0, Double(totals[$0].nanoseconds) / Double(totals.totalNanoseconds))
    }.filter { $0.1 > 0.005 }.sorted { $0.1 > $1.1 }
  }

  /// The rows that can be chosen: the seed, the painter, its knobs.
  private static func knobRows(_ state: PlaygroundState) -> [(name: String, value: String)] {
    let pictures = state.pictures
    var rows = [("next seed", "\(pictures.seed)")]
    guard let entry = pictures.entry, let choice = pictures.choice else { return rows }
    rows.append(("painter", entry.card.title.lowercased()))
    for knob in entry.knobs {
      rows.append(
        (knob.title, PlaygroundState.number(knob.value(in: choice), decimals: knob.decimals)))
    }
    return rows
  }
}
