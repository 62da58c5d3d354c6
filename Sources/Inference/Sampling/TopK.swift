extension Candidates {
  /// Keeps the `limit` most probable tokens.
  ///
  /// Source: Fan, Lewis and Dauphin, arXiv:1805.04833, section 5.
  func topK(_ limit: Int) -> Bool {
    let before = count
    keepBest(limit)
    return count < before
  }
}
