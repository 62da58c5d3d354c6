import Compute
import Inference

/// The embeddings of a pass's tokens, each read from the file where its row is not in memory.
final class StreamedEmbeddings {
  private let matrix: Tensor
  private let range: Range<Int>
  private let rowByteCount: Int
  private let file: DirectFile
  /// Whether the embedding is the output matrix, too.
  private let isHead: Bool
  /// Where single reads land.
  private let landing: Storage<UInt8>
  private var rows: Storage<UInt8>
  private(set) var bytesRead = 0

  init(
    _ weights: NetworkWeights, in mapping: MappedFile, file: DirectFile
  ) throws(InferenceError) {
    matrix = weights.embedding
    guard let range = matrix.range(in: mapping), matrix.rows > 0 else {
      throw InferenceError(.invalidRequest, "\(mapping.path): no embedding lies in the file")
    }
    self.range = range
    self.file = file
    rowByteCount = range.count / matrix.rows
    isHead = weights.head.range(in: mapping) == range
    landing = StreamedPart.buffer(byteCount: rowByteCount + 2 * DirectFile.alignment)
    rows = StreamedPart.buffer(byteCount: rowByteCount)
  }

  var byteCount: Int { landing.byteCount + rows.byteCount }

  /// - Parameters:
  ///   - batch: whose tokens lie in the vocabulary.
  ///   - stages: of them the slices of the output matrix that are pinned serve as embedding where it is that.
  func rows(
    of batch: TokenBatch, stages: [StreamingPlan.Stage], pinned: [Storage<UInt8>?]
  ) throws(InferenceError) -> EmbeddingRows {
    let blended = batch.blends.values.flatMap { $0.map(\.token) }
    let tokens = Set(batch.tokens).union(blended).sorted()
    if rows.count < tokens.count * rowByteCount {
      rows = StreamedPart.buffer(byteCount: tokens.count * rowByteCount)
    }
    var places: [TokenID: Int] = [:]
    for (place, token) in tokens.enumerated() {
      places[token] = place
      if let (buffer, offset) = pinnedRow(Int(token), stages: stages, pinned: pinned) {
        rows.copy(
          from: buffer, offset..<offset + rowByteCount, to: place * rowByteCount)
      } else {
        try read(Int(token), to: place)
      }
    }
    guard
      let own = Tensor(matrix.type, rows: tokens.count, columns: matrix.columns, in: rows, at: 0)
    else { throw InferenceError(.modelFile, "\(file.path): the embedding's rows have no size") }
    return EmbeddingRows(own, rows: places)
  }

  private func pinnedRow(
    _ token: Int, stages: [StreamingPlan.Stage], pinned: [Storage<UInt8>?]
  ) -> (Storage<UInt8>, offset: Int)? {
    guard isHead else { return nil }
    for (stage, memory) in zip(stages, pinned) {
      guard let memory, case .head(let rows) = stage.content, rows.contains(token) else { continue }
      return (memory, stage.part.places[0] + (token - rows.lowerBound) * rowByteCount)
    }
    return nil
  }

  private func read(_ token: Int, to place: Int) throws(InferenceError) {
    let start = range.lowerBound + token * rowByteCount
    let part = StreamedPart(
      name: "embedding of token \(token)", ranges: [start..<start + rowByteCount])
    do {
      try part.read(from: file, into: landing)
    } catch {
      throw InferenceError(.modelFile, error.description)
    }
    bytesRead += part.byteCount
    rows.copy(
      from: landing, part.places[0]..<part.places[0] + rowByteCount, to: place * rowByteCount)
  }
}
