import Inference

/// What writers are handed: who they are, what they see, and a question from time to time.
///
/// Source of the parts and their places: Rodionov et al., arXiv:2504.06261, section 3 and appendix; the wording is
/// our own, shorter, for small models.
package struct HogwildText: Sendable {
  private static let names = ["Ada", "Ben", "Cleo", "Dan"]
  /// What each begins with, so that they do not all begin alike.
  private static let openings = ["First,", "Second,", "Third,", "Fourth,"]

  let writers: Int
  let layout: HogwildLayout

  package init(writers: Int, layout: HogwildLayout) {
    self.writers = writers
    self.layout = layout
  }

  /// Stands at the beginning of the answer.
  package var rules: String {
    guard writers > 1, layout != .private else { return "" }
    let names = Self.names.prefix(writers).map { "**\($0)**" }.joined(separator: " and ")
    return "\(names) answer together and do not repeat each other.\n\n"
  }

  package var othersHeader: String { "\n\n(still being written)\n\n" }

  package var ownHeader: String { " ...\n\n(next)\n\n" }

  /// Begins a step; `number` counts from 1.
  package func prefix(of writer: Int, step number: Int) -> String {
    let place = writer % Self.names.count
    return "**\(Self.names[place]):**" + (number == 1 ? " \(Self.openings[place])" : "")
  }

  package var check: String { " (Was this said before? yes/no:)" }
}

/// The end of a writer's step, as far as it matters for telling whether the step is over.
struct HogwildStepEnd: Sendable {
  private var hasText = false
  private var newlines = 0

  /// Whether the step is over with these bytes: some text, then a blank line.
  mutating func append(_ bytes: [UInt8]) -> Bool {
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\n"): newlines += 1
      case UInt8(ascii: " "), UInt8(ascii: "\r"), UInt8(ascii: "\t"): break
      default:
        hasText = true
        newlines = 0
      }
    }
    return hasText && newlines > 1
  }
}
