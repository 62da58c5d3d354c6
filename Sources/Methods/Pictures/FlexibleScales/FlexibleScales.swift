import Inference

/// Paints coarse to fine in as many scales as wanted, and larger than was learned: each scale is a picture of its own.
package struct FlexibleScales: PaintingMethod {
  package var settings = TokenPaintingSettings()
  /// Scales up to the learned size.
  package var count = 6
  /// Pixels of a side.
  package var size = 64

  package init() {}

  package static let card = MethodCard(
    id: "flexible-scales", title: "Flexible scales",
    paper: .init(
      authors: "Jiao et al.", year: 2025,
      title: "FlexVAR: Flexible Visual Autoregressive Modeling without Residual Prediction",
      reference: "arXiv:2502.20313"),
    summary: "Paints coarse to fine in as many scales as you like, also larger than was learned.",
    slots: [.painter], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs =
    [
      Knob<FlexibleScales>(
        "scales", \.count, in: 3...8, default: 6,
        summary: "Scales from one place to the learned size: fewer are faster."),
      Knob<FlexibleScales>(
        "size", \.size, in: 64...128, step: 32, largeStep: 32, default: 64, unit: "px",
        summary: "Pixels of a side; beyond 64 nothing was learned."),
    ]
    + TokenPaintingSettings.knobs.filter { $0.id != "scales" }.map {
      Knob<FlexibleScales>($0, of: \.settings)
    }

  package static let baseline: String? = "next-scale"

  /// The side of a map that was learned, and pixels of each of its places.
  private static let (learned, pixels) = (8, 8)

  /// Sides of the scales; each count leaves out what is nearest to its neighbours.
  var schedule: [Int] {
    let lists = [
      [1, 3, 8], [1, 2, 4, 8], [1, 2, 4, 6, 8], [1, 2, 3, 4, 6, 8], [1, 2, 3, 4, 5, 6, 8],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ]
    let beyond = [12, 16].filter { $0 * Self.pixels <= size }
    return lists[min(max(count - 3, 0), lists.count - 1)] + beyond
  }

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    let networks = try context.flexible(schedule)
    var settings = settings
    settings.scaleCount = schedule.count
    var painter = try TokenPainter(
      tokenizer: networks.tokenizer, transformer: networks.transformer, settings: settings)
    painter.boldestSide = Self.learned
    plan.painter = painter
  }
}
