import Terminal
import Testing

@Suite struct DrawingTests {
  private static func sample(_ index: Int) -> Double {
    if index == 40 { return .nan }
    let wave = Double((index * 37) % 11)
    return index > 60 ? wave + 19 : wave + 15
  }

  private static let samples: [Double] = (0..<90).map(sample)

  private static let ticks = [
    TimeGraph.Tick(age: 28, label: "T 1.05"), TimeGraph.Tick(age: 26, label: "k 20"),
    TimeGraph.Tick(age: 1, label: "seed"), TimeGraph.Tick(age: 9999, label: "old"),
  ]

  @Test(arguments: GlyphSet.allCases)
  func graphsMatchTheirGolden(glyphs: GlyphSet) {
    var frame = Frame(size: Size(width: 60, height: 26), glyphs: glyphs)
    let graph = TimeGraph(samples: Self.samples, interval: 0.5, ticks: Self.ticks)
    let rows = frame.bounds.rows([10, 1, 5, 1, 2, 1, 6])
    graph.draw(in: rows[0], on: &frame)
    graph.draw(in: rows[2].splitLeft(30).left, on: &frame)
    graph.draw(in: rows[4].splitLeft(12).left, on: &frame)
    Gauge(0.37).draw(in: rows[6].row(0), on: &frame)
    Gauge(0.99, hasBrackets: false).draw(in: rows[6].row(1).splitLeft(20).left, on: &frame)
    Sparkline(Self.samples).draw(in: rows[6].row(2), on: &frame)
    let bars = [
      BarRow("matmul q4", fraction: 0.71, value: "33.1 ms"),
      BarRow("attention", fraction: 0.14, value: "6.5 ms"),
      BarRow("io + ui", fraction: 0.008, value: "0.4 ms"),
    ]
    BarRow.draw(bars, in: rows[6].splitTop(3).rest.splitLeft(48).left, on: &frame)
    expectGolden(frame.text, "graph-\(glyphs.rawValue)")
    if glyphs == .ascii { #expect(frame.text.utf8.allSatisfy { $0 < 128 }) }
  }

  @Test(arguments: GlyphSet.allCases)
  func anySizeAndAnyNumberCanBeDrawn(glyphs: GlyphSet) {
    let values: [Double] = [0, -1, .nan, .infinity, 1e300, .leastNonzeroMagnitude, 3]
    for width in 0...30 {
      for height in 0...8 {
        var frame = Frame(size: Size(width: 32, height: 10), glyphs: glyphs)
        let rect = Rect(x: 1, y: 1, width: width, height: height)
        for maximum in [nil, 0, .nan, 10] as [Double?] {
          TimeGraph(samples: values, interval: .nan, maximum: maximum, ticks: Self.ticks)
            .draw(in: rect, on: &frame)
          Sparkline(values, maximum: maximum).draw(in: rect, on: &frame)
        }
        for value in values {
          Gauge(value).draw(in: rect, on: &frame)
          BarRow.draw([BarRow("name", fraction: value, value: "1 ms")], in: rect, on: &frame)
        }
        for y in 0..<10 {
          for x in 0..<32 where !rect.contains(Point(x: x, y: y)) {
            #expect(frame[x, y] == .blank, "\(width)x\(height) at \(x),\(y)")
          }
        }
      }
    }
  }

  @Test(arguments: [
    (0, "0"), (0.25, "0.25"), (21.4, "21.4"), (104.2, "104"), (1234, "1.23k"), (999.6, "1k"),
    (34_000_000, "34M"), (9.999, "10"), (-2.5, "-2.5"),
  ])
  func labelsAreShort(value: Double, label: String) {
    #expect(Scale.label(value) == label)
  }

  @Test func theUpperEndOfAnAxisIsRoundAndNotBelow() {
    for value in [0.0001, 0.3, 1, 7, 9.7, 21.4, 99, 104, 12345] {
      let top = Scale.roundedUp(value)
      #expect(top >= value && top <= value * 2.01)
    }
    #expect(Scale.roundedUp(.nan) == 1 && Scale.roundedUp(-3) == 1)
  }
}
