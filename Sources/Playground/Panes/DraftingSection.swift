import Inference
import Runtime
import Terminal

/// The part of the profile that tells of drafting: tokens per pass, time, what was accepted, and what a pass costs.
struct DraftingSection {
  var drafting: DraftingState
  var methods: MethodSelection
  var window: Double
  var end: UInt64

  init(_ profile: ProfileState) {
    drafting = profile.drafting
    methods = profile.methods
    window = profile.window
    end = profile.graphEnd
  }

  private var tree: DraftTree? {
    drafting.lastDraft.map { DraftTree(parents: $0.parents, accepted: $0.accepted) }
  }

  /// Rows that show everything at a width.
  func height(width: Int) -> Int {
    let columns = columnCount(width)
    let facts = facts(width: width / columns).count + 1 + (drafting.costCurve == nil ? 0 : 2)
    let lengths = min(8, max(1, drafting.totals.acceptedLengths.count))
    let tree = min(8, tree?.height ?? 0) + 1
    if columns == 1 { return 1 + facts + lengths + tree }
    return 1 + (columns == 2 ? max(facts, lengths + tree) : max(facts, lengths, tree))
  }

  private func columnCount(_ width: Int) -> Int { width >= 110 ? 3 : width >= 72 ? 2 : 1 }

  func draw(in area: Rect, on frame: inout Frame) {
    guard area.height >= 2 else { return }
    drawSection("drafting \(methods.shortBadge)", in: area.row(0), on: &frame)
    let body = area.splitTop(1).rest.inset(horizontal: 1, vertical: 0)
    switch columnCount(area.width) {
    case 1: drawColumn(in: body, on: &frame)
    case 2:
      let (left, right) = body.splitLeft(max(42, body.width / 2))
      drawFacts(in: left, on: &frame)
      drawShapes(in: right.splitLeft(2).rest, on: &frame)
    default:
      let parts = body.columns([body.width / 2 - 2, body.width / 4, body.width])
      drawFacts(in: parts[0], on: &frame)
      drawLengths(in: parts[1].splitLeft(2).rest, on: &frame)
      drawTree(in: parts[2].splitLeft(2).rest, on: &frame)
    }
  }

  // MARK: Columns

  /// All under each other: the facts first, then the lengths, then the tree in what is left.
  private func drawColumn(in area: Rect, on frame: inout Frame) {
    let needed = facts(width: area.width).count + 1 + (drafting.costCurve == nil ? 0 : 2)
    // Without room for bars the lengths stand behind the share that was accepted.
    let isShort = area.height < needed + min(3, drafting.totals.acceptedLengths.count)
    let (upper, lower) = area.splitTop(isShort ? area.height : needed)
    drawFacts(in: upper, withLengths: isShort, on: &frame)
    drawShapes(in: lower, on: &frame)
  }

  /// The lengths, and under them the tree.
  private func drawShapes(in area: Rect, on frame: inout Frame) {
    let tree = min((tree?.height ?? 0) + 1, max(0, area.height - 2))
    let lengths = min(area.height - tree, max(1, drafting.totals.acceptedLengths.count))
    let parts = area.rows([max(0, lengths), area.height])
    drawLengths(in: parts[0], on: &frame)
    drawTree(in: parts[1], on: &frame)
  }

  private func drawFacts(
    in area: Rect, withLengths: Bool = false, on frame: inout Frame
  ) {
    drawRate(in: area.row(0), on: &frame)
    let facts = facts(width: area.width, withLengths: withLengths)
    for (index, line) in facts.prefix(max(0, area.height - 1)).enumerated() {
      frame.write(line, at: area.row(1 + index).origin, width: area.width)
    }
    drawCosts(in: area.splitTop(1 + facts.count).rest, on: &frame)
  }

  // MARK: Facts

  /// Tokens per pass, and how they went over time.
  private func drawRate(in row: Rect, on frame: inout Frame) {
    guard !row.isEmpty else { return }
    let text = drafting.totals.tokensPerPass.map { PlaygroundState.number($0, decimals: 2) } ?? "-"
    var line = StyledText(text, Style(.graph).bolded)
    line.append(" tok/pass", Style(.dim))
    let used = frame.write(line, at: row.origin, width: row.width)
    let spark = Rect(x: row.x + used + 2, y: row.y, width: min(40, row.width - used - 2), height: 1)
    guard spark.width >= 8, !drafting.history.isEmpty else { return }
    let interval = window / Double(spark.width)
    Sparkline(
      drafting.history.samples(endingAt: end, interval: interval, count: spark.width)
    ).draw(in: spark, on: &frame)
  }

  private func facts(width: Int, withLengths: Bool = false) -> [StyledText] {
    var lines = Paragraph(drafting.decisionWords(isGoverned: methods.isGoverned)).lines(
      width: max(8, width))
    var times = StyledText("time ", Style(.dim))
    for (index, share) in drafting.shares.enumerated() {
      times.append((index > 0 ? "  " : "") + share.label + " ", Style(.dim))
      times.append(MethodWords.percent(share.fraction))
    }
    if !drafting.shares.isEmpty { lines.append(times) }
    if let share = drafting.totals.acceptance {
      var line = StyledText(MethodWords.percent(share))
      let all = drafting.totals.drafted
      line.append(
        withLengths ? " of \(all) accepted" : " of \(all) drafted accepted", Style(.dim))
      if withLengths { line.append(lengths(width: width - line.columns), Style(.dim)) }
      if drafting.lenient > 0, !withLengths {
        line.append(", \(drafting.lenient) leniently", Style(.dim))
      }
      lines.append(line)
    }
    return lines
  }

  /// Rounds by the length accepted, in as many classes as there is room for: `  0:15 1:16 2+:3`.
  private func lengths(width: Int) -> String {
    let wordings = (2...5).reversed().map { most in
      "  "
        + drafting.acceptedLengths(most: most).map { "\($0.label):\($0.count)" }
        .joined(separator: " ")
    }
    return wordings.first { $0.count <= width } ?? ""
  }

  /// The curve V(k) as a table of two rows, the size of the last pass marked.
  private func drawCosts(in area: Rect, on frame: inout Frame) {
    guard area.height >= 1, let curve = drafting.costCurve,
      let present = drafting.cost(of: drafting.rows)
    else { return }
    if area.height == 1 {
      frame.write(
        "a pass of \(counted(drafting.rows, "row")) costs \(PlaygroundState.number(present, decimals: 2)) of one",
        at: area.origin, style: Style(.dim), width: area.width)
      return
    }
    frame.write("rows", at: area.row(0).origin, style: Style(.dim), width: area.width)
    frame.write("cost", at: area.row(1).origin, style: Style(.dim), width: area.width)
    let marked = CostCurve.sizes.lastIndex { $0 <= drafting.rows } ?? 0
    var x = area.x + 5
    for (index, (size, value)) in zip(CostCurve.sizes, curve).enumerated() {
      let isMarked = index == marked
      let rows = isMarked && drafting.rows != size ? drafting.rows : size
      let cost = isMarked ? present : value
      let texts = [
        isMarked ? "[\(rows)]" : "\(rows) ",
        PlaygroundState.number(cost, decimals: cost < 9.95 ? 1 : 0) + " ",
      ]
      let columns = (texts.map(\.count).max() ?? 0)
      guard x + columns <= area.right else { break }
      for (row, text) in texts.enumerated() {
        let place = Rect(x: x, y: area.y + row, width: columns, height: 1)
        frame.write(
          text, rightAlignedIn: place, style: isMarked ? Style(.accent).bolded : .plain)
      }
      x += columns
    }
  }

  // MARK: Shapes

  /// How many tokens of each draft were accepted.
  private func drawLengths(in area: Rect, on frame: inout Frame) {
    guard area.height >= 1 else { return }
    let lengths = drafting.acceptedLengths(most: area.height)
    let all = lengths.reduce(0) { $0 + $1.count }
    guard all > 0 else { return }
    let rows = lengths.map { length in
      BarRow(
        "\(length.label) accepted", fraction: Double(length.count) / Double(all),
        value: String(length.count))
    }
    BarRow.draw(rows, in: area, on: &frame)
  }

  private func drawTree(in area: Rect, on frame: inout Frame) {
    guard area.height >= 2, let tree, let draft = drafting.lastDraft else { return }
    frame.write(
      "last draft: \(draft.accepted.count) of \(draft.drafted) accepted",
      at: area.origin, style: Style(.dim), width: area.width)
    tree.draw(in: area.splitTop(1).rest, on: &frame)
  }

  /// The same in one line, for a strip.
  static func items(_ profile: ProfileState) -> [(String, String)] {
    let drafting = profile.drafting
    guard drafting.isShown, let tokens = drafting.totals.tokensPerPass else { return [] }
    var items = [("tok/pass", PlaygroundState.number(tokens, decimals: 2))]
    if let share = drafting.totals.acceptance {
      items.append(("accepted", MethodWords.percent(share)))
    } else if drafting.decision?.isOff == true {
      items.append(("drafts", "off"))
    }
    return items
  }
}
