import Compute
import Inference

/// Keys and values of a stretch of text in every layer, its positions counted from its own beginning.
///
/// A key is rotated to its place in the block. Where the block stands for a reader is the reader's affair: it rotates
/// its queries.
package final class HogwildBlock {
  let layers: [KeyValueRows]
  package let capacity: Int
  /// Keys and values of a position in all layers, two bytes each.
  private let positionByteCount: Int
  /// Positions in use.
  package internal(set) var count = 0

  /// Positions of a block that a writer fills: one segment, so that a block is one part of the attention.
  package static let stepCapacity = AttentionParts.segment

  /// - Throws: `outOfMemory`.
  package init(shape: ModelShape, capacity: Int) throws(InferenceError) {
    positionByteCount = shape.layers * shape.kvWidth * 4
    let byteCount = positionByteCount * capacity
    guard AddressSpace.hasRoom(for: byteCount) else {
      throw InferenceError(
        .outOfMemory,
        "no room for a block of \(capacity) positions (\(byteCount) bytes): use fewer writers")
    }
    self.capacity = capacity
    layers = (0..<shape.layers).map { _ in
      KeyValueRows(kvHeads: shape.kvHeads, capacity: capacity, dimension: shape.headDimension)
    }
  }

  private init(copy other: HogwildBlock) {
    capacity = other.capacity
    count = other.count
    positionByteCount = other.positionByteCount
    layers = other.layers.map { source in
      let rows = KeyValueRows(
        kvHeads: source.kvHeads, capacity: source.capacity, dimension: source.dimension)
      rows.copy(from: source, rows: other.count)
      return rows
    }
  }

  func copy() -> HogwildBlock { HogwildBlock(copy: self) }

  package var byteCount: Int { count * positionByteCount }
}
