import Glibc
import Inference

/// Paints the best of some particles: Singhal et al., arXiv:2501.06848, algorithm 1, with the potential of differences.
struct ParticlePainter: Painter {
  var painter: DenoisingPainter
  var judge: any PictureJudge
  var settings: ParticleSettings

  func begin(_ subject: PaintingSubject) -> any PaintingRun { ParticleRun(self, subject) }
}

/// Particles on their way.
private final class ParticleRun: PaintingRun {
  private let steering: ParticlePainter
  private let subject: PaintingSubject
  private let walk: NoiseWalk
  /// Logarithms of what each particle counts, since they were last drawn.
  private var weights: [Double]
  /// Of each particle, at the last look.
  private var rewards: [Double]
  private var latest: [PaintingCandidate] = []

  init(_ steering: ParticlePainter, _ subject: PaintingSubject) {
    self.steering = steering
    self.subject = subject
    let count = steering.settings.particles
    let random = RandomNumbers(seed: subject.seed(at: 0))
    walk = NoiseWalk(
      steering.painter, text: subject.text,
      noise: (0..<count).map { steering.painter.noise(random, at: 0, map: $0) })
    weights = Array(repeating: 0, count: count)
    rewards = Array(repeating: 0, count: count)
  }

  var stepCount: Int { walk.stepCount }

  func step() throws(InferenceError) -> PaintingStep {
    guard !walk.isOver else { throw InferenceError(.invalidRequest, "the picture is finished") }
    let (index, settings) = (walk.index, steering.settings)
    let seed = subject.seed(at: index)
    // Particles share the seed: what tells their noise apart is the place of each.
    walk.advance { ParticleRun.random(seed: seed, particle: $0) }
    let looks = (index + 1) % settings.every == 0 || walk.isOver
    for place in latest.indices { latest[place].parent = nil }
    if looks || latest.isEmpty {
      let pictures = walk.pictures()
      var parents: [Int?] = walk.isOver ? [] : Array(repeating: nil, count: pictures.count)
      if looks { parents = look(at: pictures, step: index, seed: seed) }
      latest = pictures.indices.map {
        PaintingCandidate(
          picture: pictures[parents[$0] ?? $0], score: looks ? rewards[$0] : nil,
          parent: parents[$0])
      }
    }
    let best = rewards.indices.max { rewards[$0] < rewards[$1] } ?? 0
    return PaintingStep(
      index: index, count: stepCount,
      label: "time \(decimals(walk.points[index + 1].time))", picture: latest[best].picture,
      evaluations: walk.evaluations, byteCount: walk.byteCount,
      candidates: latest)
  }

  /// Scores the pictures, and draws the particles anew where few of them count; returns where each one comes from.
  private func look(at pictures: [Picture], step: Int, seed: UInt64) -> [Int?] {
    let settings = steering.settings
    let found = settings.reward.score(pictures, text: subject.text, by: steering.judge)
    for place in found.indices {
      weights[place] += settings.strength * (found[place] - rewards[place])
      rewards[place] = found[place]
    }
    let kept = Array<Int?>(repeating: nil, count: found.count)
    // The last picture is chosen by its reward: there is nothing to draw for.
    guard !walk.isOver, found.count > 1 else { return kept }
    let greatest = weights.max() ?? 0
    let shares = weights.map { exp($0 - greatest) }
    let sum = shares.reduce(0, +)
    let effective = sum * sum / shares.reduce(0) { $0 + $1 * $1 }
    guard effective < settings.spread * Double(found.count) || settings.spread >= 1 else {
      return kept
    }
    let random = RandomNumbers(seed: seed)
    let parents = found.indices.map { place -> Int in
      var left = random.uniform(at: step, for: .pictureToken, index: place) * sum
      for (parent, share) in shares.enumerated() {
        left -= share
        if left < 0 { return parent }
      }
      return shares.count - 1
    }
    walk.take(from: parents)
    rewards = parents.map { rewards[$0] }
    weights = Array(repeating: 0, count: weights.count)
    return parents
  }

  private static func random(seed: UInt64, particle: Int) -> RandomNumbers {
    RandomNumbers(seed: seed &+ UInt64(particle) &* 0x9E37_79B9_7F4A_7C15)
  }
}
