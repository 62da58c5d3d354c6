import Compute
import Inference

/// What words alone say of a picture, at every scale: what tokens are told beside the scale before.
struct ScaleSketch {
  private let words: WordSketch
  private let enter: DenseWeights
  /// Places of a side of the sketch.
  private let side: Int
  private let latent: Int

  init(_ weights: PictureWeights, latent: Int, width: Int) throws(InferenceError) {
    side = try weights.integer("side", 1...64)
    self.latent = latent
    words = try WordSketch(weights, outputs: side * side * latent)
    enter = try weights.dense("enter_sketch", outputs: width, depth: latent)
  }

  var byteCount: Int { words.byteCount + enter.byteCount }

  /// For each text and each token of the scales a row, `[texts, tokens, width]`.
  func callAsFunction(
    _ texts: [TextVector?], scales: [Int], on compute: MapCompute
  ) -> Buffer {
    let whole = words(texts, on: compute)
    let length = scales.reduce(0) { $0 + $1 * $1 }
    let rows = Buffer(count: texts.count * length * latent)
    var target = 0
    for text in texts.indices {
      let start = text * side * side * latent
      for scale in scales {
        resize(whole, at: start, to: scale, into: rows, at: target)
        target += scale * scale * latent
      }
    }
    return compute.product(rows, rows: texts.count * length, by: enter)
  }

  private func resize(
    _ whole: Buffer, at start: Int, to scale: Int, into rows: Buffer, at target: Int
  ) {
    if scale <= side {
      let means = Resizing.mean(of: whole, at: start, side: side, channels: latent, to: scale)
      rows.replace(at: target, with: means)
    } else {
      let map = whole.array(start..<start + side * side * latent)
      Resizing.apply(
        Resizing.cubic(from: side, to: scale), to: map, side: side, into: rows, at: target)
    }
  }
}
