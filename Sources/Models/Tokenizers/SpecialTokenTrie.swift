import Compute
import Inference

/// A stretch of text after special tokens have been taken out of it.
enum TextFragment: Equatable {
  case text(Range<Int>)
  case token(TokenID)
}

/// Finds the tokens that are matched whole, before any splitting.
///
/// Longer tokens take their places first, wherever they stand; tokens of one length go by id.
struct SpecialTokenTrie: Sendable {
  private struct Node {
    var byte: UInt8
    var firstChild: Int32 = -1
    var sibling: Int32 = -1
    var token: TokenID = -1
    var isSpecial = false
  }

  private struct Match {
    var start: Int
    var count: Int
    var token: TokenID
  }

  private var nodes = [Node(byte: 0)]
  /// The root's child for each byte.
  private var roots = [Int32](repeating: -1, count: 256)

  init() {}

  /// Builds the trie from those tokens whose attributes ask for it.
  init(strings: GGUFStringArray, attributes: [TokenAttributes]) {
    strings.file.withBytes { file in
      for index in strings.indices where attributes[index].isMatchedWhole {
        let range = strings.byteRange(at: index, in: file)
        guard let first = range.first, nodes.count < Int(Int32.max) - range.count else { continue }
        var node = Int(roots[Int(file[first])])
        if node < 0 {
          nodes.append(Node(byte: file[first]))
          node = nodes.count - 1
          roots[Int(file[first])] = Int32(node)
        }
        for offset in range.dropFirst() { node = child(of: node, adding: file[offset]) }
        guard nodes[node].token < 0 else { continue }
        nodes[node].token = TokenID(index)
        nodes[node].isSpecial = attributes[index].isSpecial
      }
    }
  }

  private mutating func child(of node: Int, adding byte: UInt8) -> Int {
    if let found = child(of: node, byte) { return found }
    nodes.append(Node(byte: byte, sibling: nodes[node].firstChild))
    nodes[node].firstChild = Int32(nodes.count - 1)
    return nodes.count - 1
  }

  private func child(of node: Int, _ byte: UInt8) -> Int? {
    var child = nodes[node].firstChild
    while child >= 0 {
      if nodes[Int(child)].byte == byte { return Int(child) }
      child = nodes[Int(child)].sibling
    }
    return nil
  }

  /// Joins pieces into one text and splits it into tokens matched whole and the text between them.
  ///
  /// Special tokens are matched only within pieces that ask for it. Text goes on from piece to piece.
  func partition(_ pieces: [PromptPiece]) -> (text: [UInt8], fragments: [TextFragment]) {
    var text: [UInt8] = []
    var fragments: [TextFragment] = []
    for piece in pieces {
      let bytes = Array(piece.text.utf8)
      for fragment in partition(bytes, includesSpecial: piece.parsesSpecial) {
        switch (fragments.last, fragment) {
        case (.text(let last), .text(let next))
        where last.upperBound == text.count + next.lowerBound:
          fragments[fragments.count - 1] = .text(last.lowerBound..<text.count + next.upperBound)
        case (_, .text(let next)):
          fragments.append(.text(text.count + next.lowerBound..<text.count + next.upperBound))
        case (_, .token): fragments.append(fragment)
        }
      }
      text += bytes
    }
    return (text, fragments)
  }

  /// Splits a text into tokens matched whole and the text between them.
  ///
  /// - Parameter includesSpecial: whether control and unknown tokens are matched; user-defined ones always are.
  func partition(_ text: [UInt8], includesSpecial: Bool) -> [TextFragment] {
    var matches = allMatches(text, includesSpecial: includesSpecial)
    guard !matches.isEmpty else { return text.isEmpty ? [] : [.text(text.indices)] }
    matches.sort {
      ($1.count, Int($0.token), $0.start) < ($0.count, Int($1.token), $1.start)
    }
    var isTaken = [Bool](repeating: false, count: text.count)
    var accepted: [Match] = []
    // Longer matches come first, so one that overlaps an accepted match has an end inside it.
    for match in matches where !isTaken[match.start] && !isTaken[match.start + match.count - 1] {
      for offset in match.start..<match.start + match.count { isTaken[offset] = true }
      accepted.append(match)
    }
    accepted.sort { $0.start < $1.start }
    var fragments: [TextFragment] = []
    var position = 0
    for match in accepted {
      if match.start > position { fragments.append(.text(position..<match.start)) }
      fragments.append(.token(match.token))
      position = match.start + match.count
    }
    if position < text.count { fragments.append(.text(position..<text.count)) }
    return fragments
  }

  private func allMatches(_ text: [UInt8], includesSpecial: Bool) -> [Match] {
    var matches: [Match] = []
    for start in text.indices {
      var node = Int(roots[Int(text[start])])
      guard node >= 0 else { continue }
      var end = start + 1
      while true {
        let token = nodes[node].token
        if token >= 0, includesSpecial || !nodes[node].isSpecial {
          matches.append(Match(start: start, count: end - start, token: token))
        }
        guard end < text.count, let next = child(of: node, text[end]) else { break }
        node = next
        end += 1
      }
    }
    return matches
  }
}
