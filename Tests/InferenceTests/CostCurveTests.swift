import Compute
import Inference
import Testing

@Suite struct CostCurveTests {
  /// About what a small model in 4 bits shows.
  static let values = [1, 1.05, 1.25, 1.5, 1.85, 2.2, 3, 4, 6, 8, 12]

  func curve() -> CostCurve { CostCurve(base: 1_000_000, values: Self.values) }

  @Test func knowsWhatWasMeasuredAndWhatLiesBetween() {
    let curve = curve()
    #expect(curve.base == 1_000_000)
    for (size, value) in zip(CostCurve.sizes, Self.values) {
      #expect(curve.relative(size) == value)
    }
    #expect(curve.values == Self.values)
    #expect(abs(curve.relative(5) - (1.5 + 1.85) / 2) < 1e-9)
    #expect(abs(curve.relative(64) - 16) < 1e-9)
    #expect(curve.relative(0) == 1)
  }

  @Test func aMachineTwiceAsSlowLeavesTheShape() {
    let curve = curve()
    for round in 0..<200 {
      let rows = [1, 4, 2, 8][round % 4]
      let value = Self.values[CostCurve.sizes.firstIndex(of: rows) ?? 0]
      curve.observe(rows: rows, nanoseconds: UInt64(2_000_000 * value))
    }
    #expect(abs(curve.base / 2_000_000 - 1) < 0.05)
    for (size, value) in zip(CostCurve.sizes, Self.values) {
      #expect(abs(curve.relative(size) / value - 1) < 0.12, "V(\(size))")
    }
  }

  @Test func aLongContextSeenInSmallPassesIsKnownOfLargeOnes() {
    let curve = curve()
    // Each row's attention costs half of what the pass of one row cost.
    for round in 0..<300 {
      let rows = [1, 3, 1, 4][round % 4]
      let value = Self.values[CostCurve.sizes.firstIndex(of: rows) ?? 0]
      curve.observe(rows: rows, nanoseconds: UInt64(1_000_000 * (value + 0.5 * Double(rows))))
    }
    #expect(abs(curve.base / 1_500_000 - 1) < 0.05)
    #expect(abs(curve.relative(8) / ((2.2 + 4) / 1.5) - 1) < 0.12)
    #expect(abs(curve.relative(3) / ((1.25 + 1.5) / 1.5) - 1) < 0.05)
  }

  @Test func whatWasMeasuredWronglyIsPutRight() {
    var wrong = Self.values
    wrong[1] = 1.4
    let curve = CostCurve(base: 1_000_000, values: wrong)
    for round in 0..<600 {
      let rows = [1, 2, 4, 8][round % 4]
      let value = Self.values[CostCurve.sizes.firstIndex(of: rows) ?? 0]
      curve.observe(rows: rows, nanoseconds: UInt64(1_000_000 * value))
    }
    #expect(abs(curve.relative(2) - 1.05) < 0.08)
  }

  @Test func aPassThatWasInterruptedHardlyMatters() {
    let curve = curve()
    for _ in 0..<50 { curve.observe(rows: 1, nanoseconds: 1_000_000) }
    let before = curve.values
    for _ in 0..<3 { curve.observe(rows: 4, nanoseconds: 900_000_000) }
    curve.observe(rows: 1, nanoseconds: 0)
    for (old, new) in zip(before, curve.values) { #expect(abs(new / old - 1) < 0.15) }
    #expect(curve.base < 1_200_000)
  }

  @Test func aGuessGivesWayToTheFirstPass() {
    let curve = CostCurve(base: 50)
    #expect(curve.values == CostCurve.sizes.map { _ in 1 })
    curve.observe(rows: 5, nanoseconds: 3_000_000_000)
    #expect(curve.base == 3_000_000_000)
    #expect(curve.relative(48) == 1)
  }

  @Test func noTimesMakeAPassOfMoreRowsCheaperThanOne() {
    let curve = curve()
    var random = TestRandom(3)
    for _ in 0..<2000 {
      let rows = Int.random(in: 0...60, using: &random)
      curve.observe(rows: rows, nanoseconds: UInt64.random(in: 0...(1 << 40), using: &random))
      #expect(curve.base > 0 && curve.base.isFinite)
      #expect(curve.values.allSatisfy { $0 >= 1 && $0.isFinite })
    }
  }

  @Test func measuringGivesARisingCurveOfEverySize() throws {
    let model = ScriptedModel()
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    let curve = try CostCurve.measure(model, on: pool, nanoseconds: 3_000_000)
    #expect(curve.base > 0)
    #expect(curve.values.count == CostCurve.sizes.count && curve.values.first == 1)
    #expect(zip(curve.values, curve.values.dropFirst()).allSatisfy { $0 <= $1 })
  }
}
