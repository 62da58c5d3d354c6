import Compute
import Inference

/// What a token is, as its file and its name say.
struct TokenAttributes: OptionSet, Sendable {
  let rawValue: UInt8
  static let normal = Self(rawValue: 1)
  static let unknown = Self(rawValue: 2)
  static let control = Self(rawValue: 4)
  static let userDefined = Self(rawValue: 8)
  static let unused = Self(rawValue: 16)
  static let byte = Self(rawValue: 32)

  /// The attributes of a token type as GGUF files number them; other numbers mean nothing and give none.
  init(fileType: Int) {
    switch fileType {
    case 1: self = .normal
    case 2: self = .unknown
    case 3: self = .control
    case 4: self = .userDefined
    case 5: self = .unused
    case 6: self = .byte
    default: self = []
    }
  }

  init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Never part of visible text.
  var isSpecial: Bool { !isDisjoint(with: [.control, .unknown]) }
  /// Never made by merges from plain text, whatever it spells.
  ///
  /// Tokens that are special by name only may be.
  var isOutOfReach: Bool { contains(.control) && !contains(.normal) }
  /// Matched in the text before anything else splits it.
  var isMatchedWhole: Bool { !isDisjoint(with: [.control, .unknown, .userDefined]) }
}

/// The tokens of a model: their bytes in the mapped file, their attributes, and which ones begin and end a text.
struct Vocabulary: Sendable {
  let file: MappedFile
  let index: StringIndex
  private(set) var attributes: [TokenAttributes]
  private(set) var bos: TokenID?
  private(set) var endTokens: Set<TokenID> = []
  let unknown: TokenID?
  let addsBOS: Bool
  private(set) var specials = SpecialTokenTrie()

  var strings: GGUFStringArray { index.strings }
  var count: Int { strings.count }

  /// Reads the token list and what belongs to it.
  ///
  /// - Parameter defaults: the ids of BOS, EOS and the unknown token that hold where the file names none.
  /// - Throws: `modelFile` where the list is missing or the lists differ in length.
  init(
    from gguf: GGUF, defaults: (bos: Int?, eos: Int?, unknown: Int?), addsBOS: Bool
  ) throws(InferenceError) {
    let metadata = gguf.metadata
    guard let strings = metadata.strings("tokenizer.ggml.tokens"), !strings.isEmpty else {
      throw InferenceError(
        .modelFile, "\(gguf.file.path): tokenizer.ggml.tokens: the file has no list of tokens")
    }
    guard strings.count <= Int(TokenID.max) else {
      throw InferenceError(.modelFile, "\(gguf.file.path): tokenizer.ggml.tokens: too many tokens")
    }
    file = gguf.file
    index = StringIndex(strings)
    attributes = try Self.attributes(gguf, count: strings.count)
    let specialID = { (key: String, fallback: Int?) -> TokenID? in
      let named = metadata.integer("tokenizer.ggml.\(key)_token_id")
      for id in [named, fallback] {
        if let id, strings.indices.contains(id) { return TokenID(id) }
      }
      return nil
    }
    bos = specialID("bos", defaults.bos)
    unknown = specialID("unknown", defaults.unknown)
    self.addsBOS = bos != nil && (metadata.boolean("tokenizer.ggml.add_bos_token") ?? addsBOS)
    let ends = ["eos", "eot", "eom"].compactMap { specialID($0, $0 == "eos" ? defaults.eos : nil) }
    markByName { specialID($0, nil) }
    endTokens.formUnion(ends)
    removeFalseEnds()
    specials = SpecialTokenTrie(strings: strings, attributes: attributes)
  }

  private static func attributes(
    _ gguf: GGUF, count: Int
  ) throws(InferenceError) -> [TokenAttributes] {
    let key = "tokenizer.ggml.token_type"
    guard let types = gguf.metadata.integers(key) else {
      return Array(repeating: .normal, count: count)
    }
    guard types.count >= count else {
      throw InferenceError(
        .modelFile, "\(gguf.file.path): \(key): \(types.count) entries for \(count) tokens")
    }
    guard types.type == .int32 || types.type == .uint32 else {
      return (0..<count).map { TokenAttributes(fileType: types[$0]) }
    }
    return gguf.file.withBytes { file in
      (0..<count).map {
        TokenAttributes(fileType: Int(file.integer(Int32.self, at: types.offset + 4 * $0)))
      }
    }
  }

  /// The token whose text is exactly `text`.
  func token(named text: String) -> TokenID? { index.find(text).map(TokenID.init) }

  private func firstToken(named names: [String]) -> TokenID? {
    for name in names {
      if let token = token(named: name) { return token }
    }
    return nil
  }

  private func isEnd(_ name: String) -> Bool {
    token(named: name).map { endTokens.contains($0) } ?? false
  }

  func contains(_ token: TokenID) -> Bool { token >= 0 && Int(token) < count }

  /// The text of a token as the file spells it.
  func spelling(of token: TokenID) -> [UInt8] {
    guard contains(token) else { return [] }
    return file.array(in: strings.byteRange(at: Int(token)))
  }

  func attributes(of token: TokenID) -> TokenAttributes {
    contains(token) ? attributes[Int(token)] : []
  }

  /// The attributes that llama.cpp derives from token names, since files often lack them.
  private mutating func markByName(fillInTheMiddle: (String) -> TokenID?) {
    for name in TokenNames.ends {
      guard let token = token(named: name) else { continue }
      attributes[Int(token)].insert(.control)
      endTokens.insert(token)
    }
    for (key, names, ends) in TokenNames.fillInTheMiddle {
      var found = fillInTheMiddle(key)
      if found == nil, let named = firstToken(named: names) {
        attributes[Int(named)].insert(.control)
        found = named
      }
      if ends, let found { endTokens.insert(found) }
    }
    for name in TokenNames.visible {
      guard let token = token(named: name) else { continue }
      attributes[Int(token)] = .userDefined
    }
  }

  /// Takes back ends that are something else in the vocabularies that also have certain other tokens.
  private mutating func removeFalseEnds() {
    let calls = isEnd("<|call|>") || isEnd("<|calls|>")
    if calls, isEnd("<|return|>") || isEnd("<|flush|>"), let end = token(named: "<|end|>"),
      endTokens.remove(end) != nil
    {
      attributes[Int(end)] = .userDefined
    }
    if isEnd("<|tool_response>"), let end = token(named: "</s>"), endTokens.remove(end) != nil {
      attributes[Int(end)] = .normal
    }
  }
}

/// Names by which tokens are known to be special whatever their file says about them.
enum TokenNames {
  /// Tokens that end an answer.
  static let ends = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<｜end▁of▁sentence｜>", "[e~[",
  ]

  /// Tokens around code to fill in: metadata key, names, and whether such a token ends an answer.
  static let fillInTheMiddle: [(key: String, names: [String], ends: Bool)] = [
    (
      "fim_pre",
      [
        "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
        "<|code_prefix|>", "<|prefix|>",
      ], false
    ),
    (
      "fim_suf",
      [
        "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>",
        "<|code_suffix|>", "<|suffix|>",
      ], false
    ),
    (
      "fim_mid",
      [
        "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>",
        "<|code_middle|>", "<|middle|>",
      ], false
    ),
    ("fim_pad", ["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"], true),
    (
      "fim_rep",
      ["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"], true
    ),
    ("fim_sep", ["<|file_sep|>"], true),
  ]

  /// Tokens that are always shown.
  static let visible = ["<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"]
}
