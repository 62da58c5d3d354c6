import Inference

/// A small but valid vocabulary, for models that tests make up.
package struct TinyVocabulary {
  /// The `tokenizer.ggml.model` of the file: `gpt2` or `llama`.
  package var model: String
  package var preTokenizer: String
  package var tokens: [String] = []
  /// Token types as GGUF files number them: 1 normal, 2 unknown, 3 control, 4 user-defined, 6 byte.
  package var types: [Int32] = []
  package var merges: [String] = []
  package var scores: [Float] = []
  package var bos: TokenID?
  package var eos: TokenID?
  package var addsBOS = false
  package var chatTemplate: String?

  /// Byte-level pairs with ChatML's tokens: 3 control tokens, 256 bytes and at most `mergeCount` merges.
  package static func byteLevel(
    preTokenizer: String = "smollm", mergeCount: Int = 120
  ) -> TinyVocabulary {
    var vocabulary = TinyVocabulary(model: "gpt2", preTokenizer: preTokenizer)
    for name in ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] { vocabulary.add(name, type: 3) }
    for byte in UInt8.min...UInt8.max { vocabulary.add(spelling(of: byte), type: 1) }
    vocabulary.merges.append("Ċ Ċ")
    vocabulary.add("ĊĊ", type: 1)
    vocabulary.learnMerges(mergeCount)
    (vocabulary.bos, vocabulary.eos) = (1, 2)
    vocabulary.chatTemplate =
      "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
      + "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
      + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    return vocabulary
  }

  /// Scored pieces with Gemma's tokens of a turn: 6 control tokens, 256 bytes, characters and words.
  package static func sentencePiece() -> TinyVocabulary {
    var vocabulary = TinyVocabulary(model: "llama", preTokenizer: "default")
    vocabulary.add("<unk>", type: 2)
    for name in ["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<pad>"] {
      vocabulary.add(name, type: 3)
    }
    let digits = Array("0123456789ABCDEF")
    for byte in 0..<256 {
      vocabulary.add("<0x\(digits[byte >> 4])\(digits[byte & 15])>", type: 6)
    }
    vocabulary.add("\n\n", type: 4)
    for piece in pieces() { vocabulary.add(piece, type: 1) }
    vocabulary.scores = vocabulary.types.indices.map { -Float($0) }
    (vocabulary.bos, vocabulary.eos) = (1, 2)
    vocabulary.addsBOS = true
    vocabulary.chatTemplate =
      "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
      + "{{ raise_exception('System role not supported') }}{% endif %}"
      + "{% for message in messages %}{% if message['role'] == 'assistant' %}{% set role = 'model' %}"
      + "{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + "
      + "message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
      + "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
    return vocabulary
  }

  /// Puts the vocabulary into a file's metadata.
  package func write(into writer: inout GGUFWriter) {
    writer.set("tokenizer.ggml.model", .string(model))
    writer.set("tokenizer.ggml.pre", .string(preTokenizer))
    writer.set("tokenizer.ggml.tokens", .strings(tokens))
    writer.set("tokenizer.ggml.token_type", .int32s(types))
    if model == "gpt2" { writer.set("tokenizer.ggml.merges", .strings(merges)) }
    if !scores.isEmpty { writer.set("tokenizer.ggml.scores", .float32s(scores)) }
    if let bos { writer.set("tokenizer.ggml.bos_token_id", .uint32(UInt32(bos))) }
    if let eos { writer.set("tokenizer.ggml.eos_token_id", .uint32(UInt32(eos))) }
    if model == "llama" { writer.set("tokenizer.ggml.add_space_prefix", .bool(false)) }
    writer.set("tokenizer.ggml.add_bos_token", .bool(addsBOS))
    if let chatTemplate { writer.set("tokenizer.chat_template", .string(chatTemplate)) }
  }

  private init(model: String, preTokenizer: String) {
    self.model = model
    self.preTokenizer = preTokenizer
  }

  private mutating func add(_ token: String, type: Int32) {
    tokens.append(token)
    types.append(type)
  }

  private static let text =
    "the quick brown fox jumps over the lazy dog and then the other dog jumps over the fox "
    + "hello world this is a small test of the tokenizer return print function let there be "
    + "one two three words in the text that the model reads and writes when we ask it to do so"

  /// Learns merges from a fixed text, most frequent pair first, ties by spelling.
  private mutating func learnMerges(_ count: Int) {
    var words = Self.text.split(separator: " ").map { word in
      ["Ġ"] + word.map { String($0) }
    }
    while merges.count < count {
      var counts: [[String]: Int] = [:]
      for word in words {
        for index in word.indices.dropLast() {
          counts[[word[index], word[index + 1]], default: 0] += 1
        }
      }
      let best = counts.max {
        ($0.value, $1.key.joined(separator: " ")) < ($1.value, $0.key.joined(separator: " "))
      }
      guard let (pair, frequency) = best, frequency > 1 else { return }
      merges.append(pair.joined(separator: " "))
      add(pair.joined(), type: 1)
      words = words.map { Self.merged($0, pair) }
    }
  }

  private static func merged(_ word: [String], _ pair: [String]) -> [String] {
    var result: [String] = []
    var index = 0
    while index < word.count {
      if Array(word[index...].prefix(2)) == pair {
        result.append(pair.joined())
        index += 2
      } else {
        result.append(word[index])
        index += 1
      }
    }
    return result
  }

  /// Words, then all their beginnings from long to short, so that every word can be merged from the left.
  private static func pieces() -> [String] {
    let words = Set(text.split(separator: " ").map { "▁" + $0 })
    var pieces = words.union(
      words.flatMap { word in (1...word.count).map { String(word.prefix($0)) } })
    pieces.formUnion(text.map { $0 == " " ? "▁" : String($0) })
    pieces.formUnion(["A", "I", ".", ",", "!", "?", "\n", "é", "世", "界"])
    return pieces.sorted { ($1.count, $0) < ($0.count, $1) }
  }

  /// The visible character that stands for a byte in byte-level vocabularies.
  private static func spelling(of byte: UInt8) -> String {
    let isVisible = { (byte: UInt8) in
      (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
    }
    if isVisible(byte) { return String(Unicode.Scalar(byte)) }
    let rank = (0..<byte).filter { !isVisible($0) }.count
    return Unicode.Scalar(UInt32(0x100 + rank)).map(String.init) ?? ""
  }
}
