/// How noise is taken away, whatever takes it.
package struct DenoisingSettings: Sendable, Equatable {
  package var steps = 20
  /// How much further from "no caption" the velocity is pushed; 1 is off.
  package var guidance = 3.0
  /// Times between which guidance acts (Kynkaanniemi et al., arXiv:2404.07724).
  package var guidanceEnd = 0.0
  package var guidanceStart = 1.0
  /// Pictures that are shown on the way; the decoder takes about as long as a step.
  package var previews = 8

  package init(steps: Int = 20) { self.steps = steps }

  func isGuided(at time: Double) -> Bool {
    guidance != 1 && time >= guidanceEnd && time <= guidanceStart
  }

  package static func knobs(
    steps: ClosedRange<Int>, default count: Int
  ) -> [Knob<DenoisingSettings>] {
    [
      Knob(
        "steps", \.steps, in: steps, step: 1, largeStep: 10, default: count,
        summary: "Steps from noise to the picture."),
      Knob(
        "guidance", \.guidance, in: 1...10, step: 0.5, default: 3, off: 1, decimals: 1,
        summary: "How closely it follows the words; 1 leaves it free and halves the passes."),
      Knob(
        "from", title: "guide from", \.guidanceStart, in: 0...1, step: 0.05, default: 1,
        summary: "The time, 1 is noise, from which guidance acts."),
      Knob(
        "to", title: "guide to", \.guidanceEnd, in: 0...1, step: 0.05, default: 0,
        summary: "The time, 0 is the picture, at which guidance ends."),
      Knob(
        "previews", \.previews, in: 1...50, default: 8,
        summary: "Pictures that are decoded on the way; 1 is the last alone."),
    ]
  }
}
