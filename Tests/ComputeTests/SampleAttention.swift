import CKernels
import Compute
import Glibc

/// One head's keys and values and the queries of some rows, random.
struct SampleAttention {
  var dimension = 64
  /// Query heads that are computed; a row of the buffers has one more, which is not.
  var group = 1
  var rows = 1
  var capacity: Int
  /// Of row 0; the others follow.
  var position: Int
  var begin = 0
  var window = 0
  var softcap: Float = 0
  var queries: [Float] = []
  var keys: [UInt16] = []
  var values: [UInt16] = []
  /// Of each row, where they do not just follow each other: a tree.
  var positions: [Int32]?
  /// `[rows, capacity - slotsBegin]`.
  var slots: [Int32] = []
  var slotsBegin = 0

  /// - Parameter positions: what row 0 attends to.
  init(
    dimension: Int = 64, group: Int = 1, rows: Int = 1, positions: Range<Int>, window: Int = 0,
    seed: UInt64
  ) {
    var random = SampleGenerator(seed: seed)
    self.dimension = dimension
    self.group = group
    self.rows = rows
    self.window = window
    begin = positions.lowerBound
    position = positions.upperBound - 1
    capacity = positions.upperBound + rows - 1
    queries = random.floats(rows * heads * dimension, in: -3...3)
    keys = random.floats(capacity * dimension).map { Float16($0).bitPattern }
    values = random.floats(capacity * dimension).map { Float16($0).bitPattern }
  }

  var heads: Int { group + 1 }

  /// A tree: pairs of rows stand at the same position, and each row finds its ancestors from `slotsBegin` on in slots
  /// of its own.
  func asTree(slotsBegin: Int, seed: UInt64) -> SampleAttention {
    var tree = self
    var random = SampleGenerator(seed: seed)
    tree.slotsBegin = slotsBegin
    tree.positions = (0..<rows).map { Int32(position + $0 / 2) }
    tree.slots = (0..<rows * (capacity - slotsBegin)).map { _ in
      Int32(slotsBegin + Int(random.next() % UInt64(capacity - slotsBegin)))
    }
    return tree
  }

  /// The positions that a row attends to.
  func attended(by row: Int) -> Range<Int> {
    let end = (positions.map { Int($0[row]) } ?? position + row) + 1
    return max(begin, window > 0 ? end - window : 0)..<end
  }

  /// `[rows, heads, dimension]`, with NaN for the head that is not computed.
  func attend(isa: Int32) -> [Float] {
    var output = [Float](repeating: .nan, count: queries.count)
    output.withUnsafeMutableBufferPointer { output in
      call { step in
        step.output = output.baseAddress
        ck_attend(isa, &step)
      }
    }
    return output
  }

  /// The same, computed segment by segment and merged.
  func attendInParts(isa: Int32) -> [Float] {
    let size = Int(CK_ATTENTION_SEGMENT)
    let segments = begin / size..<(capacity - 1) / size + 1
    var output = [Float](repeating: .nan, count: queries.count)
    var values = [Float](repeating: .nan, count: segments.count * queries.count)
    var states = [Float](repeating: .nan, count: segments.count * rows * heads * 2)
    values.withUnsafeMutableBufferPointer { values in
      states.withUnsafeMutableBufferPointer { states in
        for (part, segment) in segments.enumerated() {
          call { step in
            step.begin = max(step.begin, Int64(segment * size))
            step.end = min(step.end, Int64((segment + 1) * size))
            step.output = values.baseAddress.map { $0 + part * queries.count }
            step.states = states.baseAddress.map { $0 + part * rows * heads * 2 }
            ck_attend(isa, &step)
          }
        }
        output.withUnsafeMutableBufferPointer { output in
          for query in 0..<rows * heads where query % heads < group {
            ck_attend_merge(
              isa, values.baseAddress.map { $0 + query * dimension },
              states.baseAddress.map { $0 + query * 2 }, Int64(segments.count),
              Int64(rows * heads), Int64(dimension),
              output.baseAddress.map { $0 + query * dimension })
          }
        }
      }
    }
    return output
  }

  /// One row alone, as a call of one row sees it.
  func alone(row: Int) -> SampleAttention {
    var sample = self
    sample.rows = 1
    sample.queries = Array(queries[row * heads * dimension..<(row + 1) * heads * dimension])
    sample.position = attended(by: row).upperBound - 1
    if positions != nil {
      let width = capacity - slotsBegin
      sample.positions = [Int32(sample.position)]
      sample.slots = Array(slots[row * width..<(row + 1) * width])
    }
    return sample
  }

  private func call(_ body: (inout ck_attention) -> Void) {
    queries.withUnsafeBufferPointer { queries in
      keys.withUnsafeBufferPointer { keys in
        values.withUnsafeBufferPointer { values in
          slots.withUnsafeBufferPointer { slots in
            (positions ?? []).withUnsafeBufferPointer { places in
              var step = ck_attention()
              step.queries = queries.baseAddress
              step.keys = keys.baseAddress
              step.values = values.baseAddress
              step.position = Int64(position)
              step.begin = Int64(begin)
              step.end = Int64(capacity)
              step.window = Int64(window)
              step.rows = Int64(rows)
              step.group = Int64(group)
              step.heads = Int64(heads)
              step.dimension = Int64(dimension)
              step.scale = 1 / Float(dimension).squareRoot()
              step.softcap = softcap
              if positions != nil {
                step.positions = places.baseAddress
                step.slots = slots.baseAddress
                step.slots_begin = Int64(slotsBegin)
                step.slots_stride = Int64(capacity - slotsBegin)
              }
              body(&step)
            }
          }
        }
      }
    }
  }

  /// The textbook formula in double precision, for row 0.
  func exact() -> [Double] {
    var output = [Double](repeating: 0, count: group * dimension)
    let positions = attended(by: 0)
    for g in 0..<group {
      let scores = positions.map { p in
        let dot = (0..<dimension).reduce(0.0) {
          $0 + Double(queries[g * dimension + $1])
            * Double(Float16(bitPattern: keys[p * dimension + $1]))
        }
        let score = dot / Double(dimension).squareRoot()
        return softcap > 0 ? Double(softcap) * tanh(score / Double(softcap)) : score
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
