import Inference

/// Paints out of noise in few steps, with little or no fresh noise.
package struct DDIM: PaintingMethod {
  package var settings = DenoisingSettings(steps: 50)
  /// The share of fresh noise in a step.
  package var eta = 0.0
  /// 1 takes the cosine schedule, 0 the linear one.
  package var cosine = 0

  package init() {}

  package static let card = MethodCard(
    id: "ddim", title: "DDIM",
    paper: .init(
      authors: "Song et al.", year: 2020, title: "Denoising Diffusion Implicit Models",
      reference: "arXiv:2010.02502"),
    summary: "Skips most steps of DDPM: without fresh noise a step can be long.",
    slots: [.painter], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs =
    DenoisingSettings.knobs(steps: 1...1000, default: 50).map { Knob<DDIM>($0, of: \.settings) } + [
      Knob(
        "eta", \.eta, in: 0...1, step: 0.1, default: 0, off: 0, decimals: 1,
        summary: "The share of fresh noise in a step; 1 is DDPM."),
      Knob(
        "cosine", \.cosine, in: 0...1, default: 0, off: 0,
        summary: "1 takes the cosine schedule in place of the linear one."),
    ]

  package static let baseline: String? = "ddpm"

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    plan.painter = try DenoisingPainter(
      tokenizer: context.tokenizer(), denoiser: context.denoiser(), settings: settings,
      points: NoiseSchedule.curved(steps: settings.steps, isCosine: cosine == 1),
      solver: .first(share: eta))
  }
}
