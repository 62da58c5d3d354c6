/// How the tokens of a picture are drawn.
package struct TokenPaintingSettings: Sendable, Equatable {
  /// How much further from "no caption" the logits are pushed, at the last scale; 0 is off.
  package var guidance = 0.0
  /// The guidance at the first scale.
  package var guidanceFloor = 0.0
  package var topK = 600
  package var topP = 0.96
  package var temperature = 0.4
  /// Scales that are painted; the others add nothing.
  package var scaleCount = 6
  /// Pictures that are shown on the way.
  package var previews = 10

  package init() {}

  var isGuided: Bool { guidance > 0 || guidanceFloor > 0 }

  package static let knobs: [Knob<TokenPaintingSettings>] = [
    Knob(
      "guidance", \.guidance, in: 0...8, step: 0.5, default: 0, off: 0, decimals: 1,
      summary: "How closely the last scale follows the words; 0 leaves it free."),
    Knob(
      "floor", \.guidanceFloor, in: 0...8, step: 0.5, default: 0, off: 0, decimals: 1,
      summary: "The guidance of the first scale, which chooses shape and colour."),
    Knob(
      "temp", \.temperature, in: 0.1...2, step: 0.05, default: 0.4,
      summary: "Below 1 the likelier tokens are drawn more often."),
    Knob(
      "top-k", \.topK, in: 1...1024, step: 10, largeStep: 100, default: 600,
      summary: "Tokens to choose from at most; 1 always takes the likeliest."),
    Knob(
      "top-p", \.topP, in: 0.1...1, step: 0.01, largeStep: 0.1, default: 0.96,
      summary: "The share of probability that the choice covers."),
    Knob(
      "scales", \.scaleCount, in: 1...10, default: 6,
      summary: "Scales that are painted before it stops."),
    Knob(
      "previews", \.previews, in: 1...10, default: 10,
      summary: "Pictures that are decoded on the way; 1 is the last alone."),
  ]
}
