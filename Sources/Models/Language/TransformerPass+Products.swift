import Compute
import Inference

// How the matrices of a pass are dealt out to the workers.
extension TransformerPass {
  /// inner = activation(gate) * up, each worker the output rows that it has multiplied.
  func gateUp(
    _ layer: LayerWeights, rows active: Range<Int>, from own: RowActivations, as worker: Worker
  ) {
    let after = firstRow(of: layer.down, rows: active.count, as: worker)
    worker.deal(work(of: layer.gate, rows: active.count, in: worker.count)) { columns, next in
      let offset = active.lowerBound * shape.feedForward
      kernels.multiply(
        layer.gate, rows: columns, by: own.normed, tokens: active, into: scratch.gate, at: offset,
        stride: shape.feedForward, next: (layer.up, columns.lowerBound))
      kernels.multiply(
        layer.up, rows: columns, by: own.normed, tokens: active, into: scratch.inner, at: offset,
        stride: shape.feedForward, next: next.map { (layer.gate, $0) } ?? after)
      for row in active {
        let place = row * shape.feedForward + columns.lowerBound
        switch configuration.activation {
        case .silu:
          kernels.siluMultiply(
            scratch.gate, scratch.inner, at: place, count: columns.count, into: scratch.inner)
        case .gelu:
          kernels.geluMultiply(
            scratch.gate, scratch.inner, at: place, count: columns.count, into: scratch.inner)
        }
      }
    }
  }

  /// One matrix for the batch rows `active`, the output rows dealt out to the workers.
  ///
  /// - Parameters:
  ///   - following: the matrix that comes after it; its first weights are asked for at the end of this one.
  ///   - body: called with each range of output rows that this worker has done.
  func multiply(
    _ weight: Tensor, by input: Activations, rows active: Range<Int>, into output: Buffer,
    then following: Tensor?, as worker: Worker, _ body: (Range<Int>) -> Void = { _ in }
  ) {
    guard !active.isEmpty else { return }
    let after = following.map { firstRow(of: $0, rows: active.count, as: worker) }
    worker.deal(work(of: weight, rows: active.count, in: worker.count)) { share, next in
      kernels.multiply(
        weight, rows: share, by: input, tokens: active, into: output,
        at: active.lowerBound * weight.rows, stride: weight.rows,
        next: next.map { (weight, $0) } ?? after)
      body(share)
    }
  }

  /// How the output rows of a matrix are dealt out.
  ///
  /// With few batch rows reading the weights takes the time, so they are read in long runs: all of a small matrix, most
  /// of a large one. With many rows the products do, and all are dealt out on demand.
  func work(of weight: Tensor, rows: Int, in team: Int) -> DealtWork {
    work(
      weight.rows, of: weight.byteCount,
      unit: weight.rows == shape.vocabulary ? LogitBlocks.length : 16, rows: rows, in: team)
  }

  /// How `total` output rows of so many bytes are dealt out.
  func work(_ total: Int, of byteCount: Int, unit: Int, rows: Int, in team: Int) -> DealtWork {
    let reads = rows <= 16
    let pieces = team * (reads ? 32 : 16)
    let readQuarters = byteCount < 1 << 20 ? 4 : 3
    return DealtWork(
      total: total, unit: unit, piece: max(total / (unit * pieces), 1) * unit,
      ownQuarters: reads ? readQuarters : 0)
  }

  /// The weights of a matrix that this worker will read first.
  func firstRow(of weight: Tensor, rows: Int, as worker: Worker) -> (Tensor, Int) {
    let work = work(of: weight, rows: rows, in: worker.count)
    let own = work.own(of: worker.index, in: worker.count)
    let pieces = work.pieceCount(in: worker.count)
    guard own.isEmpty, pieces > 0 else { return (weight, own.lowerBound) }
    let piece = work.piece(min(worker.index, pieces - 1), in: worker.count)
    return (weight, piece.lowerBound)
  }
}
