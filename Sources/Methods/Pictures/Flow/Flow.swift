import Inference

/// Paints out of noise along the straight way between noise and picture.
package struct Flow: PaintingMethod {
  package var settings = DenoisingSettings()
  /// 1 takes a step along the velocity at its start, 2 along the mean of those at both ends.
  package var order = 1
  /// Above 1 spends more steps near the noise.
  package var shift = 1.0

  package init() {}

  package static let card = MethodCard(
    id: "flow", title: "Rectified flow",
    paper: .init(
      authors: "Liu et al.", year: 2022,
      title: "Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow",
      reference: "arXiv:2209.03003"),
    summary:
      "Takes noise away along straight ways: what other denoising painters are raced against.",
    slots: [.painter], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs =
    DenoisingSettings.knobs(steps: 1...200, default: 20).map { Knob<Flow>($0, of: \.settings) } + [
      Knob(
        "order", \.order, in: 1...2, default: 1,
        summary: "2 looks at both ends of a step, for twice the passes."),
      Knob(
        "shift", \.shift, in: 0.25...8, step: 0.25, default: 1, off: 1,
        summary: "Above 1 more of the steps are near the noise."),
    ]

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    plan.painter = try DenoisingPainter(
      tokenizer: context.tokenizer(), denoiser: context.denoiser(), settings: settings,
      points: NoiseSchedule.straight(steps: settings.steps, shift: shift),
      solver: order == 2 ? .heun : .first(share: 0))
  }
}
