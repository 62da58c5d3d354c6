/// Who speaks in a conversation.
package enum ChatRole: String, Sendable, Codable, CaseIterable {
  case system
  case user
  case assistant
}

/// One turn of a conversation.
package struct ChatMessage: Sendable, Equatable, Codable {
  package var role: ChatRole
  package var text: String

  package init(_ role: ChatRole, _ text: String) {
    self.role = role
    self.text = text
  }
}
