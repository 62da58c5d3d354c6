import Inference

/// Turns one answer's tokens into chunks of text, and counts what its provenance tells.
///
/// Belongs to the engine's thread.
final class AnswerStream {
  private(set) var tokens: [TokenID] = []
  private(set) var changes: [KnobChange] = []
  private(set) var firstTokenTime: UInt64?
  private(set) var lastTokenTime: UInt64 = 0
  /// One for each writer, whose bytes must not mix.
  private var detokenizers: [Int: IncrementalDetokenizer] = [:]
  private var filter: StopStringFilter
  private let tokenizer: any Tokenizer
  private let promptCount: Int

  init(tokenizer: any Tokenizer, stopStrings: [String], promptCount: Int) {
    self.tokenizer = tokenizer
    self.promptCount = promptCount
    filter = StopStringFilter(stopStrings)
  }

  /// Whether a stop string came.
  var hasStopped: Bool { filter.hasStopped }

  /// Takes one token in; the chunk's text is what became certain with it.
  func append(_ record: TokenRecord) -> TokenChunk {
    let token = record.sampled.token
    tokens.append(token)
    if let settings = record.settings {
      changes.append(KnobChange(tokenIndex: record.index, settings: settings))
    }
    if firstTokenTime == nil { firstTokenTime = record.time }
    lastTokenTime = record.time
    var text = detokenizers[record.writer, default: IncrementalDetokenizer()]
      .append(tokenizer.bytes(of: token, special: false))
    // Stop strings are looked for in what the first writer says.
    if record.writer == 0 { text = filter.append(text) }
    return TokenChunk(
      text: text, records: [record], pieces: pieces(of: record), contextCount: contextCount)
  }

  /// The text still held back at the end; nil where there is none.
  func finish() -> TokenChunk? {
    let rest = detokenizers[0]?.finish() ?? ""
    let text = filter.append(rest) + filter.finish()
    guard !text.isEmpty else { return nil }
    return TokenChunk(text: text, records: [], pieces: [:], contextCount: contextCount)
  }

  private var contextCount: Int { promptCount + tokens.count }

  private func pieces(of record: TokenRecord) -> [TokenID: String] {
    var pieces: [TokenID: String] = [:]
    for token in record.sampled.alternatives.map(\.token) + [record.sampled.token] {
      pieces[token] = String(decoding: tokenizer.bytes(of: token, special: true), as: UTF8.self)
    }
    return pieces
  }
}
