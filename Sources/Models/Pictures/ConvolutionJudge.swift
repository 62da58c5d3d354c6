import Compute
import Inference

/// A small classifier of pictures: what it was trained to tell are groups and captions.
package final class ConvolutionJudge: PictureJudge {
  package let byteCount: Int
  private let compute: MapCompute
  private let enter: Convolution
  private let levels: [[ConvolutionBlock]]
  private let downs: [Convolution]
  private let normWeight: Buffer
  private let normBias: Buffer
  private let feature: DenseWeights
  private let text: DenseWeights

  private static let epsilon: Float = 1e-5

  /// - Parameter prefix: of the tensors, such as `judge`.
  /// - Throws: `modelFile`.
  package init(
    _ file: any WeightFile, prefix: String, on compute: MapCompute
  ) throws(InferenceError) {
    let weights = PictureWeights(file, prefix)
    self.compute = compute
    let widths = try weights.integers("widths", 1...1024, atMost: 6)
    let depth = try weights.integer("depth", 1...16)
    let size = try weights.integer("block_size", 1...9)
    let grow = try weights.integer("grow", 1...8)
    let features = try weights.integer("features", 1...1024)
    guard size % 2 == 1 else {
      throw InferenceError(.modelFile, "the header's block size \(size) is even")
    }
    enter = try weights.convolution("enter", from: 3, to: widths[0], size: 3, stride: 2)
    var levels: [[ConvolutionBlock]] = []
    var downs: [Convolution] = []
    for (level, width) in widths.enumerated() {
      var blocks: [ConvolutionBlock] = []
      for block in 0..<depth {
        blocks.append(
          try weights.under("\(level).\(block)").block(width, size: size, grow: grow))
      }
      levels.append(blocks)
      if level + 1 < widths.count {
        downs.append(
          try weights.convolution(
            "\(level).down", from: width, to: widths[level + 1], size: 2, stride: 2))
      }
    }
    self.levels = levels
    self.downs = downs
    let last = widths[widths.count - 1]
    normWeight = try weights.floats("norm.weight", columns: last)
    normBias = try weights.floats("norm.bias", columns: last)
    feature = try weights.dense("feature", outputs: features, depth: last)
    text = try weights.dense("text", outputs: TextVector.count, depth: features)
    byteCount =
      downs.reduce(enter.weights.byteCount + feature.byteCount + text.byteCount) {
        $0 + $1.weights.byteCount
      }
      + levels.joined().reduce(0) { $0 + $1.wide.byteCount + $1.narrow.byteCount }
  }

  /// Looks at pictures of one size; each side halves once more than there are levels below the first.
  package func look(at pictures: [Picture]) -> [PictureOpinion] {
    guard let first = pictures.first else { return [] }
    precondition(pictures.allSatisfy { $0.width == first.width && $0.height == first.height })
    compute.clock.start()
    let input = compute.map(
      pictures: pictures.count, height: first.height, width: first.width, channels: 3)
    for (index, picture) in pictures.enumerated() {
      picture.onGrey(into: input.values, at: input.range(of: index).lowerBound)
    }
    var x = enter(input, on: compute)
    for (level, blocks) in levels.enumerated() {
      for block in blocks { block.add(to: x, on: compute) }
      if level < downs.count { x = downs[level](x, on: compute) }
    }
    let opinions = pictures.indices.map { opinion(of: x, picture: $0) }
    compute.clock.mark(.head)
    return opinions
  }

  private func opinion(of x: FeatureMap, picture: Int) -> PictureOpinion {
    let (kernels, width) = (compute.kernels, x.channels)
    let mean = Buffer(count: width)
    for place in 0..<x.area {
      kernels.add(
        mean, at: 0, x.values, at: x.range(of: picture).lowerBound + place * width, count: width)
    }
    kernels.scale(mean, at: 0, count: width, by: 1 / Float(x.area))
    let sums = kernels.sums(mean, at: 0, count: width)
    let moments = Moments(
      sum: Double(sums.sum), squares: Double(sums.squares), count: Double(width),
      epsilon: Self.epsilon)
    kernels.normalize(
      mean, at: 0, count: width, scale: moments.scale, shift: moments.shift,
      weight: (normWeight, 0), bias: (normBias, 0), into: mean, at: 0)
    let features = product(mean, by: feature)
    let caption = product(features, by: text)
    let length = kernels.sums(caption, at: 0, count: caption.count).squares.squareRoot()
    kernels.scale(caption, at: 0, count: caption.count, by: 1 / max(length, 1e-12))
    return PictureOpinion(
      features: features.array(0..<features.count), caption: caption.array(0..<caption.count))
  }

  private func product(_ x: Buffer, by weights: DenseWeights) -> Buffer {
    let y = Buffer(count: weights.outputs)
    compute.dense(
      FloatRows(x, stride: weights.depth), count: 1, by: weights,
      into: FloatRows(y, stride: weights.outputs))
    return y
  }
}

extension Picture {
  /// Colours from -1 to 1 in front of mid-grey, three for each pixel.
  fileprivate func onGrey(into buffer: Buffer, at offset: Int) {
    for pixel in 0..<width * height {
      let alpha = Float(pixels[4 * pixel + 3]) / 255
      for colour in 0..<3 {
        let value = Float(pixels[4 * pixel + colour]) / 255 * alpha + (1 - alpha) * 0.5
        buffer[offset + 3 * pixel + colour] = value * 2 - 1
      }
    }
  }
}
