import CKernels
import Compute
import Glibc
import Testing

/// One head's keys and values and some queries, random.
struct SampleAttention {
  let dimension: Int
  let group: Int
  let capacity: Int
  let queries: [Float]
  let keys: [UInt16]
  let values: [UInt16]

  init(dimension: Int, group: Int, capacity: Int, seed: UInt64) {
    var random = SampleGenerator(seed: seed)
    self.dimension = dimension
    self.group = group
    self.capacity = capacity
    queries = random.floats(group * dimension, in: -3...3)
    keys = random.floats(capacity * dimension).map { Float16($0).bitPattern }
    values = random.floats(capacity * dimension).map { Float16($0).bitPattern }
  }

  func attend(
    _ positions: Range<Int>, slots: [Int32]? = nil, slotsBegin: Int = 0, softcap: Float = 0,
    isa: Int32
  ) -> [Float] {
    var output = [Float](repeating: .nan, count: group * dimension)
    let scale = 1 / Float(dimension).squareRoot()
    func run(_ places: UnsafePointer<Int32>?) {
      queries.withUnsafeBufferPointer { queries in
        keys.withUnsafeBufferPointer { keys in
          values.withUnsafeBufferPointer { values in
            output.withUnsafeMutableBufferPointer { output in
              var step = ck_attention(
                queries: queries.baseAddress, keys: keys.baseAddress, values: values.baseAddress,
                slots: places, slots_begin: Int64(slotsBegin), begin: Int64(positions.lowerBound),
                end: Int64(positions.upperBound), group: Int64(group), dimension: Int64(dimension),
                scale: scale, softcap: softcap, output: output.baseAddress)
              ck_attend(isa, &step)
            }
          }
        }
      }
    }
    if let slots { slots.withUnsafeBufferPointer { run($0.baseAddress) } } else { run(nil) }
    return output
  }

  /// The textbook formula in double precision.
  func exact(_ positions: Range<Int>, softcap: Double = 0) -> [Double] {
    var output = [Double](repeating: 0, count: group * dimension)
    for g in 0..<group {
      let scores = positions.map { p in
        let dot = (0..<dimension).reduce(0.0) {
          $0 + Double(queries[g * dimension + $1])
            * Double(Float16(bitPattern: keys[p * dimension + $1]))
        }
        let score = dot / Double(dimension).squareRoot()
        return softcap > 0 ? softcap * tanh(score / softcap) : score
      }
      let top = scores.max() ?? 0
      let weights = scores.map { exp($0 - top) }
      let sum = weights.reduce(0, +)
      for (weight, p) in zip(weights, positions) {
        for d in 0..<dimension {
          output[g * dimension + d] +=
            weight / sum * Double(Float16(bitPattern: values[p * dimension + d]))
        }
      }
    }
    return output
  }
}

@Suite struct AttentionTests {
  static let ranges = [0..<1, 0..<5, 0..<64, 3..<66, 60..<200, 0..<257, 130..<131]

  @Test(
    arguments: [16, 24, 64, 80, 96, 128, 256], [1, 2, 3, 4, 5, 7, 8, 17])
  func everyVersionComputesTheScalarBits(dimension: Int, group: Int) {
    let sample = SampleAttention(dimension: dimension, group: group, capacity: 257, seed: 1)
    for range in dimension == 64 ? Self.ranges : [60..<200] {
      for softcap: Float in [0, 20] {
        let expected = sample.attend(range, softcap: softcap, isa: Int32(CK_SCALAR))
        for kernels in Kernels.available {
          let actual = sample.attend(range, softcap: softcap, isa: kernels.isa)
          #expect(actual.bits == expected.bits, "\(kernels.name) \(range)")
        }
      }
    }
  }

  @Test(arguments: ranges) func attentionMatchesDoublePrecision(range: Range<Int>) {
    let sample = SampleAttention(dimension: 64, group: 3, capacity: 257, seed: 2)
    let tolerance = 2e-6
    for softcap: Float in [0, 5] {
      let exact = sample.exact(range, softcap: Double(softcap))
      let actual = sample.attend(range, softcap: softcap, isa: Kernels.shared.isa)
      for index in exact.indices { #expect(abs(Double(actual[index]) - exact[index]) <= tolerance) }
    }
  }

  @Test func aQueryKeepsItsBitsInAnyGroup() {
    let sample = SampleAttention(dimension: 32, group: 9, capacity: 150, seed: 3)
    for kernels in Kernels.available {
      let together = sample.attend(0..<150, isa: kernels.isa)
      for g in 0..<9 {
        let alone = SampleAttention(sample, query: g).attend(0..<150, isa: kernels.isa)
        #expect(alone.bits == Array(together[g * 32..<g * 32 + 32]).bits)
      }
    }
  }

  @Test func slotsOnlySayWhereARowLies() {
    let sample = SampleAttention(dimension: 64, group: 2, capacity: 140, seed: 4)
    let slotsBegin = 70
    // Positions from 70 on lie in a shuffled order.
    let order = (70..<140).map { Int32(70 + ($0 - 70) * 31 % 70) }
    let moved = SampleAttention(sample, movingFrom: slotsBegin, to: order)
    for kernels in Kernels.available {
      for range in [0..<140, 0..<60, 75..<101] {
        let straight = sample.attend(range, isa: kernels.isa)
        let indirect = moved.attend(range, slots: order, slotsBegin: slotsBegin, isa: kernels.isa)
        #expect(straight.bits == indirect.bits)
      }
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
    rows.attend(
      kvHead: 1, group: 1, queries: keys, at: 0, positions: 0..<1, scale: 1, output: output, at: 32,
      with: .shared)
    #expect(output.array(32..<48) == (16..<32).map { Float($0) })
    let copy = KeyValueRows(kvHeads: 2, capacity: 3, dimension: 16)
    copy.copy(from: rows, rows: 2)
    copy.attend(
      kvHead: 1, group: 1, queries: keys, at: 0, positions: 0..<1, scale: 1, output: output, at: 0,
      with: .shared)
    #expect(output.array(0..<16) == (16..<32).map { Float($0) })
  }
}

extension SampleAttention {
  init(_ other: SampleAttention, query: Int) {
    self.init(
      other, group: 1,
      queries: Array(other.queries[query * other.dimension..<(query + 1) * other.dimension]),
      keys: other.keys, values: other.values)
  }

  /// The row of position `begin + i` moves to slot `order[i]`.
  init(_ other: SampleAttention, movingFrom begin: Int, to order: [Int32]) {
    var keys = other.keys
    var values = other.values
    for (index, slot) in order.enumerated() {
      for d in 0..<other.dimension {
        let source = (begin + index) * other.dimension + d
        let target = Int(slot) * other.dimension + d
        keys[target] = other.keys[source]
        values[target] = other.values[source]
      }
    }
    self.init(other, group: other.group, queries: other.queries, keys: keys, values: values)
  }

  private init(
    _ other: SampleAttention, group: Int, queries: [Float], keys: [UInt16], values: [UInt16]
  ) {
    dimension = other.dimension
    capacity = other.capacity
    self.group = group
    self.queries = queries
    self.keys = keys
    self.values = values
  }
}
