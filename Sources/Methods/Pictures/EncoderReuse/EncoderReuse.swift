import Inference

/// Keeps what the encoder found for some steps: those run the decoder alone, several at once.
package struct EncoderReuse: PaintingMethod {
  package var reuse = FeatureReuse()

  package init() {}

  package static let card = MethodCard(
    id: "encoder-reuse", title: "Encoder reuse",
    paper: .init(
      authors: "Li et al.", year: 2023,
      title:
        "Faster Diffusion: Rethinking the Role of the Encoder for Diffusion Model Inference",
      reference: "arXiv:2312.09608"),
    summary: "Runs the encoder at some steps only; the others decode what it found, in batches.",
    slots: [.features], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs: [Knob<EncoderReuse>] = [
    Knob(
      "every", \.reuse.every, in: 0...20, default: 0,
      summary: "Steps from one run of the encoder to the next; 0 takes the paper's list."),
    Knob(
      "inject", \.reuse.injection, in: 0...0.02, step: 0.001, default: 0.003, off: 0, decimals: 3,
      summary: "The share of the first noise that is added again late, for texture."),
  ]

  package static let baseline: String? = "ddim"

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    var painter = try plan.denoisingPainter(for: Self.card.id)
    painter.reuse = reuse
    plan.painter = painter
  }
}
