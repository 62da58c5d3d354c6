import Inference

/// Turns knobs at given token indices, as a replay asks.
struct KnobSchedule {
  private var changes: ArraySlice<KnobChange>

  init(_ changes: [KnobChange]) {
    self.changes =
      changes.enumerated()
      .sorted { ($0.element.tokenIndex, $0.offset) < ($1.element.tokenIndex, $1.offset) }
      .map(\.element)[...]
  }

  /// Hands over the settings that are due before the token of that index is chosen.
  mutating func apply(before index: Int, to control: DecodingControl) {
    while let next = changes.first, next.tokenIndex <= index {
      control.change(to: next.settings)
      changes.removeFirst()
    }
  }
}
