import Inference

/// Paints the same tokens one by one, each with a pass of its own: what painting by scales is raced against.
package struct RasterScan: PaintingMethod {
  package var settings = TokenPaintingSettings()

  package init() {}

  package static let card = MethodCard(
    id: "raster-scan", title: "Raster scan",
    paper: .init(
      authors: "Esser et al.", year: 2021,
      title: "Taming Transformers for High-Resolution Image Synthesis",
      reference: "arXiv:2012.09841"),
    summary: "Paints token by token, a pass for each: the baseline of painting by scales.",
    slots: [.painter], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs = TokenPaintingSettings.knobs.map {
    Knob<RasterScan>($0, of: \.settings)
  }

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    plan.painter = try TokenPainter(
      tokenizer: context.tokenizer(), transformer: context.raster(), settings: settings,
      isRaster: true)
  }
}
