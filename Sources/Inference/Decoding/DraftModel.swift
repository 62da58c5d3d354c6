import Compute

/// A small model that drafts, with its own cache kept in step with the text.
///
/// It reads what was decided, and then grows a tree of rows behind it pass by pass. Rows of the tree that were accepted
/// are not computed again.
package final class DraftModel {
  package let model: any LanguageModel
  private let cache: any KVCache
  /// Tokens of the committed positions.
  private var tokens: [TokenID] = []
  /// The rows of the tree that is growing.
  private var tree = Draft.empty
  private let clock = PhaseClock()
  /// Passes since the last `takePasses`.
  private var passes = 0

  /// Changes with every pass, so that one of several drafters that share the model can tell whether the rows of the
  /// tree are still its own.
  package private(set) var stamp = 0
  /// Tokens whose logits are computed (`TokenBatch.headRows`); nil for all.
  package var headRows: [Range<Int>]?

  private static let chunkLength = 256

  /// - Throws: what making a cache throws.
  package init(_ model: any LanguageModel, capacity: Int) throws(InferenceError) {
    self.model = model
    cache = try model.makeCache(capacity: min(capacity, model.shape.contextLength))
  }

  /// Bytes of its weights and its cache.
  package var byteCount: Int { model.weightByteCount + cache.byteCount }

  /// Positions that its cache has room for beyond those in use, the tree's rows included.
  package var room: Int { cache.capacity - cache.count - cache.provisionalCount }

  /// Rows of the tree so far; the next one gets this number.
  package var treeCount: Int { tree.count }

  /// Its passes since the last call.
  package func takePasses() -> Int {
    defer { passes = 0 }
    return passes
  }

  /// Tokens of a text that `read` would have to compute, but for the last one.
  package func unreadCount(of history: TokenHistory) -> Int {
    let text = history.tokens
    var shared = 0
    while shared < min(tokens.count, text.count), tokens[shared] == text[shared] { shared += 1 }
    if shared == tokens.count {
      var parent = -1
      while shared < text.count, let row = tree.child(of: parent, token: text[shared]) {
        parent = row
        shared += 1
      }
    }
    return max(0, text.count - 1 - shared)
  }

  /// Reads the text as far as it has not yet, and begins a new tree behind it.
  ///
  /// - Returns: a pass whose row 0 follows the text; its logits are valid until the next pass.
  /// - Throws: `contextFull`, `cancelled`.
  package func read(
    _ history: TokenHistory, on pool: WorkerPool, cancellation: CancellationFlag? = nil
  ) throws(InferenceError) -> ForwardPass {
    let text = history.tokens
    precondition(!text.isEmpty)
    stamp += 1
    adopt(text)
    // The last token is always computed: its row gives the logits.
    var shared = 0
    while shared < min(tokens.count, text.count - 1), tokens[shared] == text[shared] { shared += 1 }
    if shared < tokens.count {
      shared = cache.truncate(to: shared)
      tokens.removeLast(tokens.count - shared)
    }
    while true {
      let end = min(tokens.count + Self.chunkLength, text.count)
      let rows = Array(text[tokens.count..<end])
      let isLast = end == text.count
      var batch = TokenBatch(
        chain: rows, logits: isLast ? .last : .none, cancellation: cancellation)
      batch.headRows = headRows
      let pass = try model.forward(batch, caches: [cache], on: pool, clock: clock)
      passes += 1
      cache.commit(Array(rows.indices))
      tokens += rows
      if isLast { return pass }
    }
  }

  /// Commits the rows of the tree that the text went along.
  private func adopt(_ text: [TokenID]) {
    defer { tree = .empty }
    guard tree.count > 0, tokens.count < text.count - 1, text.starts(with: tokens) else { return }
    var path: [Int] = []
    var parent = -1
    for token in text[tokens.count..<text.count - 1] {
      guard let row = tree.child(of: parent, token: token) else { break }
      path.append(row)
      parent = row
    }
    guard cache.provisionalCount == tree.count else { return }
    cache.commit(path)
    tokens += path.map { tree.tokens[$0] }
  }

  /// Adds rows to the tree: row i continues `parents[i]`, a row of the tree so far or -1 for the text.
  ///
  /// - Returns: a pass whose row i follows the i-th of the new rows.
  /// - Throws: `contextFull`, `cancelled`.
  package func grow(
    _ rows: [TokenID], parents: [Int], on pool: WorkerPool, cancellation: CancellationFlag? = nil
  ) throws(InferenceError) -> ForwardPass {
    precondition(rows.count == parents.count && !rows.isEmpty)
    stamp += 1
    var batch = TokenBatch(chain: rows, logits: .all, cancellation: cancellation)
    batch.parents = parents
    batch.isGrowing = tree.count > 0
    batch.headRows = headRows
    let pass: ForwardPass
    do throws(InferenceError) {
      pass = try model.forward(batch, caches: [cache], on: pool, clock: clock)
    } catch {
      // A pass that was given up takes the rows before it along.
      tree = .empty
      throw error
    }
    passes += 1
    tree.tokens += rows
    tree.parents += parents
    return pass
  }
}
