import Runtime

extension PlaygroundState {
  /// Turns that can be dropped before the exchange that `id` belongs to.
  func droppableTurns(of id: MessageID) -> Int {
    let starts = turnStarts(of: chat.conversation.path(to: id))
    return max(0, min(starts.count - 1, turnsToDrop(starts.count)))
  }

  /// Half of the turns, so that the question does not come back with the next message.
  private func turnsToDrop(_ count: Int) -> Int { max(1, count / 2) }

  /// Indices at which the user's messages stand.
  private func turnStarts(of path: [ChatMessage]) -> [Int] {
    path.indices.filter { path[$0].role == .user }
  }

  /// Answers the question about a full context by dropping the oldest turns.
  ///
  /// The kept messages are copied to a branch that begins with them: the dropped ones stay where they are.
  mutating func dropOldestTurns(of id: MessageID) -> [Effect] {
    let path = chat.conversation.path(to: id)
    let starts = turnStarts(of: path)
    let count = droppableTurns(of: id)
    guard count > 0, starts.indices.contains(count) else { return [] }
    undo.push(.head(chat.conversation.head))
    var kept = Array(path[starts[count]...])
    // An answer that was cut is gone on with; the one that did not begin is begun.
    let last = kept.last?.role == .assistant ? kept.removeLast() : nil
    let start = last.flatMap { $0.text.isEmpty ? nil : $0 }
    var parent: MessageID?
    var records: [SessionRecord] = []
    for message in kept {
      let copy = chat.conversation.append(message.role, "", after: parent, time: message.time)
      chat.conversation.appendText(message.text, tokens: message.tokens, to: copy)
      if let provenance = message.provenance {
        chat.conversation.setProvenance(provenance, of: copy)
      }
      if let stored = chat.conversation[copy] { records.append(.message(stored)) }
      parent = copy
    }
    rebuildTranscript()
    let effects = record(records) + answer(after: parent, goingOnFrom: start)
    return effects
      + say(.warning, "\(counted(count, "turn")) dropped from the context; u shows them again")
  }
}
