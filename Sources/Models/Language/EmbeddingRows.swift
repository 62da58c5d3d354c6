import Compute
import Inference

/// Where the embeddings of a pass's tokens are found.
struct EmbeddingRows {
  var matrix: Tensor
  /// The row of each token where the matrix holds only those of the pass; nil where it holds all, each in its own row.
  var rows: [TokenID: Int]?

  init(_ matrix: Tensor, rows: [TokenID: Int]? = nil) {
    self.matrix = matrix
    self.rows = rows
  }

  func row(of token: TokenID) -> Int { rows.map { $0[token] ?? 0 } ?? Int(token) }
}
