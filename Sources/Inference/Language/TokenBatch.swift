import Compute

/// Numbers the caches of a forward pass: row i of a batch belongs to `caches[sequences[i]]`.
package typealias SequenceID = Int

/// The rows of one forward pass: a chain, a tree, or several sequences at once.
///
/// Rows of one sequence are adjacent. A row continues its parent row, or the committed end of its sequence's cache.
package struct TokenBatch: Sendable {
  package var tokens: [TokenID]
  /// Batch index of the row that each row continues; -1 for the committed end of its sequence.
  ///
  /// A parent comes first.
  package var parents: [Int]
  package var sequences: [SequenceID]
  /// Rows whose logits are wanted, ascending.
  package var logitRows: [Int]
  /// Tokens whose logits are wanted; the others' are -infinity, and nil wants all.
  ///
  /// Ascending ranges of whole blocks of `LogitBlocks.length`; the last one may end with the vocabulary.
  package var headRows: [Range<Int>]?
  /// Layers after which hidden states are wanted back.
  package var features: Set<Int> = []
  /// Rows whose hidden states are wanted, ascending; nil for `logitRows`.
  package var featureRows: [Int]?
  /// Rows that enter the model as a weighted sum of embeddings, in place of their token's own.
  package var blends: [Int: [TokenWeight]] = [:]
  /// Whether the provisional rows of the passes before stay, of a batch of one sequence: the new rows are numbered
  /// after them, and `parents` counts all of them.
  package var isGrowing = false
  /// Raised to abandon the pass between two layers.
  package var cancellation: CancellationFlag?

  /// A chain of tokens that continues sequence `sequence`.
  package init(
    chain tokens: [TokenID], sequence: SequenceID = 0, logits: LogitRows = .last,
    cancellation: CancellationFlag? = nil
  ) {
    self.tokens = tokens
    parents = tokens.indices.map { $0 - 1 }
    sequences = Array(repeating: sequence, count: tokens.count)
    switch logits {
    case .none: logitRows = []
    case .last: logitRows = tokens.isEmpty ? [] : [tokens.count - 1]
    case .all: logitRows = Array(tokens.indices)
    }
    self.cancellation = cancellation
  }

  /// Rows whose hidden states are wanted back where `features` asks for any.
  package var wantedFeatures: [Int] { featureRows ?? logitRows }

  package enum LogitRows: Sendable { case none, last, all }

  package var count: Int { tokens.count }

  /// The runs of adjacent rows that share a sequence.
  package var runs: [(sequence: SequenceID, rows: Range<Int>)] {
    var runs: [(sequence: SequenceID, rows: Range<Int>)] = []
    for row in tokens.indices {
      if let last = runs.last, last.sequence == sequences[row] {
        runs[runs.count - 1].rows = last.rows.lowerBound..<row + 1
      } else {
        runs.append((sequences[row], row..<row + 1))
      }
    }
    return runs
  }
}

/// A token with its share in a blend.
package struct TokenWeight: Sendable, Equatable {
  package var token: TokenID
  package var weight: Float

  package init(token: TokenID, weight: Float) {
    self.token = token
    self.weight = weight
  }
}

/// What a forward pass gives back.
package struct ForwardPass {
  /// `[logitRows.count, vocabulary]`, valid until the model's next pass.
  package let logits: Buffer
  package let vocabulary: Int
  /// The summary of the logits, where the model made one.
  package let blocks: LogitBlocks?
  /// Hidden states `[wantedFeatures.count, width]` by layer, before the next norm.
  package let features: [Int: Buffer]

  package init(
    logits: Buffer, vocabulary: Int, blocks: LogitBlocks? = nil, features: [Int: Buffer] = [:]
  ) {
    self.logits = logits
    self.vocabulary = vocabulary
    self.blocks = blocks
    self.features = features
  }

  /// Where row `index` of the logits lies in the buffer.
  package func range(_ index: Int) -> Range<Int> { index * vocabulary..<(index + 1) * vocabulary }

  /// Row `index` of the logits for a sampler.
  package func row(_ index: Int) -> LogitRow {
    LogitRow(logits, range(index), blocks: blocks.map { ($0, index) })
  }
}
