import Compute

/// Keeps every position of a sequence in half precision: the plain cache.
///
/// Committed position p lives in slot p. Provisional row i lives in slot `count + i`; a row of a tree sees its
/// ancestors through a table from position to slot, so that its bits equal those of the same tokens as a chain.
///
/// A layer with a window gives back the memory of positions that neither the window nor a rollback can reach.
package final class DenseKVCache: KVCache {
  package private(set) var count = 0
  package let capacity: Int
  let layers: [KeyValueRows]
  private let layout: Layout
  /// Positions that `truncate` can take back at any time.
  package let rollback: Int
  /// The window of each layer, as its last pass had it; nil for none.
  var windows: [Int?]
  /// The provisional rows.
  var rows: [Row] = []
  /// The first of them that the pass at hand computes.
  var firstNew = 0
  /// Where the provisional rows' ancestors lie; nil for a chain.
  var ancestors: AncestorTable?
  /// What the rows of a pass get from single segments; grows with the need for it.
  var parts: AttentionParts?

  /// The sizes that every layer shares.
  package struct Layout: Sendable {
    package var layers: Int
    package var kvHeads: Int
    package var headDimension: Int

    package init(layers: Int, kvHeads: Int, headDimension: Int) {
      self.layers = layers
      self.kvHeads = kvHeads
      self.headDimension = headDimension
    }
  }

  struct Row {
    var parent: Int
    var position: Int
  }

  /// - Parameters:
  ///   - capacity: positions at most; memory is taken only for those that are used.
  ///   - rollback: positions that can be taken back without computing others again, even where windows end.
  package init(layout: Layout, capacity: Int, rollback: Int = 512) {
    self.layout = layout
    self.capacity = capacity
    self.rollback = rollback
    windows = Array(repeating: nil, count: layout.layers)
    layers = (0..<layout.layers).map { _ in
      KeyValueRows(
        kvHeads: layout.kvHeads, capacity: capacity, dimension: layout.headDimension)
    }
  }

  package var byteCount: Int { layers.reduce(0) { $0 + $1.byteCount(below: count) } }

  /// Bytes of physical memory, in whole pages.
  package var residentByteCount: Int { layers.reduce(0) { $0 + $1.residentByteCount } }

  package var provisionalCount: Int { rows.count }

  package func begin(parents: [Int], isGrowing: Bool) throws(InferenceError) {
    let earlier = isGrowing ? rows.count : 0
    guard count + earlier + parents.count <= capacity else {
      throw InferenceError(
        .contextFull,
        "\(count + earlier) positions and \(parents.count) more do not fit into \(capacity)")
    }
    if !isGrowing { rows = [] }
    rows.reserveCapacity(earlier + parents.count)
    firstNew = earlier
    for parent in parents {
      let index = rows.count
      precondition(parent >= -1 && parent < index, "row \(index) cannot continue row \(parent)")
      let position = parent < 0 ? count : rows[parent].position + 1
      rows.append(Row(parent: parent, position: position))
    }
    let isChain = rows.indices.allSatisfy { rows[$0].parent == $0 - 1 }
    ancestors = isChain ? nil : AncestorTable(parents: rows.map(\.parent), begin: count)
  }

  package func commit(_ path: [Int]) {
    var last = -1
    for (offset, row) in path.enumerated() {
      precondition(
        rows.indices.contains(row) && rows[row].parent == last, "\(path) is no path of the rows")
      if row != offset {
        for layer in layers { layer.move(from: count + row, to: count + offset) }
      }
      last = row
    }
    count += path.count
    dropRows()
    releaseRows()
  }

  /// Positions released at a time, so that not every token asks the system.
  private static let releaseStep = 128

  private func releaseRows() {
    for (layer, window) in zip(layers, windows) {
      guard let window else { continue }
      let needed = Self.firstNeeded(at: count - rollback, window: window)
      if needed - layer.firstSlot >= Self.releaseStep { layer.release(below: needed) }
    }
  }

  /// The first position that the row at `position` attends to.
  private static func firstNeeded(at position: Int, window: Int) -> Int {
    max(0, position - window + 1)
  }

  package func truncate(to count: Int) -> Int {
    precondition(count >= 0 && count <= self.count, "cannot truncate \(self.count) to \(count)")
    let canContinue = zip(layers, windows).allSatisfy { layer, window in
      layer.firstSlot <= (window.map { Self.firstNeeded(at: count, window: $0) } ?? 0)
    }
    self.count = canContinue ? count : 0
    if self.count == 0 { for layer in layers { layer.reclaim() } }
    dropRows()
    return self.count
  }

  private func dropRows() {
    rows = []
    firstNew = 0
    ancestors = nil
  }

  package func fork() throws(InferenceError) -> any KVCache {
    let copy = DenseKVCache(layout: layout, capacity: capacity, rollback: rollback)
    for (target, source) in zip(copy.layers, layers) { target.copy(from: source, rows: count) }
    copy.count = count
    copy.windows = windows
    return copy
  }
}
