import Compute

extension DenseKVCache {
  package func attend(_ step: AttentionStep, as worker: Worker) {
    store(step, as: worker)
    if worker.index == 0 { windows[step.layer] = step.window }
    let wanted = step.outputRows
    guard !wanted.isEmpty else { return }
    let first = firstNew - step.rows.lowerBound
    let positions = rows[first + wanted.lowerBound..<first + wanted.upperBound].map(\.position)
    let split = AttentionSplit(
      positions: positions,
      window: step.window, kvHeads: step.kvHeads, group: step.heads / step.kvHeads,
      dimension: step.headDimension, workers: worker.count)
    if worker.index == 0, split.isBySegment { reserveParts(split.segments.count, step) }
    worker.barrier()
    for item in split.items(of: worker.index) {
      layers[step.layer].attend(
        attentionRows(item.rows, heads: item.heads, step), kvHead: item.kvHead,
        bounds: item.positions, part: item.segment, of: item.segment == nil ? nil : parts,
        with: step.kernels)
    }
    guard split.isBySegment, let parts else { return }
    worker.barrier()
    for query in worker.share(of: wanted.count * step.heads) {
      let (row, head) = query.quotientAndRemainder(dividingBy: step.heads)
      let place = ((wanted.lowerBound + row) * step.heads + head) * step.headDimension
      parts.merge(
        count: split.segments.count, row: row, head: head, into: step.output, at: place,
        with: step.kernels)
    }
  }

  /// Called by one worker before a barrier.
  private func reserveParts(_ count: Int, _ step: AttentionStep) {
    if let parts, parts.parts >= count, parts.rows == step.outputRows.count,
      parts.heads == step.heads, parts.dimension == step.headDimension
    {
      return
    }
    // Twice the need, so that a growing sequence seldom asks for more.
    parts = AttentionParts(
      parts: 2 * count, rows: step.outputRows.count, heads: step.heads,
      dimension: step.headDimension)
  }

  /// - Parameter range: of the rows whose output is wanted.
  private func attentionRows(
    _ range: Range<Int>, heads: Range<Int>, _ step: AttentionStep
  ) -> AttentionRows {
    let first = step.outputRows.lowerBound
    let index = firstNew + first - step.rows.lowerBound + range.lowerBound
    return AttentionRows(
      queries: step.queries, output: step.output, heads: step.heads,
      dimension: step.headDimension,
      rows: first + range.lowerBound..<first + range.upperBound, group: heads,
      position: rows[index].position, tree: ancestors.map { ($0, index) }, window: step.window,
      scale: step.scale, softcap: step.softcap)
  }

  /// Rotates queries and keys, and stores keys and values, one key-value head of one row at a time.
  private func store(_ step: AttentionStep, as worker: Worker) {
    let group = step.heads / step.kvHeads
    let dimension = step.headDimension
    for item in worker.share(of: (rows.count - firstNew) * step.kvHeads) {
      let (new, head) = item.quotientAndRemainder(dividingBy: step.kvHeads)
      let row = step.rows.lowerBound + new
      let index = firstNew + new
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
}
