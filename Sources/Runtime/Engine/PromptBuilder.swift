import Inference

/// Turns what was asked for into the exact tokens that the model reads.
struct PromptBuilder {
  let model: EngineModel

  private var tokenizer: any Tokenizer { model.tokenizer }

  /// - Throws: `invalidRequest` where there is nothing to read, or no template to render a conversation with.
  func tokens(of source: PromptSource) throws(InferenceError) -> [TokenID] {
    var tokens: [TokenID]
    switch source {
    case .raw(let text, let parsesSpecial):
      tokens = tokenizer.encode(text, parsesSpecial: parsesSpecial)
    case .chat(let turns):
      guard let template = model.template else {
        throw InferenceError(
          .invalidRequest,
          "\(model.summary.name) has no chat template that is known here"
            + (model.summary.templateNote.map { " (\($0))" } ?? "") + ": send raw text instead")
      }
      tokens = encode(try template(turns), turns: turns)
    }
    // A template that writes the beginning-of-text token itself must not get a second one.
    if tokenizer.addsBOS, let bos = tokenizer.bos, tokens.first != bos { tokens.insert(bos, at: 0) }
    guard !tokens.isEmpty else { throw InferenceError(.invalidRequest, "the prompt is empty") }
    return tokens
  }

  /// The prompt as a list to show.
  func listing(of source: PromptSource) throws(InferenceError) -> PromptTokens {
    let ids = try tokens(of: source)
    return PromptTokens(
      tokens: ids.map { id in
        (
          id, String(decoding: tokenizer.bytes(of: id, special: true), as: UTF8.self),
          tokenizer.isSpecial(id)
        )
      })
  }

  /// Encodes the pieces as one text, except that answers whose tokens are known stand as these.
  private func encode(_ pieces: [PromptPiece], turns: [ChatTurn]) -> [TokenID] {
    var tokens: [TokenID] = []
    var waiting: [PromptPiece] = []
    var turns = turns[...]
    for piece in pieces {
      var piece = piece
      if !piece.parsesSpecial,
        let place = turns.firstIndex(where: { $0.text.trimmed == piece.text.trimmed })
      {
        let known = knownPrefix(of: piece.text, among: turns[place].tokens)
        turns = turns[(place + 1)...]
        if !known.tokens.isEmpty {
          tokens += tokenizer.encode(waiting) + known.tokens
          waiting = []
          piece.text = known.rest
        }
      }
      if !piece.text.isEmpty { waiting.append(piece) }
    }
    return tokens + tokenizer.encode(waiting)
  }

  /// The tokens of an answer that still spell the beginning of `text`, and the text after them.
  ///
  /// Text that was cut inside a token, by a stop string or an editor, keeps the whole tokens before the cut.
  private func knownPrefix(
    of text: String, among known: [TokenID]
  ) -> (tokens: ArraySlice<TokenID>, rest: String) {
    let bytes = Array(text.utf8)
    var length = 0
    var best = (count: 0, length: 0)
    for (index, token) in known.enumerated() {
      // A session file may hold any number.
      guard token >= 0, Int(token) < tokenizer.vocabularySize else { break }
      let piece = tokenizer.bytes(of: token, special: false)
      guard bytes[length...].starts(with: piece) else { break }
      length += piece.count
      // The rest is encoded as text, so it must begin with a whole character.
      if length == bytes.count || bytes[length] & 0xC0 != 0x80 { best = (index + 1, length) }
    }
    let rest = String(decoding: bytes[best.length...], as: UTF8.self)
    // Some tokenizers put a space before a text that stands alone; then it cannot go on from tokens.
    let spelled = tokenizer.encode(rest, parsesSpecial: false)
      .flatMap { tokenizer.bytes(of: $0, special: false) }
    guard spelled.elementsEqual(rest.utf8) else { return ([], text) }
    return (known[..<best.count], rest)
  }
}

extension String {
  /// The text without spaces, tabs and line breaks at its ends, which some templates take off.
  fileprivate var trimmed: Substring {
    let isSpace = { (character: Character) in character.isWhitespace }
    guard let last = lastIndex(where: { !isSpace($0) }) else { return "" }
    return self[...last].drop(while: isSpace)
  }
}
