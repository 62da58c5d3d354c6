import Glibc

/// How a map is brought from one point of the way to the next.
package enum NoiseSolver: Sendable, Equatable {
  /// The picture foretold, with noise of which a share is fresh.
  ///
  /// `share` 0 is DDIM (Song et al., arXiv:2010.02502, equation 12), on the straight way the Euler method; 1 is DDPM with
  /// the variance of its posterior (Ho et al., arXiv:2006.11239, equation 7).
  case first(share: Double)
  /// The picture foretold, with fresh noise alone: for students that foretell it from anywhere (Luo et al.,
  /// arXiv:2310.04378, algorithm 3).
  case anew
  /// The mean of the velocities at both ends (Heun's method), on the straight way.
  case heun
  /// DPM-Solver++ of second order in several steps (Lu et al., arXiv:2211.01095, algorithm 2), on the straight way.
  case multistep

  /// The deviation of the fresh noise.
  func freshNoise(from: NoisePoint, to: NoisePoint) -> Double {
    if case .anew = self { return to.noise }
    guard case .first(let share) = self, share > 0, to.noise > 0, to.picture > 0 else { return 0 }
    let ratio = from.picture / to.picture
    let left = from.noise * from.noise - ratio * ratio * to.noise * to.noise
    return min(share * to.noise / from.noise * max(left, 0).squareRoot(), to.noise)
  }

  /// Half the logarithm of the ratio of signal to noise.
  private static func signal(_ point: NoisePoint) -> Double { log(point.picture / point.noise) }

  /// What the multistep method multiplies with: the map, the picture foretold, and the one foretold before.
  static func multistep(
    before: NoisePoint?, from: NoisePoint, to: NoisePoint
  ) -> (map: Double, latest: Double, earlier: Double) {
    let stride = signal(to) - signal(from)
    let gain = -to.picture * (exp(-stride) - 1)
    let kept = to.noise / from.noise
    guard let before, to.noise > 0 else { return (kept, gain, 0) }
    // The first stride is endless: it leans on nothing before it.
    let half = stride / (2 * (signal(from) - signal(before)))
    return (kept, gain * (1 + half), -gain * half)
  }
}
