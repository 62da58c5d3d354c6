import CKernels

/// Keys and values of one layer in half precision: `[kvHeads, capacity, dimension]` each.
package final class KeyValueRows {
  package let kvHeads: Int
  package let capacity: Int
  package let dimension: Int
  private let keys: Storage<UInt16>
  private let values: Storage<UInt16>

  package init(kvHeads: Int, capacity: Int, dimension: Int) {
    self.kvHeads = kvHeads
    self.capacity = capacity
    self.dimension = dimension
    keys = Storage(count: kvHeads * capacity * dimension)
    values = Storage(count: kvHeads * capacity * dimension)
  }

  /// Bytes of `rows` positions.
  package func byteCount(rows: Int) -> Int { rows * kvHeads * dimension * 4 }

  /// Stores one head's key and value, floats at the given offsets, into `slot`.
  package func store(
    kvHead: Int, slot: Int, key: Buffer, at keyOffset: Int, value: Buffer, at valueOffset: Int,
    with kernels: Kernels
  ) {
    precondition(kvHead >= 0 && kvHead < kvHeads && slot >= 0 && slot < capacity)
    precondition(keyOffset >= 0 && keyOffset + dimension <= key.count)
    precondition(valueOffset >= 0 && valueOffset + dimension <= value.count)
    let place = (kvHead * capacity + slot) * dimension
    unsafe ck_to_half(kernels.isa, key.base + keyOffset, keys.base + place, Int64(dimension))
    unsafe ck_to_half(kernels.isa, value.base + valueOffset, values.base + place, Int64(dimension))
  }

  /// Copies one slot over another in every head.
  package func move(from source: Int, to target: Int) {
    precondition(source >= 0 && source < capacity && target >= 0 && target < capacity)
    for head in 0..<kvHeads {
      let start = (head * capacity + source) * dimension
      let end = (head * capacity + target) * dimension
      keys.copy(from: keys, start..<start + dimension, to: end)
      values.copy(from: values, start..<start + dimension, to: end)
    }
  }

  /// Copies the first `rows` slots of another layer of the same shape.
  package func copy(from other: KeyValueRows, rows: Int) {
    precondition(other.kvHeads == kvHeads && other.dimension == dimension)
    precondition(rows <= min(capacity, other.capacity))
    for head in 0..<kvHeads {
      let range = other.capacity * head * dimension..<(other.capacity * head + rows) * dimension
      keys.copy(from: other.keys, range, to: head * capacity * dimension)
      values.copy(from: other.values, range, to: head * capacity * dimension)
    }
  }

  /// Attention of the `group` query heads at `queryOffset` (adjacent, rotated) over positions `range` of one head.
  ///
  /// - Parameter slots: the slots of the positions from `slotsBegin` on; positions below it are their own slots.
  package func attend(
    kvHead: Int, group: Int, queries: Buffer, at queryOffset: Int, positions range: Range<Int>,
    slots: Storage<Int32>? = nil, slotsOffset: Int = 0, slotsBegin: Int = 0, scale: Float,
    softcap: Float = 0, output: Buffer, at outputOffset: Int, with kernels: Kernels
  ) {
    precondition(kvHead >= 0 && kvHead < kvHeads && !range.isEmpty && range.lowerBound >= 0)
    precondition(queryOffset >= 0 && queryOffset + group * dimension <= queries.count)
    precondition(outputOffset >= 0 && outputOffset + group * dimension <= output.count)
    var step = unsafe ck_attention()
    if let slots {
      precondition(slotsOffset >= 0 && slotsOffset + range.upperBound - slotsBegin <= slots.count)
      precondition(slotsBegin <= capacity && range.upperBound <= capacity)
      unsafe step.slots = UnsafePointer(slots.base + slotsOffset)
      unsafe step.slots_begin = Int64(slotsBegin)
    } else {
      precondition(range.upperBound <= capacity)
    }
    let place = kvHead * capacity * dimension
    unsafe step.queries = UnsafePointer(queries.base + queryOffset)
    unsafe step.keys = UnsafePointer(keys.base + place)
    unsafe step.values = UnsafePointer(values.base + place)
    unsafe step.begin = Int64(range.lowerBound)
    unsafe step.end = Int64(range.upperBound)
    unsafe step.group = Int64(group)
    unsafe step.dimension = Int64(dimension)
    unsafe step.scale = scale
    unsafe step.softcap = softcap
    unsafe step.output = output.base + outputOffset
    unsafe ck_attend(kernels.isa, &step)
  }
}
