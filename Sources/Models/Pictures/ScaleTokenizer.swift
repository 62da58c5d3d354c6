import Compute
import Inference

/// Turns tokens of all scales into a picture: each scale adds to a feature map, which a decoder paints.
///
/// Source: Tian et al., "Visual autoregressive modeling", arXiv:2404.02905, algorithm 2.
package final class ScaleTokenizer: PictureTokenizer {
  package let scales: [Int]
  package let codes: Int
  package let latent: Int
  private let compute: MapCompute
  /// `[codes, latent]`.
  private let codebook: Buffer
  private let mixers: [Convolution]
  private let decoder: PictureDecoder
  /// Rows of the cubic resizing from each scale to the last: a source's weights for each place.
  private let growth: [[[Float]]]

  /// - Throws: `modelFile`.
  package init(_ file: any WeightFile, on compute: MapCompute) throws(InferenceError) {
    let weights = PictureWeights(file, "tokenizer")
    self.compute = compute
    codes = try weights.integer("codes", 2...1 << 16)
    latent = try weights.integer("latent", 1...256)
    scales = try weights.integers("scales", 1...32, atMost: 16)
    guard scales == scales.sorted(), Set(scales).count == scales.count, let side = scales.last
    else {
      throw InferenceError(.modelFile, "the tokenizer's scales do not ascend")
    }
    codebook = try weights.floats("codebook", rows: codes, columns: latent)
    var mixers: [Convolution] = []
    for index in 0..<(try weights.integer("mixers", 1...16)) {
      mixers.append(
        try weights.convolution("mixer.\(index)", from: latent, to: latent, size: 3))
    }
    self.mixers = mixers
    decoder = try PictureDecoder(weights.under("decoder"), latent: latent)
    growth = scales.map { Resizing.cubic(from: $0, to: side) }
  }

  package var byteCount: Int {
    mixers.reduce(codebook.byteCount + decoder.byteCount) { $0 + $1.weights.byteCount }
  }

  /// Sides of a map.
  package var side: Int { scales.last ?? 1 }

  /// The mixing convolution of a scale: shared by neighbours.
  private func mixer(_ place: Int) -> Convolution {
    mixers[min(place * mixers.count / scales.count, mixers.count - 1)]
  }

  package func emptyMap(pictures: Int) -> Buffer { Buffer(count: pictures * side * side * latent) }

  package func add(_ tokens: [Int], scale place: Int, to total: Buffer) {
    let from = scales[place]
    let pictures = tokens.count / (from * from)
    let map = compute.map(pictures: pictures, height: side, width: side, channels: latent)
    for picture in 0..<pictures {
      let codes = tokens[picture * from * from..<(picture + 1) * from * from].flatMap(vector)
      Resizing.apply(
        growth[place], to: codes, side: from, into: map.values,
        at: map.range(of: picture).lowerBound)
    }
    let mixed = mixer(place)(map, on: compute)
    for index in 0..<map.count {
      total[index] += 0.5 * map.values[index] + 0.5 * mixed.values[index]
    }
  }

  package func smaller(_ total: Buffer, pictures: Int, scale place: Int) -> [Float] {
    let to = scales[place]
    return (0..<pictures).flatMap { picture in
      Resizing.mean(
        of: total, at: picture * side * side * latent, side: side, channels: latent, to: to)
    }
  }

  package func vector(of token: Int) -> [Float] {
    codebook.array(token * latent..<(token + 1) * latent)
  }

  package func pictureSide(after scale: Int) -> Int { side * decoder.growth }

  package func paint(_ total: Buffer, pictures: Int, after scale: Int) -> [Picture] {
    let map = compute.map(pictures: pictures, height: side, width: side, channels: latent)
    map.values.copy(from: total, 0..<map.count, to: 0)
    return decoder.paint(map, on: compute).rendered()
  }
}

/// Paints feature maps as pictures of four channels from -1 to 1.
struct PictureDecoder {
  private let enter: Convolution
  private let levels: [[ConvolutionBlock]]
  private let ups: [TransposedConvolution]
  private let norm: MapNorm
  private let leave: Convolution

  /// Pixels along a side that the last convolution tells of at once.
  private static let packing = 2

  init(_ weights: PictureWeights, latent: Int) throws(InferenceError) {
    let widths = try weights.integers("widths", 1...1024, atMost: 6)
    let depth = try weights.integer("depth", 1...16)
    let size = try weights.integer("block_size", 1...9)
    let grow = try weights.integer("grow", 1...8)
    guard size % 2 == 1 else {
      throw InferenceError(.modelFile, "the header's block size \(size) is even")
    }
    enter = try weights.convolution("enter", from: latent, to: widths[0], size: 3)
    var levels: [[ConvolutionBlock]] = []
    var ups: [TransposedConvolution] = []
    for (level, width) in widths.enumerated() {
      var blocks: [ConvolutionBlock] = []
      for block in 0..<depth {
        blocks.append(
          try weights.under("\(level).\(block)").block(width, size: size, grow: grow))
      }
      levels.append(blocks)
      if level + 1 < widths.count {
        ups.append(try weights.transposed("\(level).up", from: width, to: widths[level + 1]))
      }
    }
    self.levels = levels
    self.ups = ups
    let last = widths[widths.count - 1]
    norm = try weights.norm("norm", last)
    leave = try weights.convolution("leave", from: last, to: 16, size: 3)
  }

  var byteCount: Int {
    ups.reduce(enter.weights.byteCount + leave.weights.byteCount) { $0 + $1.weights.byteCount }
      + levels.joined().reduce(0) { $0 + $1.wide.byteCount + $1.narrow.byteCount }
  }

  /// Pixels of a picture for each place of a map, along a side.
  var growth: Int { Self.packing << ups.count }

  func paint(_ map: FeatureMap, on compute: MapCompute) -> FeatureMap {
    var x = enter(map, on: compute)
    for (level, blocks) in levels.enumerated() {
      for block in blocks { block.add(to: x, on: compute) }
      if level < ups.count { x = ups[level](x, on: compute) }
    }
    norm.apply(to: x, on: compute)
    return leave(x, on: compute).unpacked(Self.packing, on: compute)
  }
}

extension FeatureMap {
  /// Maps of four channels from -1 to 1, colours multiplied by alpha, as pictures.
  func rendered() -> [Picture] {
    (0..<pictures).map { picture in
      let start = range(of: picture).lowerBound
      return Picture(width: width, height: height) { pixel, channel in
        values[start + pixel * channels + channel]
      }
    }
  }
}
