import Compute
import Inference

// What comes after the layers: the final norm and the logits.
extension TransformerPass {
  /// The final norm of the rows that want logits.
  func normOutput(as worker: Worker) {
    let own = activations(of: worker)
    let width = shape.width
    let last = shape.layers - 1
    let norm = model.weights.layers[last].feedForwardOutputNorm
    let wanted = batch.logitRows
    let mine = share(of: 0..<wanted.count, as: worker)
    for index in mine {
      let row = wanted[index]
      addProjected(row, norm: norm, to: own)
      if let feature = features[last] { keep(row, of: own, in: feature, as: worker) }
      kernels.normalize(
        own.hidden, at: row * width, count: width, weight: model.weights.outputNorm,
        epsilon: configuration.normEpsilon, into: own.final.floats, at: index * width)
    }
    prepare(own.final, rows: mine, for: model.weights.head)
    if let feature = features[last] {
      let others = batch.wantedFeatures.filter { !wanted.contains($0) }
      for row in share(of: 0..<others.count, as: worker).map({ others[$0] }) {
        addProjected(row, norm: norm, to: own)
        keep(row, of: own, in: feature, as: worker)
      }
    }
    finishRows(.norm, as: worker)
  }

  /// The logits of the tokens whose rows a matrix holds.
  ///
  /// - Parameters:
  ///   - matrix: the head, or some of its rows, which are whole blocks of logits.
  ///   - first: the token of its first row.
  ///   - following: the matrix that is read after it.
  func computeLogits(
    of matrix: Tensor, from first: Int, then following: Tensor?, as worker: Worker
  ) {
    let wanted = batch.logitRows.count
    if wanted == 0 { return }
    let own = activations(of: worker)
    let tokens = tokens.clamped(to: first..<first + matrix.rows)
    exclude(tokens.gaps(in: first..<first + matrix.rows), as: worker)
    let after = following.map { firstRow(of: $0, rows: wanted, as: worker) }
    let rowBytes = matrix.byteCount / max(1, matrix.rows)
    let work = work(
      tokens.count, of: tokens.count * rowBytes, unit: LogitBlocks.length, rows: wanted,
      in: worker.count)
    worker.deal(work) { share, next in
      // In pieces, so that their logits are still in the nearest cache when they are summarised.
      for range in tokens.ranges(share) {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 4096) {
          let piece = start..<min(start + 4096, range.upperBound)
          let end = piece.upperBound == range.upperBound
          kernels.multiply(
            matrix, rows: piece.lowerBound - first..<piece.upperBound - first, by: own.final,
            tokens: 0..<wanted, into: scratch.logits, at: first, stride: shape.vocabulary,
            next: end
              ? next.map { (matrix, tokens.token($0) - first) } ?? after
              : (matrix, piece.upperBound - first))
          for index in 0..<wanted { summarize(piece, of: index) }
        }
      }
    }
    finish(
      .head, bytes: tokens.count * rowBytes,
      operations: 2 * wanted * tokens.count * matrix.columns, as: worker)
  }

  /// Makes tokens impossible whose logits are not wanted.
  private func exclude(_ gaps: [Range<Int>], as worker: Worker) {
    for index in worker.share(of: gaps.isEmpty ? 0 : batch.logitRows.count) {
      let place = index * shape.vocabulary
      for gap in gaps {
        scratch.logits.fill(place + gap.lowerBound..<place + gap.upperBound, with: -.infinity)
        scratch.logitBlocks.exclude(tokens: gap, row: index)
      }
    }
  }

  /// Ends the logits of some tokens for one row: the cap, and the summaries that samplers look at first.
  private func summarize(_ tokens: Range<Int>, of row: Int) {
    let place = row * shape.vocabulary
    if configuration.finalSoftcap > 0 {
      kernels.softcap(
        scratch.logits, at: place + tokens.lowerBound, count: tokens.count,
        cap: configuration.finalSoftcap)
    }
    scratch.logitBlocks.summarize(
      scratch.logits, at: place, tokens: tokens, row: row, with: kernels)
  }
}
