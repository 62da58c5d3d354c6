/// A live graph over time with a value axis, a time axis and marks where something changed.
///
/// The newest sample is at the right. Samples are plain numbers at a fixed interval, one a column;
/// a value that is no number leaves a gap.
package struct TimeGraph: Sendable {
  /// A change at a moment, such as a knob that was turned.
  package struct Tick: Hashable, Sendable {
    /// Samples before the newest one; 0 is the newest.
    package var age: Int
    package var label: String

    package init(age: Int, label: String) {
      self.age = age
      self.label = label
    }
  }

  package var samples: [Double]

  /// Seconds between two samples.
  package var interval: Double

  /// The value at the top; a round number above the largest sample shown when nil.
  package var maximum: Double?
  package var ticks: [Tick]
  package var style: Style

  package init(
    samples: [Double], interval: Double, maximum: Double? = nil, ticks: [Tick] = [],
    style: Style = Style(.graph)
  ) {
    self.samples = samples
    self.interval = interval
    self.maximum = maximum
    self.ticks = ticks
    self.style = style
  }

  /// Samples that one column holds: two with braille dots.
  package static func samplesPerColumn(_ glyphs: GlyphSet) -> Int { glyphs == .braille ? 2 : 1 }

  /// Draws the graph; the axes give way where the rectangle is small.
  package func draw(in rect: Rect, on frame: inout Frame) {
    guard !rect.isEmpty else { return }
    let per = TimeGraph.samplesPerColumn(frame.glyphs)
    let labelWidth = rect.width >= 24 && rect.height >= 3 ? 5 : 0
    let hasTimeAxis = rect.height >= 4
    let axisColumns = labelWidth > 0 ? labelWidth + 1 : 0
    let hasTimes = rect.height >= 6 && rect.width >= 24
    let plot = Rect(
      x: rect.x + axisColumns, y: rect.y, width: rect.width - axisColumns,
      height: rect.height - (hasTimeAxis ? 1 : 0) - (hasTimes ? 1 : 0))
    let shown = Array(samples.suffix(plot.width * per))
    let top = maximum ?? Scale.roundedUp(shown.filter(\.isFinite).max() ?? 0)
    if labelWidth > 0 { drawValues(top: top, plot: plot, left: rect.x, on: &frame) }
    if hasTimeAxis {
      drawTimes(plot: plot, corner: axisColumns > 0, labelled: hasTimes, on: &frame)
    }
    frame.clipped(to: plot) { frame in
      switch frame.glyphs {
      case .braille: drawBraille(shown, top: top, plot: plot, on: &frame)
      case .block, .tty: drawColumns(shown, top: top, plot: plot, on: &frame)
      case .ascii: drawPoints(shown, top: top, plot: plot, on: &frame)
      }
    }
    drawTicks(plot: plot, hasAxis: hasTimeAxis, on: &frame)
  }

  private func drawValues(top: Double, plot: Rect, left: Int, on frame: inout Frame) {
    let style = Style(.graphAxis)
    for row in 0..<plot.height {
      frame.write(
        String(frame.glyphs.axisVertical), at: Point(x: plot.x - 1, y: plot.y + row), style: style)
    }
    var marks: [(Int, Double)] = [(0, top)]
    // Half of the top: the upper edge of its row, or that row's middle where the height is odd.
    if plot.height >= 5 { marks.append((plot.height / 2, top / 2)) }
    for (row, value) in marks {
      let column = Rect(x: left, y: plot.y + row, width: plot.x - 2 - left, height: 1)
      frame.write(Scale.label(value), rightAlignedIn: column, style: style)
    }
  }

  private func drawTimes(plot: Rect, corner: Bool, labelled: Bool, on frame: inout Frame) {
    let style = Style(.graphAxis)
    let glyphs = frame.glyphs
    frame.fill(
      Rect(x: plot.x, y: plot.bottom, width: plot.width, height: 1), with: glyphs.axisHorizontal,
      style: style)
    if corner {
      let zero = Rect(x: plot.x - 6, y: plot.bottom, width: 4, height: 1)
      frame.write("0", rightAlignedIn: zero, style: style)
      frame.write(
        String(glyphs.axisCorner), at: Point(x: plot.x - 1, y: plot.bottom), style: style)
    }
    guard labelled, interval > 0 else { return }
    let seconds = interval * Double(plot.width * TimeGraph.samplesPerColumn(glyphs))
    let parts = plot.width >= 48 ? 4 : 2
    for part in 0...parts {
      let text =
        part == parts ? "now" : "-" + Scale.age(seconds * Double(parts - part) / Double(parts))
      let columns = text.count
      let centre = plot.x + plot.width * part / parts - columns / 2
      let x = min(max(plot.x, centre), plot.right - columns)
      frame.write(text, at: Point(x: x, y: plot.bottom + 1), style: style)
    }
  }

  /// A mark on the axis under each change and its label beside it, where one fits.
  private func drawTicks(plot: Rect, hasAxis: Bool, on frame: inout Frame) {
    let per = TimeGraph.samplesPerColumn(frame.glyphs)
    let row = hasAxis ? plot.bottom : plot.bottom - 1
    let marks = ticks.filter { $0.age >= 0 && $0.age / per < plot.width }
      .map { (x: plot.right - 1 - $0.age / per, label: $0.label) }
    for mark in marks {
      frame.write(String(frame.glyphs.tick), at: Point(x: mark.x, y: row), style: Style(.tick))
    }
    guard hasAxis else { return }
    // Newest first: what was just turned matters most. A mark is never covered by a label.
    var taken = marks.map { $0.x..<$0.x + 1 }
    for mark in marks.sorted(by: { $0.x > $1.x }) where !mark.label.isEmpty {
      let columns = CharacterWidth.columns(mark.label)
      let places = [mark.x + 1, mark.x - columns].map { $0..<$0 + columns }
      let place = places.first { place in
        place.lowerBound > plot.x && place.upperBound <= plot.right
          && !taken.contains { $0.overlaps(place) }
      }
      guard let place else { continue }
      frame.write(mark.label, at: Point(x: place.lowerBound, y: row), style: Style(.tick))
      // A column stays free between two labels.
      taken.append(place.lowerBound - 1..<place.upperBound + 1)
    }
  }
}
