import Glibc

/// How much of the picture and how much noise there is at a point of the way: `picture * map + noise * gaussian`.
package struct NoisePoint: Sendable, Equatable {
  package var picture: Double
  package var noise: Double

  package init(picture: Double, noise: Double) {
    self.picture = picture
    self.noise = noise
  }

  /// What a map at this point is multiplied by to lie on the straight way between picture and noise.
  var scale: Double { 1 / (picture + noise) }
  /// The time on the straight way at which picture and noise are mixed alike.
  package var time: Double { noise * scale }
}

/// The points of the way from noise to a picture, ends included.
package enum NoiseSchedule {
  /// The straight way (Liu et al., arXiv:2209.03003).
  ///
  /// - Parameter shift: above 1 spends more steps near the noise (Esser et al., arXiv:2403.03206, section 5.3.2).
  package static func straight(steps: Int, shift: Double = 1) -> [NoisePoint] {
    (0...steps).map { step in
      let time = Double(steps - step) / Double(steps)
      let shifted = shift * time / (1 + (shift - 1) * time)
      return NoisePoint(picture: 1 - shifted, noise: shifted)
    }
  }

  /// The way of 1,000 steps of DDPM and DDIM, of which some are taken.
  package static func curved(steps: Int, isCosine: Bool) -> [NoisePoint] {
    isCosine ? cosine(steps: steps) : linear(steps: steps)
  }

  /// Ho et al., arXiv:2006.11239: variances that rise from 0.0001 to 0.02 in 1,000 steps, of which some are taken.
  package static func linear(steps: Int) -> [NoisePoint] {
    let (first, last) = (1e-4, 0.02)
    return strided(steps, (0..<1000).map { 1 - (first + (last - first) * Double($0) / 999) })
  }

  /// Nichol and Dhariwal, arXiv:2102.09672, equation 17.
  package static func cosine(steps: Int) -> [NoisePoint] {
    func level(_ step: Int) -> Double {
      let angle = (Double(step) / 1000 + 0.008) / 1.008 * .pi / 2
      return cos(angle) * cos(angle)
    }
    return strided(steps, (0..<1000).map { step in max(level(step + 1) / level(step), 0.001) })
  }

  /// - Parameter kept: the share of variance that each of the steps keeps.
  private static func strided(_ steps: Int, _ kept: [Double]) -> [NoisePoint] {
    var level = 1.0
    let levels = kept.map { share -> Double in
      level *= share
      return level
    }
    let points = (0..<steps).map { step in
      let index = max(1, ((steps - step) * kept.count + steps / 2) / steps) - 1
      return NoisePoint(
        picture: levels[index].squareRoot(), noise: (1 - levels[index]).squareRoot())
    }
    return points + [NoisePoint(picture: 1, noise: 0)]
  }
}
