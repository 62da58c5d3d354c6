import Inference

/// Paints out of noise with fresh noise in every step.
package struct DDPM: PaintingMethod {
  package var settings = DenoisingSettings(steps: 1000)
  /// 1 takes the cosine schedule, 0 the linear one.
  package var cosine = 0

  package init() {}

  package static let card = MethodCard(
    id: "ddpm", title: "DDPM",
    paper: .init(
      authors: "Ho et al.", year: 2020, title: "Denoising Diffusion Probabilistic Models",
      reference: "arXiv:2006.11239"),
    summary: "Takes noise away in many small steps, each with fresh noise: the baseline of DDIM.",
    slots: [.painter], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs =
    DenoisingSettings.knobs(steps: 1...1000, default: 1000).map {
      Knob<DDPM>($0, of: \.settings)
    } + [
      Knob(
        "cosine", \.cosine, in: 0...1, default: 0, off: 0,
        summary: "1 takes the cosine schedule in place of the linear one.")
    ]

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    plan.painter = try DenoisingPainter(
      tokenizer: context.tokenizer(), denoiser: context.denoiser(), settings: settings,
      points: NoiseSchedule.curved(steps: settings.steps, isCosine: cosine == 1),
      solver: .first(share: 1))
  }
}
