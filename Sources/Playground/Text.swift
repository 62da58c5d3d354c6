extension String {
  /// The text without white space at its ends.
  package var trimmed: String {
    var rest = Substring(self)
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }

  /// The first line, cut to `length` clusters at a word.
  package func headline(_ length: Int) -> String {
    let line = trimmed.prefix { !$0.isNewline }
    guard line.count > length else { return String(line) }
    let cut = line.prefix(length)
    guard let space = cut.lastIndex(of: " "),
      cut.distance(from: cut.startIndex, to: space) > length / 2
    else { return String(cut) }
    return String(cut[..<space])
  }
}

/// `n` with the word that fits it: `1 turn`, `3 turns`.
package func counted(_ count: Int, _ word: String) -> String {
  "\(count) \(word)" + (count == 1 ? "" : "s")
}
