import Compute
import Glibc

/// Paints a picture out of noise, which a network takes away step by step.
///
/// Classifier-free guidance after Ho and Salimans, arXiv:2207.12598.
package struct DenoisingPainter: Painter {
  package var tokenizer: any PictureTokenizer
  package var denoiser: any PictureDenoiser
  package var settings: DenoisingSettings
  /// From noise to the picture.
  package var points: [NoisePoint]
  package var solver: NoiseSolver
  /// nil runs the whole network at every step.
  package var reuse: FeatureReuse?

  package init(
    tokenizer: any PictureTokenizer, denoiser: any PictureDenoiser, settings: DenoisingSettings,
    points: [NoisePoint], solver: NoiseSolver
  ) throws(InferenceError) {
    guard tokenizer.scales.last == denoiser.side, tokenizer.latent == denoiser.latent else {
      throw InferenceError(
        .modelFile, "the weights of the tokenizer and the denoiser were not made for each other")
    }
    self.tokenizer = tokenizer
    self.denoiser = denoiser
    self.settings = settings
    self.points = points
    self.solver = solver
  }

  package func begin(_ subject: PaintingSubject) -> any PaintingRun {
    DenoisingRun(self, subject)
  }

  /// Numbers of a map.
  package var mapCount: Int { denoiser.side * denoiser.side * denoiser.latent }

  /// Whether the network is asked with and without the words.
  func isGuidedTwice(at time: Double) -> Bool {
    !denoiser.takesGuidance && settings.isGuided(at: time)
  }

  /// Gaussian noise of a map (Box and Muller, 1958).
  ///
  /// - Parameters:
  ///   - position: 0 is what a map begins with, then the steps.
  ///   - map: tells maps apart that share a seed.
  package func noise(_ random: RandomNumbers, at position: Int, map: Int = 0) -> [Float] {
    (0..<mapCount).map { place in
      let index = 2 * (map * mapCount + place)
      let first = random.uniform(at: position, for: .pictureNoise, index: index)
      let second = random.uniform(at: position, for: .pictureNoise, index: index + 1)
      return Float((-2 * log(max(first, 0x1p-53))).squareRoot() * cos(2 * .pi * second))
    }
  }
}

/// A picture while noise is taken away.
private final class DenoisingRun: PaintingRun {
  private let subject: PaintingSubject
  private let walk: NoiseWalk
  private var previews: Previews

  init(_ painter: DenoisingPainter, _ subject: PaintingSubject) {
    self.subject = subject
    previews = Previews(wanted: subject.isWatched ? painter.settings.previews : 1)
    let random = RandomNumbers(seed: subject.seed(at: 0))
    walk = NoiseWalk(painter, text: subject.text, noise: [painter.noise(random, at: 0)])
  }

  var stepCount: Int { walk.stepCount }

  func step() throws(InferenceError) -> PaintingStep {
    guard !walk.isOver else { throw InferenceError(.invalidRequest, "the picture is finished") }
    let (index, painter) = (walk.index, walk.painter)
    let random = RandomNumbers(seed: subject.seed(at: index))
    if index > 0, subject.branches.contains(where: { $0.step == index }) {
      walk.renew(0, with: painter.noise(random, at: 0))
    }
    walk.advance { _ in random }
    let tokenizer = painter.tokenizer
    let picture = previews.picture(
      after: index, of: stepCount, side: tokenizer.pictureSide(after: tokenizer.scales.count - 1)
    ) { walk.pictures()[0] }
    return PaintingStep(
      index: index, count: stepCount, label: "time \(decimals(walk.points[index + 1].time))",
      picture: picture, evaluations: walk.evaluations, byteCount: walk.byteCount)
  }
}

/// A number from 0 to 1 with two decimals.
package func decimals(_ number: Double) -> String {
  let all = Int((number * 100).rounded())
  return "\(all / 100).\(all % 100 < 10 ? "0" : "")\(all % 100)"
}
