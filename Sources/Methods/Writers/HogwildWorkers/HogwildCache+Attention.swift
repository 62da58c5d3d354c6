import Compute
import Inference

/// What a row reads in one call of the kernel: positions of one block that lie in one segment.
///
/// It holds no reference, since all workers look through the same list.
struct HogwildPart {
  /// The row's number among the new ones, and the part's among the row's.
  var row: Int
  var index: Int
  /// The block's number in the view.
  var block: Int
  var range: Range<Int>
  /// The query's position, counted from the block's beginning.
  var position: Int
  /// The last position that the kernel lets the query see.
  var last: Int
}

extension HogwildCache {
  package func attend(_ step: AttentionStep, as worker: Worker) {
    store(step, as: worker)
    let wanted = step.outputRows
    guard !wanted.isEmpty else { return }
    if others.isEmpty, wanted.count > 8 {
      attendAlone(step, as: worker)
      return
    }
    let first = wanted.lowerBound - step.rows.lowerBound
    let new = first..<first + wanted.count
    let list =
      step.window == nil && new.count == provisionalCount
      ? reading : reading(of: new, window: step.window)
    var counts = [Int](repeating: 0, count: wanted.count)
    for part in list { counts[part.row - first] += 1 }
    if worker.index == 0 { reserve(rows: wanted.count, parts: counts.max() ?? 0, step) }
    worker.barrier()
    let pass = Pass(
      first: first, rows: blocks.map { $0.layers[step.layer] }, queries: queries, parts: parts,
      partsPerRow: partsPerRow)
    deal(list, kvHeads: step.kvHeads, to: worker) { part, kvHead in
      attend(part, kvHead: kvHead, pass, step)
    }
    worker.barrier()
    for query in worker.share(of: wanted.count * step.heads) {
      let (row, head) = query.quotientAndRemainder(dividingBy: step.heads)
      let place = ((wanted.lowerBound + row) * step.heads + head) * step.headDimension
      pass.parts[row].merge(
        count: counts[row], row: 0, head: head, into: step.output, at: place, with: step.kernels)
    }
  }

  /// What a worker needs of the cache in one layer, looked up once.
  private struct Pass {
    /// The first new row whose output is wanted.
    var first: Int
    /// The layer's rows of each block of the view.
    var rows: [KeyValueRows]
    var queries: Buffer
    var parts: [AttentionParts]
    var partsPerRow: Int
  }

  /// Rotates keys to their places in the block that is written to, and stores keys and values.
  private func store(_ step: AttentionStep, as worker: Worker) {
    for item in worker.share(of: provisionalCount * step.kvHeads) {
      let (new, head) = item.quotientAndRemainder(dividingBy: step.kvHeads)
      let place = ((step.rows.lowerBound + new) * step.kvHeads + head) * step.headDimension
      let slot = own.count + new
      step.kernels.rotate(step.keys, at: place, by: step.rotary, position: slot)
      own.layers[step.layer].store(
        kvHead: head, slot: slot, key: step.keys, at: place, value: step.values, at: place,
        with: step.kernels)
    }
  }

  /// The parts of new rows, row by row in the order of the view.
  func reading(of rows: Range<Int>, window: Int?) -> [HogwildPart] {
    var list: [HogwildPart] = []
    for row in rows {
      let position = begin + own.count + row
      let first = window.map { max(0, position + 1 - $0) } ?? 0
      var index = 0
      for (block, other) in others.enumerated() {
        let from = min(other.count, max(0, first - other.begin))
        for range in Self.segments(of: from..<other.count) {
          list.append(
            HogwildPart(
              row: row, index: index, block: block, range: range,
              position: position - other.begin, last: range.upperBound - 1))
          index += 1
        }
      }
      let last = own.count + row
      for range in Self.segments(of: max(0, first - begin)..<last + 1) {
        list.append(
          HogwildPart(
            row: row, index: index, block: others.count, range: range, position: last, last: last))
        index += 1
      }
    }
    return list
  }

  private static func segments(of range: Range<Int>) -> [Range<Int>] {
    let size = AttentionParts.segment
    guard !range.isEmpty else { return [] }
    return (range.lowerBound / size...(range.upperBound - 1) / size).map {
      range.clamped(to: $0 * size..<($0 + 1) * size)
    }
  }

  /// Called by one worker before a barrier.
  private func reserve(rows: Int, parts most: Int, _ step: AttentionStep) {
    if parts.count >= rows, partsPerRow >= most { return }
    // Twice the need, so that growing blocks seldom ask for more.
    if partsPerRow < most { partsPerRow = 2 * most }
    let count = max(rows, parts.count)
    queries = Buffer(count: count * partsPerRow * step.heads * step.headDimension)
    parts = (0..<count).map { _ in
      AttentionParts(
        parts: partsPerRow, rows: 1, heads: step.heads, dimension: step.headDimension)
    }
  }

  /// Deals out consecutive parts, so that each worker has about its share of the work.
  private func deal(
    _ list: [HogwildPart], kvHeads: Int, to worker: Worker,
    _ body: (_ part: HogwildPart, _ kvHead: Int) -> Void
  ) {
    // A part costs something however short it is.
    let least = 32
    let total = kvHeads * list.reduce(0) { $0 + least + $1.range.count }
    var done = 0
    for kvHead in 0..<kvHeads {
      for part in list {
        let cost = least + part.range.count
        let middle = done + cost / 2
        done += cost
        if middle * worker.count / total == worker.index { body(part, kvHead) }
      }
    }
  }

  /// Rotates copies of the row's queries to where they stand for the block, and attends to the part.
  private func attend(_ part: HogwildPart, kvHead: Int, _ pass: Pass, _ step: AttentionStep) {
    let dimension = step.headDimension
    let group = step.heads / step.kvHeads
    let heads = kvHead * group..<(kvHead + 1) * group
    let row = part.row - pass.first
    let source = (step.outputRows.lowerBound + row) * step.heads
    let place = row * pass.partsPerRow + part.index
    for head in heads {
      let start = (source + head) * dimension
      let target = (place * step.heads + head) * dimension
      pass.queries.copy(from: step.queries, start..<start + dimension, to: target)
      step.kernels.rotate(pass.queries, at: target, by: step.rotary, position: part.position)
    }
    pass.rows[part.block].attend(
      AttentionRows(
        queries: pass.queries, output: pass.queries, heads: step.heads, dimension: dimension,
        rows: place..<place + 1, group: heads, position: part.last, scale: step.scale,
        softcap: step.softcap),
      kvHead: kvHead, bounds: part.range, part: part.index, of: pass.parts[row],
      with: step.kernels)
  }

  /// Rows of a text that begins with the only block: they walk its keys and values together.
  private func attendAlone(_ step: AttentionStep, as worker: Worker) {
    let group = step.heads / step.kvHeads
    let first = own.count - step.rows.lowerBound
    for query in worker.share(of: step.outputRows.count * step.heads) {
      let (row, head) = query.quotientAndRemainder(dividingBy: step.heads)
      let index = step.outputRows.lowerBound + row
      step.kernels.rotate(
        step.queries, at: (index * step.heads + head) * step.headDimension, by: step.rotary,
        position: first + index)
    }
    worker.barrier()
    let rowsAtOnce = max(1, AttentionRows.queriesAtOnce(dimension: step.headDimension) / group)
    let blocks = (step.outputRows.count + rowsAtOnce - 1) / rowsAtOnce
    for item in 0..<blocks * step.kvHeads where item % worker.count == worker.index {
      let (block, kvHead) = item.quotientAndRemainder(dividingBy: step.kvHeads)
      let start = step.outputRows.lowerBound + block * rowsAtOnce
      let rows = start..<min(start + rowsAtOnce, step.outputRows.upperBound)
      own.layers[step.layer].attend(
        AttentionRows(
          queries: step.queries, output: step.output, heads: step.heads,
          dimension: step.headDimension, rows: rows,
          group: kvHead * group..<(kvHead + 1) * group, position: first + rows.lowerBound,
          window: step.window, scale: step.scale, softcap: step.softcap),
        kvHead: kvHead, bounds: 0..<first + rows.upperBound, with: step.kernels)
    }
  }
}
