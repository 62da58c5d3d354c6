import Compute
import Glibc

/// Resizes square maps by the rules that they were trained with: cubic with a = -0.75 upwards, means downwards, pixel
/// centres at halves.
package enum Resizing {
  /// For each place of the larger side the weights of the smaller side's places; edges are repeated.
  package static func cubic(from: Int, to: Int) -> [[Float]] {
    if from == to { return (0..<to).map { place in (0..<from).map { $0 == place ? 1 : 0 } } }
    let ratio = Float(from) / Float(to)
    return (0..<to).map { place in
      var weights = [Float](repeating: 0, count: from)
      let source = (Float(place) + 0.5) * ratio - 0.5
      let base = source.rounded(.down)
      let t = source - base
      for (offset, weight) in zip(-1...2, kernel(t)) {
        weights[min(max(Int(base) + offset, 0), from - 1)] += weight
      }
      return weights
    }
  }

  /// Weights of the four neighbours of a point `t` past the second of them.
  private static func kernel(_ t: Float) -> [Float] {
    let a: Float = -0.75
    func near(_ x: Float) -> Float { ((a + 2) * x - (a + 3)) * x * x + 1 }
    func far(_ x: Float) -> Float { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return [far(t + 1), near(t), near(1 - t), far(2 - t)]
  }

  /// Resizes a map `[side * side, channels]` by the same weights in both directions.
  package static func apply(
    _ weights: [[Float]], to map: [Float], side: Int, into output: Buffer, at offset: Int
  ) {
    let channels = map.count / (side * side)
    let to = weights.count
    // Columns first.
    var wide = [Float](repeating: 0, count: side * to * channels)
    for line in 0..<side {
      for column in 0..<to {
        let target = (line * to + column) * channels
        for source in 0..<side where weights[column][source] != 0 {
          let (weight, start) = (weights[column][source], (line * side + source) * channels)
          for channel in 0..<channels { wide[target + channel] += weight * map[start + channel] }
        }
      }
    }
    for line in 0..<to {
      let target = offset + line * to * channels
      output.fill(target..<target + to * channels, with: 0)
      for source in 0..<side where weights[line][source] != 0 {
        let (weight, start) = (weights[line][source], source * to * channels)
        for index in 0..<to * channels { output[target + index] += weight * wide[start + index] }
      }
    }
  }

  /// The means of the windows that the places of a smaller side cover, `[to * to * channels]`.
  package static func mean(
    of map: Buffer, at offset: Int, side: Int, channels: Int, to: Int
  ) -> [Float] {
    var means = [Float](repeating: 0, count: to * to * channels)
    for line in 0..<to {
      let lines = line * side / to..<((line + 1) * side + to - 1) / to
      for column in 0..<to {
        let columns = column * side / to..<((column + 1) * side + to - 1) / to
        let share = 1 / Float(lines.count * columns.count)
        for channel in 0..<channels {
          var sum: Float = 0
          for i in lines {
            for j in columns { sum += map[offset + (i * side + j) * channels + channel] }
          }
          means[(line * to + column) * channels + channel] = sum * share
        }
      }
    }
    return means
  }
}
