import CKernels
import Compute
import Testing

@Suite struct AttentionTests {
  static let ranges = [0..<1, 0..<5, 0..<64, 3..<66, 60..<200, 0..<257, 130..<131, 250..<800]

  @Test(
    arguments: [16, 24, 64, 80, 96, 128, 256, 528], [1, 2, 3, 4, 5, 7, 8, 17])
  func everyVersionComputesTheScalarBits(dimension: Int, group: Int) {
    for range in dimension == 64 ? Self.ranges : [60..<200] {
      var sample = SampleAttention(
        dimension: dimension, group: group, positions: range, seed: 1)
      for softcap: Float in [0, 20] {
        sample.softcap = softcap
        expectScalarBits(sample, "\(range)")
      }
    }
  }

  @Test(arguments: Array(1...17) + [33], [1, 2, 3, 4, 7])
  func manyRowsInOneCallGetTheScalarBits(rows: Int, group: Int) {
    for (dimension, range) in [(64, 0..<1), (64, 40..<300), (80, 0..<60), (128, 0..<255)] {
      for window in [0, 30, 100] {
        let sample = SampleAttention(
          dimension: dimension, group: group, rows: rows, positions: range, window: window,
          seed: UInt64(rows))
        expectScalarBits(sample, "\(dimension), \(range), window \(window)")
      }
    }
  }

  @Test(arguments: [(3, 64), (4, 64), (1, 256), (4, 256), (7, 64), (6, 128)])
  func aLongChunkOfRowsGetsTheScalarBits(group: Int, dimension: Int) {
    let sample = SampleAttention(
      dimension: dimension, group: group, rows: 130, positions: 0..<200, seed: 8)
    expectScalarBits(sample)
  }

  /// From row 4 on the windows begin where the first segment of 512 ends.
  @Test func aSegmentThatARowDoesNotReachAddsNothing() {
    for rows in [5, 9, 17] {
      expectScalarBits(
        SampleAttention(group: 3, rows: rows, positions: 0..<612, window: 104, seed: 10))
    }
  }

  @Test(arguments: 1...9, [1, 3, 4, 7])
  func rowsOfATreeGetTheScalarBits(rows: Int, group: Int) {
    for (slotsBegin, window) in [(0, 0), (70, 0), (133, 0), (140, 0), (120, 25)] {
      let sample = SampleAttention(
        group: group, rows: rows, positions: 0..<141, window: window, seed: 5)
      expectScalarBits(
        sample.asTree(slotsBegin: slotsBegin, seed: 6), "slots from \(slotsBegin)")
    }
  }

  @Test func aRowKeepsItsBitsAmongOthersAndAlone() {
    let chain = SampleAttention(group: 3, rows: 9, positions: 20..<290, window: 260, seed: 3)
    let tree = chain.asTree(slotsBegin: 250, seed: 4)
    for sample in [chain, tree] {
      let width = sample.heads * sample.dimension
      for kernels in Kernels.available {
        let together = sample.attend(isa: kernels.isa)
        for row in 0..<sample.rows {
          let alone = sample.alone(row: row).attend(isa: kernels.isa)
          #expect(alone.bits == Array(together[row * width..<(row + 1) * width]).bits)
        }
      }
    }
  }

  @Test func aQueryKeepsItsBitsInAnyGroup() {
    let sample = SampleAttention(dimension: 32, group: 9, positions: 0..<150, seed: 3)
    for kernels in Kernels.available {
      let together = sample.attend(isa: kernels.isa)
      for g in 0..<9 {
        var single = sample
        single.group = 1
        single.queries = Array(sample.queries[g * 32..<(g + 2) * 32])
        let alone = single.attend(isa: kernels.isa)
        #expect(Array(alone[..<32]).bits == Array(together[g * 32..<(g + 1) * 32]).bits)
      }
    }
  }

  @Test(arguments: ranges) func attentionMatchesDoublePrecision(range: Range<Int>) {
    var sample = SampleAttention(group: 3, positions: range, seed: 2)
    for softcap: Float in [0, 5] {
      sample.softcap = softcap
      let exact = sample.exact()
      let actual = sample.attend(isa: Kernels.shared.isa)
      for index in exact.indices { #expect(abs(Double(actual[index]) - exact[index]) <= 2e-6) }
    }
  }

  @Test func aValueOutsideOfARowsReachLeavesNoTrace() {
    // A product of a weight of 0 with infinity would be NaN.
    let sample = SampleAttention(group: 3, rows: 6, positions: 0..<70, window: 20, seed: 9)
    var spoiled = sample
    let reach = sample.attended(by: 0).lowerBound..<sample.attended(by: 2).upperBound
    for p in 0..<sample.capacity where !reach.contains(p) {
      for d in 0..<64 { spoiled.values[p * 64 + d] = Float16.infinity.bitPattern }
    }
    let count = 3 * sample.heads * 64
    for kernels in Kernels.available {
      let expected = sample.attend(isa: kernels.isa)
      let actual = spoiled.attend(isa: kernels.isa)
      #expect(Array(actual[..<count]).bits == Array(expected[..<count]).bits)
      #expect(actual.bits != expected.bits)
    }
  }

  @Test func slotsOnlySayWhereARowLies() {
    let straight = SampleAttention(group: 2, positions: 0..<140, seed: 4)
    // Positions from 70 on lie in a shuffled order.
    let order = (0..<70).map { Int32(70 + $0 * 31 % 70) }
    var moved = straight
    moved.slotsBegin = 70
    moved.positions = [139]
    moved.slots = order
    for (index, slot) in order.enumerated() {
      for d in 0..<64 {
        moved.keys[Int(slot) * 64 + d] = straight.keys[(70 + index) * 64 + d]
        moved.values[Int(slot) * 64 + d] = straight.values[(70 + index) * 64 + d]
      }
    }
    for kernels in Kernels.available {
      #expect(straight.attend(isa: kernels.isa).bits == moved.attend(isa: kernels.isa).bits)
    }
  }

  @Test func facesStoreMoveAndAttend() {
    let rows = KeyValueRows(kvHeads: 2, capacity: 8, dimension: 16)
    let keys = Buffer(count: 64)
    let values = Buffer(count: 64)
    let output = Buffer(count: 64)
    for index in 0..<64 { values[index] = Float(index) }
    rows.store(kvHead: 1, slot: 5, key: keys, at: 0, value: values, at: 16, with: .shared)
    rows.move(from: 5, to: 0)
    func read(_ source: KeyValueRows, row: Int) {
      let query = AttentionRows(
        queries: keys, output: output, heads: 1, dimension: 16, rows: row..<row + 1, group: 0..<1,
        position: 0, scale: 1)
      source.attend(query, kvHead: 1, bounds: 0..<1, with: .shared)
    }
    read(rows, row: 2)
    #expect(output.array(32..<48) == (16..<32).map { Float($0) })
    let copy = KeyValueRows(kvHeads: 2, capacity: 3, dimension: 16)
    copy.copy(from: rows, rows: 2)
    read(copy, row: 0)
    #expect(output.array(0..<16) == (16..<32).map { Float($0) })
  }

  @Test func aTableOfAncestorsNamesPositionsAndSlots() {
    let table = AncestorTable(parents: [-1, 0, 0, 2, -1], begin: 10)
    #expect(table.position(of: 3) == 12 && table.position(of: 4) == 10)
    #expect((10...12).map { table.slot(of: $0, for: 3) } == [10, 12, 13])
    #expect((10...11).map { table.slot(of: $0, for: 1) } == [10, 11])
    #expect(table.slot(of: 10, for: 4) == 14)
  }

  /// Whole and in parts.
  private func expectScalarBits(_ sample: SampleAttention, _ what: String = "") {
    let expected = sample.attend(isa: Int32(CK_SCALAR)).bits
    for kernels in Kernels.available {
      #expect(sample.attend(isa: kernels.isa).bits == expected, "\(kernels.name) \(what)")
      #expect(
        sample.attendInParts(isa: kernels.isa).bits == expected, "\(kernels.name) parts \(what)")
    }
  }
}
