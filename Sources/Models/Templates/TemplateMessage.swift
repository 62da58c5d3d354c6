/// Who speaks, as templates tell roles apart.
package enum TemplateRole: String, Sendable, Codable, CaseIterable {
  case system
  case user
  case assistant
}

/// One turn of a conversation, as a template renders it.
package struct TemplateMessage: Sendable, Equatable, Codable {
  package var role: TemplateRole
  package var text: String

  package init(_ role: TemplateRole, _ text: String) {
    self.role = role
    self.text = text
  }
}
