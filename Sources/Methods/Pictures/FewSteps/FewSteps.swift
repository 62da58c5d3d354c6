import Inference

/// Paints in a few passes with a student of the denoiser: it foretells the picture, which is given noise again.
package struct FewSteps: PaintingMethod {
  package var settings = DenoisingSettings(steps: 4)

  package init() {}

  package static let card = MethodCard(
    id: "few-steps", title: "Few-step student",
    paper: .init(
      authors: "Luo et al.", year: 2023,
      title:
        "Latent Consistency Models: Synthesizing High-Resolution Images with Few-Step Inference",
      reference: "arXiv:2310.04378"),
    summary: "Foretells the whole picture in each of a few steps, guidance included.",
    slots: [.painter], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs: [Knob<FewSteps>] = [
    Knob(
      "steps", \.settings.steps, in: 1...8, default: 4,
      summary: "Passes: each foretells the picture anew from less noise."),
    Knob(
      "guidance", \.settings.guidance, in: 1...6, step: 0.5, default: 3, decimals: 1,
      summary: "How closely it follows the words; it costs no second pass."),
  ]

  package static let baseline: String? = "flow"

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    plan.painter = try DenoisingPainter(
      tokenizer: context.tokenizer(), denoiser: context.student(), settings: settings,
      points: NoiseSchedule.straight(steps: settings.steps), solver: .anew)
  }
}
