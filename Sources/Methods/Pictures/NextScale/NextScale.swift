import Inference

/// Paints coarse to fine: one pass of the transformer draws all tokens of a scale.
package struct NextScale: PaintingMethod {
  package var settings = TokenPaintingSettings()

  package init() {}

  package static let card = MethodCard(
    id: "next-scale", title: "Next scale",
    paper: .init(
      authors: "Tian et al.", year: 2024,
      title: "Visual Autoregressive Modeling: Scalable Image Generation via Next-Scale Prediction",
      reference: "arXiv:2404.02905"),
    summary: "Paints coarse to fine: all tokens of a scale come from one pass.",
    slots: [.painter], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs = TokenPaintingSettings.knobs.map {
    Knob<NextScale>($0, of: \.settings)
  }

  package static let baseline: String? = "raster-scan"

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    plan.painter = try TokenPainter(
      tokenizer: context.tokenizer(), transformer: context.scales(), settings: settings)
  }
}
