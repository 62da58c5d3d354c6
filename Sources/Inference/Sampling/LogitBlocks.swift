import Compute

/// Rows of logits summarised in blocks of 64: what a sampler needs of every logit, so that it reads few of them.
///
/// The workers that compute logits summarise them while they are hot in their caches. A block's numbers depend on its
/// logits alone, so they are the same whoever computed them.
package final class LogitBlocks {
  package static let length = Kernels.blockLength

  package let rows: Int
  /// Blocks of a row.
  package let count: Int
  /// Greatest logits, `[rows, count]`.
  package let maxima: Buffer
  /// Sums of `exp(x - maximum)`, `[rows, count]`.
  package let sums: Buffer
  /// Sums of `(x - maximum) * exp(x - maximum)`, `[rows, count]`.
  package let moments: Buffer

  package init(rows: Int, vocabulary: Int) {
    self.rows = rows
    count = (vocabulary + Self.length - 1) / Self.length
    maxima = Buffer(count: rows * count)
    sums = Buffer(count: rows * count)
    moments = Buffer(count: rows * count)
  }

  package var byteCount: Int { maxima.byteCount + sums.byteCount + moments.byteCount }

  /// Summarises the logits of some tokens of a row.
  ///
  /// - Parameters:
  ///   - tokens: whole blocks, or up to the row's end.
  ///   - offset: where the row begins in `logits`.
  package func summarize(
    _ logits: Buffer, at offset: Int, tokens: Range<Int>, row: Int, with kernels: Kernels
  ) {
    precondition(tokens.lowerBound % Self.length == 0 && row >= 0 && row < rows)
    kernels.summarize(
      logits, offset + tokens.lowerBound..<offset + tokens.upperBound, maxima: maxima, sums: sums,
      moments: moments, at: row * count + tokens.lowerBound / Self.length)
  }

  /// Says of some tokens of a row that they are impossible.
  ///
  /// - Parameter tokens: whole blocks, or up to the row's end.
  package func exclude(tokens: Range<Int>, row: Int) {
    precondition(tokens.lowerBound % Self.length == 0 && row >= 0 && row < rows)
    let first = row * count + tokens.lowerBound / Self.length
    let range = first..<first + (tokens.count + Self.length - 1) / Self.length
    maxima.fill(range, with: -.infinity)
    sums.fill(range, with: 0)
    moments.fill(range, with: 0)
  }

  /// Takes over one row of another summary as this one's only row.
  func copy(row: Int, of other: LogitBlocks) {
    let range = row * count..<(row + 1) * count
    maxima.copy(from: other.maxima, range, to: 0)
    sums.copy(from: other.sums, range, to: 0)
    moments.copy(from: other.moments, range, to: 0)
  }
}

/// One row of logits as a sampler reads it.
package struct LogitRow {
  package let logits: Buffer
  /// Where the row lies in `logits`.
  package let range: Range<Int>
  /// The row's summary and its place there, where there is one.
  let blocks: (summary: LogitBlocks, row: Int)?

  package init(_ logits: Buffer, _ range: Range<Int>) {
    self.logits = logits
    self.range = range
    blocks = nil
  }

  init(_ logits: Buffer, _ range: Range<Int>, blocks: (summary: LogitBlocks, row: Int)?) {
    self.logits = logits
    self.range = range
    self.blocks = blocks
  }
}
