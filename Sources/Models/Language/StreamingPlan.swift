import Compute
import Inference

/// What of a network's weights stays in memory under a cap, and what is read again in every pass.
struct StreamingPlan {
  /// What is computed with one part of the weights.
  struct Stage {
    enum Content: Equatable {
      case layer(Int)
      /// Rows of the output matrix.
      case head(Range<Int>)
    }

    var content: Content
    var part: StreamedPart
    /// Whether it stays in memory.
    var isPinned = false
  }

  /// The layers, then the slices of the output matrix.
  private(set) var stages: [Stage] = []
  /// Bytes of the two buffers that the rest takes turns in; 0 where all is pinned.
  private(set) var bufferByteCount = 0

  /// - Parameters:
  ///   - file: where all matrices lie.
  ///   - byteCap: bytes for what is pinned, the buffers and `smallByteCount` together.
  ///   - smallByteCount: bytes that are in memory in any case.
  /// - Throws: `invalidRequest` where the cap is too small, with the least that will do.
  init(
    _ weights: NetworkWeights, in file: MappedFile, byteCap: Int, smallByteCount: Int
  ) throws(InferenceError) {
    for (index, layer) in weights.layers.enumerated() {
      let part = StreamedPart(
        name: "layer \(index)", ranges: try Self.ranges(of: layer.matrices, in: file))
      stages.append(Stage(content: .layer(index), part: part))
    }
    let largest = stages.reduce(0) { max($0, $1.part.byteCount) }
    stages += try Self.slices(of: weights.head, in: file, atMost: largest)
    let buffer = stages.reduce(0) { max($0, $1.part.byteCount) }
    let all = stages.reduce(smallByteCount) { $0 + $1.part.byteCount }
    let least = min(all, smallByteCount + 2 * buffer)
    guard byteCap >= least else {
      throw InferenceError(
        .invalidRequest,
        "a cap of \(Self.megabytes(byteCap)) MB is too small: this model needs at least "
          + "\(Self.megabytes(least)) MB, for two layers and the small tensors")
    }
    if byteCap >= all {
      for index in stages.indices { stages[index].isPinned = true }
    } else {
      bufferByteCount = 2 * buffer
      pin(within: byteCap - smallByteCount - bufferByteCount)
    }
  }

  /// Pins as many stages as fit, spread evenly, so that reading goes on beside what is computed with them.
  private mutating func pin(within byteCount: Int) {
    for count in stride(from: stages.count - 1, through: 1, by: -1) {
      let chosen = (0..<count).map { $0 * stages.count / count }
      guard chosen.reduce(0, { $0 + stages[$1].part.byteCount }) <= byteCount else { continue }
      for index in chosen { stages[index].isPinned = true }
      return
    }
  }

  /// The output matrix in slices of whole blocks of logits, none larger than the largest layer where that is possible.
  private static func slices(
    of head: Tensor, in file: MappedFile, atMost byteCount: Int
  ) throws(InferenceError) -> [Stage] {
    let range = try ranges(of: [head], in: file)[0]
    let rowBytes = range.count / max(1, head.rows)
    let unit = LogitBlocks.length
    let room = max(0, byteCount - 2 * DirectFile.alignment)
    let length = max(unit, room / max(1, rowBytes) / unit * unit)
    return stride(from: 0, to: head.rows, by: length).map { first in
      let rows = first..<min(first + length, head.rows)
      let bytes = range.lowerBound + first * rowBytes
      let part = StreamedPart(
        name: "output matrix, rows \(rows)", ranges: [bytes..<bytes + rows.count * rowBytes])
      return Stage(content: .head(rows), part: part)
    }
  }

  private static func ranges(
    of matrices: [Tensor], in file: MappedFile
  ) throws(InferenceError) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for matrix in matrices {
      guard let range = matrix.range(in: file) else {
        throw InferenceError(.invalidRequest, "\(file.path): a matrix does not lie in the file")
      }
      ranges.append(range)
    }
    return ranges
  }

  /// Rounded up, so that what is named as the least will do.
  private static func megabytes(_ byteCount: Int) -> Int { (byteCount + 999_999) / 1_000_000 }
}

extension LayerWeights {
  /// The layer with other places for its matrices, in the order of `matrices`.
  func with(_ matrices: [Tensor]) -> LayerWeights {
    precondition(matrices.count == 7)
    var layer = self
    layer.queries = matrices[0]
    layer.keys = matrices[1]
    layer.values = matrices[2]
    layer.attentionOutput = matrices[3]
    layer.gate = matrices[4]
    layer.up = matrices[5]
    layer.down = matrices[6]
    return layer
  }
}

extension NetworkWeights {
  /// The vectors in memory of their own; matrices stay views of the file.
  func withOwnVectors() -> (weights: NetworkWeights, byteCount: Int) {
    var byteCount = 0
    func own(_ tensor: Tensor) -> Tensor {
      let values = (0..<tensor.rows).flatMap { tensor.row($0) }
      byteCount += values.count * 4
      return Tensor(values: values, rows: tensor.rows, columns: tensor.columns)
    }
    var copy = self
    copy.outputNorm = own(outputNorm)
    copy.layers = layers.map { layer in
      var layer = layer
      layer.attentionNorm = own(layer.attentionNorm)
      layer.feedForwardNorm = own(layer.feedForwardNorm)
      layer.queryBias = layer.queryBias.map(own)
      layer.keyBias = layer.keyBias.map(own)
      layer.valueBias = layer.valueBias.map(own)
      layer.queryNorm = layer.queryNorm.map(own)
      layer.keyNorm = layer.keyNorm.map(own)
      layer.attentionOutputNorm = layer.attentionOutputNorm.map(own)
      layer.feedForwardOutputNorm = layer.feedForwardOutputNorm.map(own)
      return layer
    }
    return (copy, byteCount)
  }
}
