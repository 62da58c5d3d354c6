import Inference
import Runtime

extension PlaygroundState {
  /// Adds a chunk to what is shown of an answer, to the text of the writer it comes from.
  mutating func show(_ chunk: TokenChunk, of answer: RunningAnswer, writer: Int) {
    guard writer == 0 else {
      running?.writers[writer, default: ""] += chunk.text
      if let running { chat.transcript.replace(with: text(of: running)) }
      return
    }
    let start = chat.conversation[answer.message]?.text.utf8.count ?? 0
    let drafted = Self.draftedRanges(of: chunk, from: start)
    if !drafted.isEmpty {
      chat.drafted[answer.message, default: []] += drafted
      chat.transcript.mark(drafted, of: answer.message)
    }
    chat.conversation.appendText(
      chunk.text, tokens: chunk.records.map(\.sampled.token), to: answer.message)
    guard let running, !running.writers.isEmpty else {
      chat.transcript.append(chunk.text)
      return
    }
    chat.transcript.replace(with: text(of: running))
  }

  /// The text of all writers of a running answer, one below the other.
  func text(of answer: RunningAnswer) -> String {
    (chat.conversation[answer.message]?.text ?? "") + Self.othersText(answer.writers)
  }

  private static func othersText(_ writers: [Int: String]) -> String {
    writers.sorted { $0.key < $1.key }
      .map { "\n\n**writer \($0.key + 1)**\n\n\($0.value.trimmed)" }.joined()
  }

  /// Makes what the other writers wrote a part of the message; its tokens stay those of the first.
  mutating func closeWriters(of answer: RunningAnswer) -> [Effect] {
    guard !answer.writers.isEmpty else { return [] }
    let text = Self.othersText(answer.writers)
    chat.conversation.appendText(text, to: answer.message)
    chat.transcript.replace(with: chat.conversation[answer.message]?.text ?? text)
    return record([.answerTokens(message: answer.message, tokens: [], text: text)])
  }

  /// The parts of a chunk that a drafter had guessed, as bytes of a text whose first `start` bytes came before.
  private static func draftedRanges(of chunk: TokenChunk, from start: Int) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var place = start
    let end = start + chunk.text.utf8.count
    for (index, record) in chunk.records.enumerated() {
      let piece = chunk.pieces[record.sampled.token]?.utf8.count ?? 0
      // The last token of a chunk has what its text completed.
      let next = index == chunk.records.count - 1 ? end : min(end, place + piece)
      if record.wasDrafted, next > place { ranges.append(place..<next) }
      place = next
    }
    return ranges
  }
}
