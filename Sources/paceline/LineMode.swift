import Inference
import Runtime

/// The playground where there is no screen to paint on: lines in, answers out, no escape sequences.
struct LineMode {
  private var talk: LineTalk
  private let interruption = Interruption()
  /// Prompts and notes are for people; a pipe gets answers only.
  private let isForPerson = Console.inputIsTerminal && Console.errorIsTerminal

  init(talk: LineTalk) { self.talk = talk }

  /// Talks until the input ends.
  ///
  /// - Throws: `OutputError`.
  mutating func run() async throws {
    if isForPerson {
      Console.note("\(talk.summary.name), line mode: /help lists commands, C-d ends")
      if let note = talk.summary.templateNote { Console.note(note) }
    }
    defer { talk.close() }
    while let line = readPrompt() {
      let text = line.trimmingCharacters()
      if text.isEmpty { continue }
      if text.hasPrefix("/"), !text.hasPrefix("//") {
        guard try await obey(text) else { return }
      } else {
        talk.say(text.hasPrefix("//") ? String(text.dropFirst()) : text)
        try await answer()
      }
    }
  }

  /// One message: a line, and those after it while a line ends in a backslash.
  private func readPrompt() -> String? {
    var text = ""
    while true {
      if isForPerson { Console.writeError(text.isEmpty ? "> " : ". ") }
      guard let line = readLine() else { return text.isEmpty ? nil : text }
      guard line.hasSuffix("\\") else { return text + line }
      text += line.dropLast() + "\n"
    }
  }

  private mutating func answer() async throws {
    do {
      let provenance = try await talk.answer(interruption)
      guard isForPerson, let provenance else { return }
      let speed = provenance.tokensPerSecond.map { ", \(fixed($0, 1)) tokens/s" } ?? ""
      let ending = provenance.finish == .stop ? "" : ", \(provenance.finish.rawValue)"
      Console.note("[\(provenance.tokens) tokens\(speed)\(ending)]")
    } catch let error as InferenceError {
      Console.complain(error.message)
      if error.code == .contextFull {
        Console.note("/drop leaves the oldest turns out, /new starts over, /quit ends")
      }
    }
    if let failure = talk.sessionFailure { Console.complain("not saved: \(failure.message)") }
  }

  /// - Returns: false where the talk is to end.
  private mutating func obey(_ line: String) async throws -> Bool {
    let name = line.dropFirst().prefix { $0 != " " }.lowercased()
    let argument = line.dropFirst(name.count + 1).description.trimmingCharacters()
    switch name {
    case "quit", "exit", "q": return false
    case "help", "?": LineMode.help.forEach(Console.note)
    case "new": talk.startOver()
    case "system": talk.setSystem(argument)
    case "regenerate", "regen":
      if talk.stepBack() {
        try await answer()
      } else {
        Console.note("there is nothing to regenerate")
      }
    case "drop":
      Console.note(
        talk.dropOldest() ? "the oldest turns are left out" : "nothing more can be left out")
    case "set": change(argument)
    case "knobs": showKnobs()
    case "session": Console.note(talk.sessionPath ?? "not saved yet: nothing was said")
    default: change("\(name)=\(argument)")
    }
    return true
  }

  private mutating func change(_ assignment: String) {
    let text =
      assignment.contains("=")
      ? assignment : assignment.split(separator: " ", maxSplits: 1).joined(separator: "=")
    do throws(InferenceError) {
      try talk.settings.set(text)
    } catch {
      Console.note("\(error.message); /help lists commands")
    }
  }

  private func showKnobs() {
    for (knob, _) in SamplerSettings.knobs {
      let value = fixed(knob.value(in: talk.settings), knob.decimals)
      Console.note(
        "\(knob.id)=\(value)\(knob.isOff(in: talk.settings) ? " (off)" : "")  \(knob.summary)")
    }
    Console.note("seed=\(talk.settings.seed)")
  }

  private static let help = [
    "/set NAME=VALUE   turn a knob, as in /set temp=0.7; /knobs lists them",
    "/system TEXT      set the system prompt; without TEXT remove it",
    "/regenerate       answer the last message anew",
    "/new              start a new session",
    "/drop             leave the oldest turns out of the context",
    "/session          show the session's file",
    "/quit             end (C-d too); C-c stops an answer and keeps the part",
    "A line that ends in \\ goes on in the next one; // sends a slash.",
  ]
}

extension String {
  /// The text without white space at its ends.
  fileprivate func trimmingCharacters() -> String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
