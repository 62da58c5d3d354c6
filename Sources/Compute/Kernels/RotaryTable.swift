import Glibc

/// Cosines and sines of the rotary embedding for every position: `[positions, dimension / 2]` each.
///
/// Source: Su et al., "RoFormer", arXiv:2104.09864, equation 34.
package final class RotaryTable {
  package let dimension: Int
  package let positions: Int
  /// Whether pairs are neighbours `(2i, 2i + 1)` rather than halves `(i, i + dimension / 2)`.
  package let isInterleaved: Bool
  let cosines: Buffer
  let sines: Buffer

  /// - Parameters:
  ///   - base: the wavelength base, 10,000 in the paper.
  ///   - scale: positions are multiplied by it (linear scaling; 1 for none).
  ///   - frequencyFactors: divides each pair's frequency, `[dimension / 2]`, or nil.
  package init(
    dimension: Int, positions: Int, base: Float, scale: Float = 1, isInterleaved: Bool,
    frequencyFactors: [Float]? = nil
  ) {
    precondition(dimension > 0 && dimension % 2 == 0)
    self.dimension = dimension
    self.positions = positions
    self.isInterleaved = isInterleaved
    let half = dimension / 2
    cosines = Buffer(count: positions * half)
    sines = Buffer(count: positions * half)
    self.frequencies = (0..<half).map { pair in
      let exponent = -2 * Double(pair) / Double(dimension)
      let factor = frequencyFactors.map { Double($0[pair]) } ?? 1
      return pow(Double(base), exponent) * Double(scale) / factor
    }
  }

  private let frequencies: [Double]
  private var filled = 0

  /// Computes the rows below `count` that are not there yet.
  ///
  /// Not to be called while workers run.
  package func extend(to count: Int) {
    precondition(count <= positions, "position \(count) of \(positions)")
    let half = dimension / 2
    while filled < count {
      for pair in 0..<half {
        let angle = Double(filled) * frequencies[pair]
        cosines[filled * half + pair] = Float(cos(angle))
        sines[filled * half + pair] = Float(sin(angle))
      }
      filled += 1
    }
  }
}
