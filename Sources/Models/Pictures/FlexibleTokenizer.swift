import Compute
import Inference

/// Turns tokens of any scale into a picture: each scale is a whole picture, whatever the others are.
///
/// Source: Jiao et al., "FlexVAR: flexible visual autoregressive modeling without residual prediction", arXiv:2502.20313.
package final class FlexibleTokenizer: PictureTokenizer {
  package let codes: Int
  package let latent: Int
  package let scales: [Int]
  private let compute: MapCompute
  private let parts: Parts

  /// Weights, whatever the scales.
  private final class Parts {
    /// `[codes, latent]`.
    let codebook: Buffer
    let mixers: [Convolution]
    let decoder: PictureDecoder
    /// Places of a side that the decoder was trained with: smaller maps grow to it.
    let side: Int

    init(_ weights: PictureWeights, codes: Int, latent: Int) throws(InferenceError) {
      side = try weights.integer("side", 1...64)
      codebook = try weights.floats("codebook", rows: codes, columns: latent)
      var mixers: [Convolution] = []
      for index in 0..<(try weights.integer("mixers", 1...16)) {
        mixers.append(
          try weights.convolution("mixer.\(index)", from: latent, to: latent, size: 3))
      }
      self.mixers = mixers
      decoder = try PictureDecoder(weights.under("decoder"), latent: latent)
    }
  }

  /// - Throws: `modelFile`.
  package init(
    _ file: any WeightFile, prefix: String, on compute: MapCompute
  ) throws(InferenceError) {
    let weights = PictureWeights(file, prefix)
    self.compute = compute
    codes = try weights.integer("codes", 2...1 << 16)
    latent = try weights.integer("latent", 1...256)
    parts = try Parts(weights, codes: codes, latent: latent)
    scales = [1, parts.side]
  }

  private init(_ other: FlexibleTokenizer, scales: [Int]) {
    (codes, latent, compute) = (other.codes, other.latent, other.compute)
    (parts, self.scales) = (other.parts, scales)
  }

  package var byteCount: Int {
    parts.mixers.reduce(parts.codebook.byteCount + parts.decoder.byteCount) {
      $0 + $1.weights.byteCount
    }
  }

  /// The same weights for other scales, ascending.
  package func with(scales: [Int]) -> FlexibleTokenizer { FlexibleTokenizer(self, scales: scales) }

  /// The codes of the last scale that was added.
  package func emptyMap(pictures: Int) -> Buffer {
    let side = scales.last ?? 1
    return Buffer(count: pictures * side * side * latent)
  }

  package func add(_ tokens: [Int], scale: Int, to total: Buffer) {
    for (place, token) in tokens.enumerated() {
      total.copy(
        from: parts.codebook, token * latent..<(token + 1) * latent, to: place * latent)
    }
  }

  /// The codes of the scale before, at this one's size.
  package func smaller(_ total: Buffer, pictures: Int, scale: Int) -> [Float] {
    let grown = grown(total, pictures: pictures, from: scales[scale - 1], to: scales[scale])
    return grown.values.array(0..<grown.count)
  }

  private func grown(_ total: Buffer, pictures: Int, from: Int, to: Int) -> FeatureMap {
    let map = compute.map(pictures: pictures, height: to, width: to, channels: latent)
    let weights = Resizing.cubic(from: from, to: to)
    for picture in 0..<pictures {
      let size = from * from * latent
      let rows = total.array(picture * size..<(picture + 1) * size)
      Resizing.apply(
        weights, to: rows, side: from, into: map.values, at: map.range(of: picture).lowerBound)
    }
    return map
  }

  package func vector(of token: Int) -> [Float] {
    parts.codebook.array(token * latent..<(token + 1) * latent)
  }

  package func pictureSide(after scale: Int) -> Int {
    max(scales[scale], parts.side) * parts.decoder.growth
  }

  package func paint(_ total: Buffer, pictures: Int, after scale: Int) -> [Picture] {
    let side = scales[scale]
    let map = grown(total, pictures: pictures, from: side, to: max(side, parts.side))
    let mixer = parts.mixers[
      min((side - 1) * parts.mixers.count / parts.side, parts.mixers.count - 1)]
    let mixed = mixer(map, on: compute)
    for index in 0..<map.count {
      map.values[index] = 0.5 * map.values[index] + 0.5 * mixed.values[index]
    }
    return parts.decoder.paint(map, on: compute).rendered()
  }
}
