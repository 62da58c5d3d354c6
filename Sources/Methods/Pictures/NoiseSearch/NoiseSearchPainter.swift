import Inference

/// Paints the best of many noises: random search and zero-order search of Ma et al., arXiv:2501.09732, section 3.2.
struct NoiseSearchPainter: Painter {
  var painter: DenoisingPainter
  var judge: any PictureJudge
  var settings: NoiseSearchSettings

  func begin(_ subject: PaintingSubject) -> any PaintingRun { NoiseSearchRun(self, subject) }

  /// What tries are painted with: the same network, in fewer steps.
  fileprivate var quick: DenoisingPainter {
    var quick = painter
    if quick.points.count - 1 > settings.steps {
      quick.points = NoiseSchedule.straight(steps: settings.steps)
      if quick.solver != .anew { quick.solver = .first(share: 0) }
    }
    return quick
  }
}

/// A search while it goes on: one step for each round, and one for the picture.
private final class NoiseSearchRun: PaintingRun {
  private let search: NoiseSearchPainter
  private let subject: PaintingSubject
  private var index = 0
  private var evaluations = 0.0
  private var best: (noise: [Float], score: Double, picture: Picture)?

  init(_ search: NoiseSearchPainter, _ subject: PaintingSubject) {
    self.search = search
    self.subject = subject
  }

  var stepCount: Int { search.settings.rounds + 1 }

  func step() throws(InferenceError) -> PaintingStep {
    guard index < stepCount else {
      throw InferenceError(.invalidRequest, "the picture is finished")
    }
    let random = RandomNumbers(seed: subject.seed(at: index))
    let step = index < search.settings.rounds ? tryNoises(random) : paintBest(random)
    index += 1
    return step
  }

  private func tryNoises(_ random: RandomNumbers) -> PaintingStep {
    let settings = search.settings
    // Where the best so far is near, it is among the tries' neighbours, not among the tries.
    let noises = (0..<settings.tries).map { place in
      let map = index * settings.tries + place
      let fresh = search.painter.noise(random, at: 0, map: map)
      guard settings.nearness > 0, let best else { return fresh }
      return Self.neighbour(of: best.noise, towards: fresh, nearness: settings.nearness)
    }
    let walk = NoiseWalk(search.quick, text: subject.text, noise: noises)
    while !walk.isOver { walk.advance { _ in random } }
    evaluations += walk.evaluations
    let pictures = walk.pictures()
    let scores = settings.reward.score(pictures, text: subject.text, by: search.judge)
    for (place, score) in scores.enumerated() where score > best?.score ?? -.infinity {
      best = (noises[place], score, pictures[place])
    }
    return PaintingStep(
      index: index, count: stepCount,
      label: "best \(decimals(best?.score ?? 0))", picture: best?.picture ?? pictures[0],
      evaluations: evaluations, byteCount: walk.byteCount,
      candidates: zip(pictures, scores).map {
        PaintingCandidate(picture: $0, score: $1, parent: nil)
      })
  }

  /// The best noise with all steps of the painter.
  private func paintBest(_ random: RandomNumbers) -> PaintingStep {
    let noise = best?.noise ?? search.painter.noise(random, at: 0)
    let walk = NoiseWalk(search.painter, text: subject.text, noise: [noise])
    while !walk.isOver { walk.advance { _ in random } }
    evaluations += walk.evaluations
    return PaintingStep(
      index: index, count: stepCount, label: "the best", picture: walk.pictures()[0],
      evaluations: evaluations, byteCount: walk.byteCount)
  }

  /// A noise of the same length at an angle from another one.
  static func neighbour(
    of noise: [Float], towards fresh: [Float], nearness: Double
  ) -> [Float] {
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let squares = dot(noise, noise)
    let along = dot(noise, fresh) / squares
    let aside = zip(noise, fresh).map { $1 - Float(along) * $0 }
    let turn = Float(
      (1 - nearness * nearness).squareRoot() * (squares / dot(aside, aside)).squareRoot())
    return zip(noise, aside).map { Float(nearness) * $0 + turn * $1 }
  }
}
