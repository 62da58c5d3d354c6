import Compute

extension Candidates {
  /// The logit of a token, nil where it is no candidate.
  func logit(of token: TokenID) -> Float? {
    if isDense {
      guard token >= 0, Int(token) < range.count else { return nil }
      let logit = row[range.lowerBound + Int(token)]
      return logit > -.infinity ? logit : nil
    }
    return position(of: token).map { entries[$0].logit }
  }

  /// Gives a candidate another logit; -infinity removes it unless it is the last one.
  ///
  /// - Returns: whether that changed anything.
  @discardableResult
  func edit(_ token: TokenID, to value: Float) -> Bool {
    guard let old = logit(of: token) else { return false }
    let new = Self.bounded(value)
    guard new != old else { return false }
    if isDense {
      if new == -.infinity { count -= 1 }
      setDense(Int(token), to: new)
    } else if let position = position(of: token) {
      if new > -.infinity {
        entries[position].logit = new
      } else if entries.count > 1 {
        entries.remove(at: position)
        count = entries.count
      } else {
        return false
      }
      forgetSums()
    }
    return true
  }

  /// Divides every logit by `temperature`.
  func divide(by temperature: Float) {
    if isDense {
      scaleDense(by: 1 / temperature)
    } else {
      for index in entries.indices { entries[index].logit /= temperature }
      forgetSums()
    }
  }

  private func position(of token: TokenID) -> Int? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].token < token { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].token == token ? low : nil
  }
}
