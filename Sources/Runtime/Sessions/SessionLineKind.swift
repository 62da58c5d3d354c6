/// Just the type of a line of a session file.
struct SessionLineKind: Decodable {
  private static let known: Set<String> = [
    "session", "model", "system", "message", "answer", "tokens", "knobs", "done", "race", "head",
    "title", "resumed",
  ]

  var type: String
  var isKnown: Bool { Self.known.contains(type) }
}
