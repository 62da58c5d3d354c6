import Inference

/// Numbers the messages of one conversation, in the order they were made.
package typealias MessageID = Int

/// Who speaks.
package enum ChatRole: String, Sendable, Codable, Hashable { case system, user, assistant }

/// One message: a node of the conversation's tree.
package struct ChatMessage: Sendable, Equatable {
  package var id: MessageID
  /// The message it answers or follows; nil for a first one.
  package var parent: MessageID?
  package var role: ChatRole
  package var text: String
  /// The exact tokens that an answer was generated as; empty where they are not known.
  package var tokens: [TokenID] = []
  /// How an answer was made; nil for what a person wrote.
  package var provenance: Provenance?
  /// Seconds since 1970.
  package var time: Double

  package init(
    id: MessageID, parent: MessageID?, role: ChatRole, text: String, provenance: Provenance? = nil,
    time: Double
  ) {
    self.id = id
    self.parent = parent
    self.role = role
    self.text = text
    self.provenance = provenance
    self.time = time
  }
}

/// A conversation: a tree of messages, and the branch that is shown.
///
/// Nothing is ever removed: regenerating and editing add siblings.
package struct Conversation: Sendable, Equatable {
  package private(set) var messages: [ChatMessage] = []
  /// The last message of the branch shown; nil for an empty conversation.
  package private(set) var head: MessageID?
  package var system: String?

  package init(system: String? = nil) { self.system = system }

  package subscript(id: MessageID) -> ChatMessage? {
    messages.indices.contains(id) ? messages[id] : nil
  }

  /// Adds a message below `parent` and shows its branch.
  @discardableResult
  package mutating func append(
    _ role: ChatRole, _ text: String, after parent: MessageID?, time: Double
  ) -> MessageID {
    let id = messages.count
    messages.append(ChatMessage(id: id, parent: parent, role: role, text: text, time: time))
    head = id
    return id
  }

  /// Adds what came of an answer: text, and the tokens it was made of.
  package mutating func appendText(_ text: String, tokens: [TokenID] = [], to id: MessageID) {
    guard messages.indices.contains(id) else { return }
    messages[id].text += text
    messages[id].tokens += tokens
  }

  package mutating func setProvenance(_ provenance: Provenance, of id: MessageID) {
    guard messages.indices.contains(id) else { return }
    messages[id].provenance = provenance
  }

  package mutating func show(_ id: MessageID?) {
    if let id, !messages.indices.contains(id) { return }
    head = id
  }

  /// The messages from the first to `id`.
  package func path(to id: MessageID?) -> [ChatMessage] {
    var path: [ChatMessage] = []
    var next = id
    // A parent always has a smaller number, so the walk ends whatever a file said.
    while let id = next, let message = self[id], (path.last.map { id < $0.id } ?? true) {
      path.append(message)
      next = message.parent
    }
    return path.reversed()
  }

  /// The messages from the system prompt to `id` as a template sees them, answers with their exact tokens.
  package func turns(to id: MessageID?) -> [ChatTurn] {
    (system.map { [ChatTurn(role: .system, text: $0)] } ?? [])
      + path(to: id).map { ChatTurn(role: $0.role, text: $0.text, tokens: $0.tokens) }
  }

  /// The branch shown.
  package var branch: [ChatMessage] { path(to: head) }

  package func children(of id: MessageID?) -> [MessageID] {
    messages.filter { $0.parent == id }.map(\.id)
  }

  /// The versions of a message, itself included, in the order they were made.
  package func siblings(of id: MessageID) -> [MessageID] {
    guard let message = self[id] else { return [] }
    return messages.filter { $0.parent == message.parent && $0.role == message.role }.map(\.id)
  }

  /// The end of the branch below `id` that was made last.
  package func newestLeaf(below id: MessageID) -> MessageID {
    var leaf = id
    while let child = children(of: leaf).last { leaf = child }
    return leaf
  }
}
