import Terminal

/// A draft as a small tree: `o` for a row that was refused, `*` for one that was accepted.
///
/// For example
/// ```
/// o-*-*-o
/// | +-o
/// +-o
/// ```
/// whose first sign is the last token before the draft. Accepted rows come first, so that they are one straight line.
package struct DraftTree {
  package var parents: [Int]
  package var accepted: Set<Int>

  private struct Place {
    var row: Int
    var depth: Int
    var line: Int
  }

  package init(parents: [Int], accepted: [Int]) {
    self.parents = parents
    self.accepted = Set(accepted)
  }

  /// Rows of the draft with where each stands, depth first; -1 is the root.
  private var places: [Place] {
    var children: [[Int]] = Array(repeating: [], count: parents.count + 1)
    for (row, parent) in parents.enumerated() where (-1..<row).contains(parent) {
      children[parent + 1].append(row)
    }
    for index in children.indices {
      let all = children[index]
      children[index] = all.filter(accepted.contains) + all.filter { !accepted.contains($0) }
    }
    var places: [Place] = []
    var line = -1
    var open = [(row: -1, depth: 0, isFirst: false)]
    while let (row, depth, isFirst) = open.popLast() {
      if !isFirst { line += 1 }
      places.append(Place(row: row, depth: depth, line: line))
      for (index, child) in children[row + 1].enumerated().reversed() {
        open.append((child, depth + 1, index == 0))
      }
    }
    return places
  }

  /// Lines that the whole tree takes.
  package var height: Int { (places.last?.line ?? 0) + 1 }

  /// Columns that the whole tree takes.
  package var width: Int { 2 * (places.map(\.depth).max() ?? 0) + 1 }

  /// Draws as much as there is room for, and says how many rows were left out.
  package func draw(in area: Rect, on frame: inout Frame) {
    let places = places
    let border = frame.glyphs.border
    var point: [Int: Point] = [:]
    var hidden = 0
    for place in places {
      let at = Point(x: area.x + 2 * place.depth, y: area.y + place.line)
      guard area.contains(at) else {
        hidden += 1
        continue
      }
      point[place.row] = at
      let isAccepted = accepted.contains(place.row)
      let style = isAccepted ? Style(.success).bolded : Style(.dim)
      if place.row >= 0, let parent = point[parents[place.row]] {
        frame.put(
          border.horizontal, at: Point(x: at.x - 1, y: at.y),
          style: isAccepted ? style : Style(.border))
        if parent.y < at.y {
          connect(parent, down: at.y, on: &frame)
        }
      }
      frame.put(isAccepted ? "*" : "o", at: at, style: place.row < 0 ? Style(.accent) : style)
    }
    guard hidden > 0 else { return }
    let text = "+\(hidden)"
    let row = area.row(area.height - 1)
    if frame[row.right - text.count - 1, row.y].text == " " {
      frame.write(text, rightAlignedIn: row, style: Style(.dim))
    }
  }

  /// The line from a row down to a child below it.
  private func connect(_ parent: Point, down end: Int, on frame: inout Frame) {
    let border = frame.glyphs.border
    for y in stride(from: parent.y + 1, to: end, by: 1) {
      let isCorner = frame[parent.x, y].text == String(border.bottomLeft)
      let isFree = frame[parent.x, y].text == " "
      guard isCorner || isFree else { continue }
      frame.put(
        isCorner ? border.teeLeft : border.vertical, at: Point(x: parent.x, y: y),
        style: Style(.border))
    }
    frame.put(border.bottomLeft, at: Point(x: parent.x, y: end), style: Style(.border))
  }
}
