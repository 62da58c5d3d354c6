import Inference

/// Lets several pictures grow at once, and more of those that a judge likes.
package struct ParticleSteering: PaintingMethod {
  package var settings = ParticleSettings()

  package init() {}

  package static let card = MethodCard(
    id: "particle-steering", title: "Particle steering",
    paper: .init(
      authors: "Singhal et al.", year: 2025,
      title:
        "A General Framework for Inference-time Scaling and Steering of Diffusion Models",
      reference: "arXiv:2501.06848"),
    summary:
      "Lets several pictures grow at once; now and then those that a judge likes replace others.",
    slots: [.search], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs: [Knob<ParticleSteering>] =
    [
      Knob(
        "particles", \.settings.particles, in: 1...16, default: 4, summary: "Pictures that grow."),
      Knob(
        "strength", \.settings.strength, in: 0...50, step: 1, default: 10, off: 0, decimals: 0,
        summary: "How much more a better picture counts."),
      Knob(
        "every", \.settings.every, in: 1...50, default: 5,
        summary: "Steps from one look of the judge to the next."),
      Knob(
        "spread", \.settings.spread, in: 0...1, step: 0.1, default: 0.5, decimals: 1,
        summary: "The share of particles that must count, or they are drawn anew; 1 always draws."),
      Knob(
        "eta", \.settings.eta, in: 0.1...1, step: 0.1, default: 1, decimals: 1,
        summary: "The share of fresh noise in a step, which parts what was copied."),
    ] + PictureReward.knobs.map { Knob<ParticleSteering>($0, of: \.settings.reward) }

  package static let baseline: String? = "ddim"

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    var painter = try plan.denoisingPainter(for: Self.card.id)
    guard painter.solver != .anew else {
      throw InferenceError(
        .invalidRequest, "particle-steering needs many steps: choose ddim, ddpm or flow")
    }
    painter.solver = .first(share: settings.eta)
    plan.painter = ParticlePainter(
      painter: painter, judge: try context.verifier(), settings: settings)
  }
}

/// How particles are drawn anew.
package struct ParticleSettings: Sendable, Equatable {
  package var particles = 4
  package var strength = 10.0
  package var every = 5
  package var spread = 0.5
  package var eta = 1.0
  package var reward = PictureReward()
}
