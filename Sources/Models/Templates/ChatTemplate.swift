import Inference

/// The way a model was taught to read conversations.
///
/// A file says so in a small program. It is not run: it is recognised by the strings in it as one of the known
/// families, and rendered by the family's rules with the details that the program states.
package struct ChatTemplate: Sendable, Equatable {
  package enum Family: String, Sendable, CaseIterable {
    case chatML = "ChatML"
    case llama2 = "Llama 2"
    case llama3 = "Llama 3"
    case gemma = "Gemma"
    case mistral = "Mistral"
    case phi = "Phi"
    case zephyr = "Zephyr"
  }

  /// What a prompt ends with.
  package enum Ending: Sendable {
    /// The beginning of an answer.
    case answer
    /// Nothing more.
    case closed
    /// The last message, left open to be continued.
    case openMessage
  }

  /// Where a system message goes.
  enum SystemPlacement: Sendable, Equatable {
    /// A turn of its own.
    case turn
    /// Before the text of the first turn, joined to it and trimmed with it.
    case joined(separator: String)
    /// Before the text of the first turn, as it is.
    case prefixed(separator: String)
    /// Before the text of the last turn, if that is the user's.
    case lastUser(separator: String)
    /// In the first user turn between marks.
    case marked(before: String, after: String)
    /// In a turn of its own between marks.
    case markedTurn(before: String, after: String)
  }

  package let family: Family
  /// Written before a conversation.
  var start = ""
  /// Taken off the beginning of the prompt, since the tokenizer puts it there by itself.
  var omittedStart = ""
  /// What each role's turn begins and ends with.
  var before: [TemplateRole: String]
  var after: [TemplateRole: String]
  /// What an answer begins with, where it is asked for; empty where the user's turn ends so that the answer follows.
  var answer = ""
  /// Whether the answer's beginning is there without being asked for.
  var alwaysAnswers = false
  /// Written after a conversation that is closed.
  var end = ""
  var system = SystemPlacement.turn
  /// The system message where a conversation has none.
  package var defaultSystem: String?
  /// Written before the system message, which is always there then; `{date}` stands for the date.
  var systemPreamble: String?
  var trimmedRoles: Set<TemplateRole> = []
  var skipsEmptySystem = false

  /// The prompt for a conversation.
  ///
  /// - Parameters:
  ///   - messages: at most one system message, the first.
  ///   - date: today's date in the form `26 Jul 2024`, for templates that mention it.
  /// - Returns: pieces whose joined text is what llama.cpp's template engine renders; text of messages never stands
  ///   in a piece that parses special tokens.
  package func render(
    _ messages: [TemplateMessage], ending: Ending = .answer, date: String = "26 Jul 2024"
  ) -> [PromptPiece] {
    if ending == .openMessage, let last = messages.last {
      return render(Array(messages.dropLast()), ending: .answer, date: date)
        + [PromptPiece(last.text, parsesSpecial: false)].filter { !$0.text.isEmpty }
    }
    var prompt = PromptBuilder()
    prompt.append(special: start)
    var turns = messages
    var systemText: String?
    if let first = turns.first, first.role == .system {
      turns.removeFirst()
      systemText = first.text
    } else if !turns.isEmpty {
      systemText = defaultSystem
    }
    if skipsEmptySystem, systemText?.isEmpty == true { systemText = nil }
    appendSystemTurn(systemText, to: &prompt, date: date)
    for (index, turn) in turns.enumerated() {
      let isFirst = index == 0
      let isLast = index == turns.count - 1
      append(turn, system: systemText, isFirst: isFirst, isLast: isLast, to: &prompt)
    }
    if ending == .answer || alwaysAnswers { prompt.append(special: answer) }
    if ending == .closed { prompt.append(special: end) }
    prompt.dropSpecialPrefix(omittedStart)
    return prompt.pieces
  }

  private func appendSystemTurn(_ text: String?, to prompt: inout PromptBuilder, date: String) {
    if let systemPreamble {
      prompt.append(special: before[.system] ?? "")
      prompt.append(special: systemPreamble.replacing("{date}", with: date))
      prompt.append(plain: trimmed(text ?? "", .system))
      prompt.append(special: after[.system] ?? "")
      return
    }
    guard let text else { return }
    switch system {
    case .turn:
      prompt.append(special: before[.system] ?? "")
      prompt.append(plain: trimmed(text, .system))
      prompt.append(special: after[.system] ?? "")
    case .markedTurn(let before, let after):
      prompt.append(special: before)
      prompt.append(plain: text)
      prompt.append(special: after)
    case .joined, .prefixed, .lastUser, .marked: break
    }
  }

  private func append(
    _ turn: TemplateMessage, system text: String?, isFirst: Bool, isLast: Bool,
    to prompt: inout PromptBuilder
  ) {
    prompt.append(special: before[turn.role] ?? "")
    var content = PromptBuilder()
    var trims = trimmedRoles.contains(turn.role)
    switch (system, text) {
    case (.joined(let separator), let text?) where isFirst:
      content.append(plain: text + separator + turn.text)
    case (.prefixed(let separator), let text?) where isFirst:
      content.append(plain: text + separator + trimmed(turn.text, turn.role))
      trims = false
    case (.lastUser(let separator), let text?) where isLast && turn.role == .user:
      content.append(plain: text + separator + turn.text)
    case (.marked(let before, let after), let text?) where isFirst:
      content.append(special: before)
      content.append(plain: text)
      content.append(special: after)
      content.append(plain: turn.text)
    default: content.append(plain: turn.text)
    }
    if trims { content.trim() }
    prompt.pieces += content.pieces
    prompt.append(special: after[turn.role] ?? "")
  }

  private func trimmed(_ text: String, _ role: TemplateRole) -> String {
    trimmedRoles.contains(role) ? text.trimmingASCIIWhitespace() : text
  }
}

/// Collects pieces, leaving out empty ones.
private struct PromptBuilder {
  var pieces: [PromptPiece] = []

  mutating func append(special text: String) {
    guard !text.isEmpty else { return }
    if let last = pieces.last, last.parsesSpecial {
      pieces[pieces.count - 1].text += text
    } else {
      pieces.append(PromptPiece(text, parsesSpecial: true))
    }
  }

  mutating func append(plain text: String) {
    if !text.isEmpty { pieces.append(PromptPiece(text, parsesSpecial: false)) }
  }

  mutating func dropSpecialPrefix(_ prefix: String) {
    guard let first = pieces.first, first.parsesSpecial, first.text.hasPrefix(prefix) else {
      return
    }
    pieces[0].text.removeFirst(prefix.count)
    if pieces[0].text.isEmpty { pieces.removeFirst() }
  }

  /// Takes white space off both ends of the joined text.
  mutating func trim() {
    while let first = pieces.first {
      pieces[0].text = first.text.trimmingASCIIWhitespace(trailing: false)
      if !pieces[0].text.isEmpty { break }
      pieces.removeFirst()
    }
    while let last = pieces.last {
      let text = last.text.trimmingASCIIWhitespace(leading: false)
      pieces[pieces.count - 1].text = text
      if !text.isEmpty { break }
      pieces.removeLast()
    }
  }
}

extension String {
  /// The text without spaces, tabs and line breaks at its ends.
  fileprivate func trimmingASCIIWhitespace(leading: Bool = true, trailing: Bool = true) -> String {
    let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
    var bytes = Array(utf8)[...]
    if leading { bytes = bytes.drop(while: isSpace) }
    if trailing {
      while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
