import Inference

/// Paints out of noise in few steps, each leaning on the one before it.
package struct DPMSolver: PaintingMethod {
  package var settings = DenoisingSettings(steps: 10)

  package init() {}

  package static let card = MethodCard(
    id: "dpm-solver", title: "DPM-Solver++ 2M",
    paper: .init(
      authors: "Lu et al.", year: 2022,
      title: "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
      reference: "arXiv:2211.01095"),
    summary: "Takes longer steps: each one leans on what the step before foretold.",
    slots: [.painter], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs = DenoisingSettings.knobs(steps: 1...200, default: 10).map {
    Knob<DPMSolver>($0, of: \.settings)
  }

  package static let baseline: String? = "flow"

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    plan.painter = try DenoisingPainter(
      tokenizer: context.tokenizer(), denoiser: context.denoiser(), settings: settings,
      points: NoiseSchedule.straight(steps: settings.steps), solver: .multistep)
  }
}
