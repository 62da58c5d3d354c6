/// Which steps run the encoder; the others decode what it found last.
///
/// Source: Li et al., "Faster diffusion: rethinking the role of the encoder for diffusion model inference",
/// arXiv:2312.09608.
package struct FeatureReuse: Sendable, Equatable {
  /// Every how many steps the encoder runs; 0 takes the paper's list, which is dense at first.
  package var every: Int
  /// What of the first noise is added to a map before each step of the second half.
  package var injection: Double

  package init(every: Int = 0, injection: Double = 0.003) {
    self.every = every
    self.injection = injection
  }

  /// Of 50 steps, after the paper's published settings.
  private static let published = [0, 1, 2, 3, 5, 10, 15, 25, 35]

  /// Steps that run the encoder, of `count`.
  package func keys(of count: Int) -> Set<Int> {
    if every > 0 { return Set(stride(from: 0, to: count, by: every)) }
    return Set(Self.published.map { $0 * count / 50 })
  }
}
