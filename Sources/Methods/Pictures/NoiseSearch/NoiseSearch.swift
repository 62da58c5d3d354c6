import Inference

/// Looks for the noise that leads to the best picture, then paints it well.
package struct NoiseSearch: PaintingMethod {
  package var settings = NoiseSearchSettings()

  package init() {}

  package static let card = MethodCard(
    id: "noise-search", title: "Noise search",
    paper: .init(
      authors: "Ma et al.", year: 2025,
      title: "Inference-Time Scaling for Diffusion Models beyond Scaling Denoising Steps",
      reference: "arXiv:2501.09732"),
    summary: "Tries many noises in few steps, keeps what a judge likes best, and paints it well.",
    slots: [.search], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs: [Knob<NoiseSearch>] =
    [
      Knob(
        "tries", \.settings.tries, in: 2...16, default: 8,
        summary: "Noises that are tried at a time."
      ),
      Knob("rounds", \.settings.rounds, in: 1...32, default: 4, summary: "Times that it tries."),
      Knob(
        "nearness", \.settings.nearness, in: 0...0.99, step: 0.05, default: 0, off: 0,
        summary: "The cosine between a try and the best so far; 0 tries at random."),
      Knob(
        "search-steps", title: "search steps", \.settings.steps, in: 1...50, default: 5,
        summary: "Steps of a try; the last picture has those of its painter."),
    ] + PictureReward.knobs.map { Knob<NoiseSearch>($0, of: \.settings.reward) }

  package static let baseline: String? = "flow"

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    plan.painter = NoiseSearchPainter(
      painter: try plan.denoisingPainter(for: Self.card.id), judge: try context.verifier(),
      settings: settings)
  }
}

/// How noises are tried.
package struct NoiseSearchSettings: Sendable, Equatable {
  package var tries = 8
  package var rounds = 4
  package var nearness = 0.0
  package var steps = 5
  package var reward = PictureReward()
}
