import Inference
import Models

/// Prompts for measurements in fresh processes.
struct BenchPrompt {
  /// One word.
  static let word = "Once"
  /// Text of `BenchTest.promptTokens` tokens, or a few less where no word's end falls there.
  let text: String
  let tokens: Int
  /// Tokens that would end an answer early.
  let endTokens: [TokenID]

  private static let prose = """
    The harbour lay quiet in the grey light before sunrise. Two boats had come in during the night and their crews
    were asleep below, while on the quay an old man mended a net with slow and careful hands. He had done this work for
    fifty years, and his fingers knew each knot without the help of his eyes. When the first gulls called from the roof
    of the fish market he looked up, counted the masts, and wondered which of the captains would be the first to leave
    again and what the
    """

  init(_ loaded: LoadedModel) throws(InferenceError) {
    let tokenizer = try TokenizerLoader.load(from: loaded.gguf)
    let extra = tokenizer.addsBOS && tokenizer.bos != nil ? 1 : 0
    let words = Self.prose.split(whereSeparator: { " \n".contains($0) })
    var text = ""
    var tokens = extra
    for word in words {
      let longer = text.isEmpty ? String(word) : text + " " + word
      let count = tokenizer.encode(longer, parsesSpecial: false).count + extra
      guard count <= BenchTest.promptTokens else { break }
      text = longer
      tokens = count
    }
    self.text = text
    self.tokens = tokens
    endTokens = tokenizer.endTokens.sorted()
  }
}
