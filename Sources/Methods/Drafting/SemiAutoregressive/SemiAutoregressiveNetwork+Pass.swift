import Compute
import Glibc
import Inference

// The arithmetic of the drafter, row for row that of drafter.py in assets/training/semi_autoregressive.
extension SemiAutoregressiveNetwork {
  /// Runs rows through the LSTM, one after the other, and stores their keys and values.
  ///
  /// - Parameter first: the slot of the first row; the others follow.
  func recur(_ rows: [SemiAutoregressiveRow], first: Int, on pool: WorkerPool) {
    rotary.extend(to: (rows.map(\.position).max() ?? 0) + 1)
    pool.run { worker in
      for index in worker.share(of: rows.count) { enter(rows[index], at: index) }
      worker.barrier()
      let width = weights.width
      let units = worker.share(of: width, multipleOf: 16)
      for gate in 0..<4 {
        let part = gate * width + units.lowerBound..<gate * width + units.upperBound
        kernels.multiply(
          weights.inputGates, rows: part, by: scratch.inputs, tokens: 0..<rows.count,
          into: scratch.gates, stride: 4 * width)
      }
      for (index, row) in rows.enumerated() {
        step(row, number: index, slot: first + index, units: units)
        worker.barrier()
        if worker.index == 0 {
          prepare(scratch.hidden, rows: first + index..<first + index + 1)
        }
        worker.barrier()
      }
      storeKeys(rows, first: first, as: worker)
    }
  }

  /// Embedding and state of a row, side by side.
  private func enter(_ row: SemiAutoregressiveRow, at index: Int) {
    let width = weights.width
    let (inputs, target) = (scratch.inputs, weights.target)
    let place = index * 2 * width
    kernels.dequantize(target.embedding, row: Int(row.token), into: inputs.floats, at: place)
    if target.embeddingScale != 1 {
      kernels.scale(inputs.floats, at: place, count: width, by: target.embeddingScale)
    }
    inputs.floats.copy(
      from: row.states, row.state * width..<(row.state + 1) * width, to: place + width)
    prepare(inputs, rows: index..<index + 1)
  }

  /// One step of the LSTM for some of its units.
  ///
  /// Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, with the forget gate of Gers et al., 2000.
  private func step(_ row: SemiAutoregressiveRow, number: Int, slot: Int, units: Range<Int>) {
    let width = weights.width
    for gate in 0..<4 {
      let part = gate * width + units.lowerBound..<gate * width + units.upperBound
      kernels.multiply(
        weights.recurrentGates, rows: part, by: scratch.hidden,
        tokens: row.before..<row.before + 1, into: scratch.recurrent, stride: 4 * width)
    }
    let bias = weights.gateBias
    func sum(_ gate: Int, _ unit: Int) -> Float {
      let place = gate * width + unit
      return scratch.gates[number * 4 * width + place] + scratch.recurrent[place] + bias[place]
    }
    for unit in units {
      let kept = sigmoid(sum(1, unit)) * scratch.cells[row.before * width + unit]
      let cell = kept + sigmoid(sum(0, unit)) * tanh(sum(2, unit))
      scratch.cells[slot * width + unit] = cell
      scratch.hidden.floats[slot * width + unit] = sigmoid(sum(3, unit)) * tanh(cell)
    }
  }

  private func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }

  private func storeKeys(_ rows: [SemiAutoregressiveRow], first: Int, as worker: Worker) {
    let dimension = weights.headDimension
    let kvWidth = weights.kvHeads * dimension
    let tokens = first..<first + rows.count
    let part = worker.share(of: kvWidth, multipleOf: 16)
    kernels.multiply(
      weights.keys, rows: part, by: scratch.hidden, tokens: tokens, into: scratch.keys,
      stride: kvWidth)
    kernels.multiply(
      weights.values, rows: part, by: scratch.hidden, tokens: tokens, into: scratch.values,
      stride: kvWidth)
    worker.barrier()
    for item in worker.share(of: rows.count * weights.kvHeads) {
      let (row, head) = item.quotientAndRemainder(dividingBy: weights.kvHeads)
      let place = row * kvWidth + head * dimension
      kernels.rotate(scratch.keys, at: place, by: rotary, position: rows[row].position)
      cache.store(
        kvHead: head, slot: rows[row].slot, key: scratch.keys, at: place, value: scratch.values,
        at: place, with: kernels)
    }
  }

  /// The decoder layer and the output matrix for the rows of whole blocks.
  func decode(_ slots: Range<Int>, on pool: WorkerPool) {
    precondition(slots.count <= SemiAutoregressiveScratch.decodedRows)
    pool.run { worker in
      attend(slots, as: worker)
      feedForward(slots, as: worker)
      let length = weights.shortlist.count
      let part = worker.share(of: length, multipleOf: LogitBlocks.length)
      kernels.multiply(
        weights.head, rows: part, by: scratch.outputs, tokens: slots, into: scratch.logits,
        stride: length)
      guard !part.isEmpty else { return }
      for row in 0..<slots.count {
        scratch.logitBlocks.summarize(
          scratch.logits, at: row * length, tokens: part, row: row, with: kernels)
      }
    }
  }

  /// residual = hidden + attention(hidden): rows of a block see each other and all before them.
  private func attend(_ slots: Range<Int>, as worker: Worker) {
    let dimension = weights.headDimension
    let queryWidth = weights.heads * dimension
    kernels.multiply(
      weights.queries, rows: worker.share(of: queryWidth, multipleOf: 16), by: scratch.hidden,
      tokens: slots, into: scratch.queries, stride: queryWidth)
    worker.barrier()
    for item in worker.share(of: slots.count * weights.kvHeads) {
      let (row, head) = item.quotientAndRemainder(dividingBy: weights.kvHeads)
      attend(row, slot: slots.lowerBound + row, kvHead: head)
    }
    worker.barrier()
    prepare(scratch.attended, rows: worker.share(of: slots.count))
    worker.barrier()
    kernels.multiply(
      weights.attentionOutput, rows: worker.share(of: weights.width, multipleOf: 16),
      by: scratch.attended, tokens: 0..<slots.count, into: scratch.residual, stride: weights.width)
    worker.barrier()
  }

  private func attend(_ row: Int, slot: Int, kvHead: Int) {
    let group = weights.heads / weights.kvHeads
    let heads = kvHead * group..<(kvHead + 1) * group
    let dimension = weights.headDimension
    for head in heads {
      kernels.rotate(
        scratch.queries, at: (row * weights.heads + head) * dimension, by: rotary,
        position: position(of: slot))
    }
    // The row looks from the end of its block, so that it sees the block's later rows too.
    let end = blockEnd(of: slot)
    cache.attend(
      AttentionRows(
        queries: scratch.queries, output: scratch.attended.floats, heads: weights.heads,
        dimension: dimension, rows: row..<row + 1, group: heads, position: end.position,
        tree: ancestors.flatMap { table in end.row.map { (table, $0) } },
        scale: 1 / Float(dimension).squareRoot()),
      kvHead: kvHead, bounds: 0..<end.position + 1, with: kernels)
  }

  /// outputs = norm(residual + MLP(norm(residual))).
  private func feedForward(_ slots: Range<Int>, as worker: Worker) {
    let (width, length) = (weights.width, weights.feedForward)
    let rows = 0..<slots.count
    let own = worker.share(of: slots.count)
    let epsilon = weights.target.normEpsilon
    for row in own {
      kernels.add(
        scratch.residual, at: row * width, scratch.hidden.floats,
        at: (slots.lowerBound + row) * width, count: width)
      kernels.normalize(
        scratch.residual, at: row * width, count: width, weight: weights.norm, epsilon: epsilon,
        into: scratch.normed.floats, at: row * width)
    }
    prepare(scratch.normed, rows: own)
    worker.barrier()
    let columns = worker.share(of: length, multipleOf: 16)
    let inner = scratch.inner.floats
    kernels.multiply(
      weights.gate, rows: columns, by: scratch.normed, tokens: rows, into: scratch.gate,
      stride: length)
    kernels.multiply(
      weights.up, rows: columns, by: scratch.normed, tokens: rows, into: inner, stride: length)
    for row in rows {
      kernels.siluMultiply(
        scratch.gate, inner, at: row * length + columns.lowerBound, count: columns.count,
        into: inner)
    }
    worker.barrier()
    prepare(scratch.inner, rows: own)
    worker.barrier()
    kernels.multiply(
      weights.down, rows: worker.share(of: width, multipleOf: 16), by: scratch.inner, tokens: rows,
      into: scratch.projected, stride: width)
    worker.barrier()
    for row in own {
      kernels.add(
        scratch.residual, at: row * width, scratch.projected, at: row * width, count: width)
      kernels.normalize(
        scratch.residual, at: row * width, count: width, weight: weights.target.outputNorm,
        epsilon: epsilon, into: scratch.outputs.floats, at: (slots.lowerBound + row) * width)
    }
    prepare(
      scratch.outputs,
      rows: slots.lowerBound + own.lowerBound..<slots.lowerBound + own.upperBound)
    worker.barrier()
  }

  /// Quantises rows into every form that was made room for.
  private func prepare(_ rows: Activations, rows range: Range<Int>) {
    for form in ActivationForm.allCases where rows.has(form) {
      kernels.prepare(rows, rows: range, form: form)
    }
  }
}
