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

  /// Encodes text between special tokens in one go, as the model was trained to see it.
  private func encode(_ segments: [PromptSegment], turns: [ChatTurn]) -> [TokenID] {
    var tokens: [TokenID] = []
    var text = ""
    func flush() {
      if !text.isEmpty { tokens += tokenizer.encode(text, parsesSpecial: false) }
      text = ""
    }
    for segment in segments {
      switch segment {
      case .special(let name):
        flush()
        tokens += tokenizer.token(named: name).map { [$0] }
          ?? tokenizer.encode(name, parsesSpecial: true)
      case .plain(let words):
        text += words
      case .turn(let index, let words):
        let known = turns.indices.contains(index) ? turns[index].tokens : []
        let kept = knownPrefix(of: words, among: known)
        if kept.count > 0 {
          flush()
          tokens += known.prefix(kept.count)
        }
        text += kept.rest
      }
    }
    flush()
    return tokens
  }

  /// How many of an answer's own tokens still spell the beginning of `text`, and the text after them.
  ///
  /// Text that was cut inside a token, by a stop string or an editor, keeps the whole tokens before the cut.
  private func knownPrefix(of text: String, among known: [TokenID]) -> (count: Int, rest: String) {
    guard !known.isEmpty else { return (0, text) }
    let bytes = Array(text.utf8)
    var length = 0
    var best = (count: 0, length: 0)
    for (index, token) in known.enumerated() {
      let piece = tokenizer.bytes(of: token, special: false)
      guard bytes[length...].starts(with: piece) else { break }
      length += piece.count
      // The rest is encoded as text, so it must begin with a whole character.
      if length == bytes.count || bytes[length] & 0xC0 != 0x80 { best = (index + 1, length) }
    }
    return (best.count, String(decoding: bytes[best.length...], as: UTF8.self))
  }
}
