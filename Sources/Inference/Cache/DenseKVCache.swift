import Compute

/// Keeps every position of a sequence in half precision: the plain cache.
///
/// Committed position p lives in slot p. Provisional row i lives in slot `count + i`; a row of a tree sees its
/// ancestors through a table from position to slot, so that its bits equal those of the same tokens as a chain.
package final class DenseKVCache: KVCache {
  package private(set) var count = 0
  package let capacity: Int
  private let layers: [KeyValueRows]
  private let layout: Layout
  private var rows: [Row] = []
  /// `[rows, rows]`: slots of the provisional ancestors of each row, itself last; empty for a chain.
  private var ancestorSlots: Storage<Int32>?

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

  private struct Row {
    var parent: Int
    var position: Int
  }

  /// - Parameter capacity: positions at most; memory is taken only for those that are used.
  package init(layout: Layout, capacity: Int) {
    self.layout = layout
    self.capacity = capacity
    layers = (0..<layout.layers).map { _ in
      KeyValueRows(
        kvHeads: layout.kvHeads, capacity: capacity, dimension: layout.headDimension)
    }
  }

  package var byteCount: Int { layers.reduce(0) { $0 + $1.byteCount(rows: count) } }

  package func begin(parents: [Int]) throws(InferenceError) {
    guard count + parents.count <= capacity else {
      throw InferenceError(
        .contextFull, "\(count) positions and \(parents.count) more do not fit into \(capacity)")
    }
    rows = []
    rows.reserveCapacity(parents.count)
    var isChain = true
    for (index, parent) in parents.enumerated() {
      precondition(parent >= -1 && parent < index, "row \(index) cannot continue row \(parent)")
      let position = parent < 0 ? count : rows[parent].position + 1
      rows.append(Row(parent: parent, position: position))
      isChain = isChain && parent == index - 1
    }
    ancestorSlots = isChain ? nil : slotTable()
  }

  private func slotTable() -> Storage<Int32> {
    let table = Storage<Int32>(count: rows.count * rows.count)
    for index in rows.indices {
      var row = index
      while row >= 0 {
        table[index * rows.count + rows[row].position - count] = Int32(count + row)
        row = rows[row].parent
      }
    }
    return table
  }

  package func attend(_ step: AttentionStep, as worker: Worker) {
    store(step, as: worker)
    worker.barrier()
    read(step, as: worker)
  }

  /// Rotates queries and keys, and stores keys and values, one key-value head of one row at a time.
  private func store(_ step: AttentionStep, as worker: Worker) {
    let group = step.heads / step.kvHeads
    let dimension = step.headDimension
    for item in worker.share(of: rows.count * step.kvHeads) {
      let (index, head) = item.quotientAndRemainder(dividingBy: step.kvHeads)
      let row = step.rows.lowerBound + index
      let position = rows[index].position
      for query in head * group..<(head + 1) * group {
        step.kernels.rotate(
          step.queries, at: (row * step.heads + query) * dimension, by: step.rotary,
          position: position)
      }
      let place = (row * step.kvHeads + head) * dimension
      step.kernels.rotate(step.keys, at: place, by: step.rotary, position: position)
      layers[step.layer].store(
        kvHead: head, slot: count + index, key: step.keys, at: place, value: step.values,
        at: place, with: step.kernels)
    }
  }

  /// Reads the attention of the rows.
  ///
  /// With few rows the heads of a group are shared out one by one.
  private func read(_ step: AttentionStep, as worker: Worker) {
    let group = step.heads / step.kvHeads
    let dimension = step.headDimension
    let part = rows.count * step.kvHeads >= 4 * worker.count ? group : 1
    let parts = step.heads / part
    let wanted = step.outputRows.lowerBound - step.rows.lowerBound
    var item = worker.index
    // Later rows attend to more: dealing items out in turn keeps the shares even.
    while item < step.outputRows.count * parts {
      defer { item += worker.count }
      let (wantedIndex, partIndex) = item.quotientAndRemainder(dividingBy: parts)
      let index = wanted + wantedIndex
      let position = rows[index].position
      let start = step.window.map { max(0, position - $0 + 1) } ?? 0
      let place = ((step.rows.lowerBound + index) * step.heads + partIndex * part) * dimension
      layers[step.layer].attend(
        kvHead: partIndex * part / group, group: part, queries: step.queries, at: place,
        positions: start..<position + 1, slots: ancestorSlots, slotsOffset: index * rows.count,
        slotsBegin: count, scale: step.scale, softcap: step.softcap, output: step.output,
        at: place, with: step.kernels)
    }
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
    rows = []
    ancestorSlots = nil
  }

  package func truncate(to count: Int) {
    precondition(count >= 0 && count <= self.count, "cannot truncate \(self.count) to \(count)")
    self.count = count
    rows = []
    ancestorSlots = nil
  }

  package func fork() throws(InferenceError) -> any KVCache {
    let copy = DenseKVCache(layout: layout, capacity: capacity)
    for (target, source) in zip(copy.layers, layers) { target.copy(from: source, rows: count) }
    copy.count = count
    return copy
  }
}
