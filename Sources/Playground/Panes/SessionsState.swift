import Runtime

/// The sessions pane: what is saved, and a filter over it.
package struct SessionsState: Sendable, Equatable {
  package var entries: [SessionEntry] = []
  package var filter = ""
  package var selected = 0
  /// Whether the list was read at least once.
  package var isLoaded = false
  /// The present context by role, token for token; empty until measured.
  package var contextMap: [ContextPart] = []

  package init() {}

  package var shown: [SessionEntry] {
    let needle = filter.lowercased()
    guard !needle.isEmpty else { return entries }
    return entries.filter {
      $0.title.lowercased().contains(needle) || $0.model.lowercased().contains(needle)
    }
  }

  package var selectedEntry: SessionEntry? {
    let shown = shown
    return shown.indices.contains(selected) ? shown[selected] : nil
  }
}

/// A run of context tokens of one origin.
package struct ContextPart: Sendable, Equatable {
  package enum Origin: Sendable, Equatable { case template, system, user, assistant }

  package var origin: Origin
  package var tokens: Int
}
