import CKernels

/// Keys and values of one layer in half precision: `[kvHeads, capacity, dimension]` each.
///
/// The first slots may be released: their memory is given back, and nothing may attend to them.
package final class KeyValueRows {
  package let kvHeads: Int
  package let capacity: Int
  package let dimension: Int
  /// Slots below this one are released.
  package private(set) var firstSlot = 0
  private let keys: Storage<UInt16>
  private let values: Storage<UInt16>

  package init(kvHeads: Int, capacity: Int, dimension: Int) {
    self.kvHeads = kvHeads
    self.capacity = capacity
    self.dimension = dimension
    keys = Storage(count: kvHeads * capacity * dimension)
    values = Storage(count: kvHeads * capacity * dimension)
  }

  /// Bytes in use by the slots below `end`.
  package func byteCount(below end: Int) -> Int {
    max(0, end - firstSlot) * kvHeads * dimension * 4
  }

  /// Bytes of physical memory.
  package var residentByteCount: Int { keys.residentByteCount + values.residentByteCount }

  /// Gives back the memory of the slots below `slot`, to whole pages.
  package func release(below slot: Int) {
    precondition(slot <= capacity)
    guard slot > firstSlot else { return }
    // Where the last release ended, a page that was still needed in part may now go too.
    let start = max(0, firstSlot - (Storage<UInt16>.pageByteCount / 2 + dimension - 1) / dimension)
    for head in 0..<kvHeads {
      let range = (head * capacity + start) * dimension..<(head * capacity + slot) * dimension
      keys.release(range)
      values.release(range)
    }
    firstSlot = slot
  }

  /// Makes all slots usable again; those that were released hold nothing of use.
  package func reclaim() { firstSlot = 0 }

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

  /// Copies the slots below `rows` of another layer of the same shape, but for those that it released.
  package func copy(from other: KeyValueRows, rows: Int) {
    precondition(other.kvHeads == kvHeads && other.dimension == dimension)
    precondition(rows <= min(capacity, other.capacity) && rows >= other.firstSlot)
    for head in 0..<kvHeads {
      let start = other.capacity * head + other.firstSlot
      let range = start * dimension..<(other.capacity * head + rows) * dimension
      keys.copy(from: other.keys, range, to: (head * capacity + other.firstSlot) * dimension)
      values.copy(from: other.values, range, to: (head * capacity + other.firstSlot) * dimension)
    }
    firstSlot = other.firstSlot
  }

  /// Attention of some rows' queries that belong to one head of the keys and values.
  ///
  /// - Parameters:
  ///   - bounds: the rows attend to nothing outside of these positions.
  ///   - part: nil writes the finished outputs. Else `bounds` lies in one segment, and what the rows get from it
  ///     becomes that part of `parts`.
  package func attend(
    _ rows: AttentionRows, kvHead: Int, bounds: Range<Int>, part: Int? = nil,
    of parts: AttentionParts? = nil, with kernels: Kernels
  ) {
    precondition(kvHead >= 0 && kvHead < kvHeads && !bounds.isEmpty)
    precondition(bounds.lowerBound >= firstSlot, "positions below \(firstSlot) were released")
    precondition(rows.dimension == dimension && rows.lastSlot < capacity)
    var step = unsafe ck_attention()
    unsafe rows.describe(&step)
    let place = kvHead * capacity * dimension
    unsafe step.keys = UnsafePointer(keys.base + place)
    unsafe step.values = UnsafePointer(values.base + place)
    unsafe step.begin = Int64(bounds.lowerBound)
    unsafe step.end = Int64(bounds.upperBound)
    if let parts, let part { unsafe parts.describe(part, rows: rows, &step) }
    unsafe ck_attend(kernels.isa, &step)
  }
}
