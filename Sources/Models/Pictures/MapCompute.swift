import Compute
import Inference

/// Runs the layers of picture networks on a team of workers.
package final class MapCompute {
  package let pool: WorkerPool
  package let clock: PhaseClock
  package let arena = MapArena()
  /// Memory of what a picture keeps from pass to pass; the next picture takes it over.
  let caches = MapArena()
  /// Whether products are in 8 bits, where weights allow it.
  package var usesIntegers = false
  /// Bytes of weights that were made in 8 bits beside the floats.
  package private(set) var integerByteCount = 0
  let kernels: Kernels
  /// Scratch of each worker.
  private var scratch: [Buffer]
  /// Sums and sums of squares, two for each place.
  private var sums = Buffer(count: 2 * 4096)
  let ones: Buffer

  /// Floats of a worker's scratch.
  static let scratchCount = 1 << 17

  package init(
    pool: WorkerPool, clock: PhaseClock = PhaseClock(), kernels: Kernels = .shared
  ) {
    self.pool = pool
    self.kernels = kernels
    self.clock = clock
    scratch = (0..<pool.count).map { _ in Buffer(count: Self.scratchCount) }
    ones = Buffer(count: Self.scratchCount)
    ones.fill(0..<Self.scratchCount, with: 1)
  }

  package func map(pictures: Int, height: Int, width: Int, channels: Int) -> FeatureMap {
    FeatureMap(pictures: pictures, height: height, width: width, channels: channels, in: arena)
  }

  package func map(like other: FeatureMap, channels: Int? = nil) -> FeatureMap {
    map(
      pictures: other.pictures, height: other.height, width: other.width,
      channels: channels ?? other.channels)
  }

  /// Calls `body` with pieces of `0..<count` of at most `most` each, on all workers, with a worker's scratch.
  ///
  /// What a piece computes must not depend on how the pieces are cut.
  ///
  /// - Parameter least: a piece that reads many weights should serve so many.
  func pieces(
    of count: Int, least: Int = 1, most: Int, _ body: (Range<Int>, Buffer) -> Void
  ) {
    let scratch = self.scratch
    // Several pieces for each worker, where there is enough to do, so that they end at about the same time.
    let size = min(most, max(least, (count + 4 * pool.count - 1) / (4 * pool.count)))
    let work = DealtWork(total: count, unit: size, piece: size, ownQuarters: 0)
    pool.run { worker in
      worker.deal(work) { range, _ in
        var start = range.lowerBound
        while start < range.upperBound {
          let end = min(start + most, range.upperBound)
          body(start..<end, scratch[worker.index])
          start = end
        }
      }
    }
  }

  /// Makes weights ready for the products to come; answers whether these are in 8 bits.
  func ready(_ weights: DenseWeights) -> Bool {
    guard usesIntegers else { return false }
    let isNew = !weights.hasIntegers
    guard let integers = weights.integers else { return false }
    if isNew { integerByteCount += integers.byteCount }
    return true
  }

  /// A product of all rows, cut by rows or, where there are fewer than outputs, by outputs: what is not cut is read by
  /// every worker.
  func dense(
    _ x: FloatRows, count: Int, by weights: DenseWeights, into y: FloatRows, adding: Bool = false
  ) {
    let kernels = self.kernels
    let inIntegers = ready(weights)
    if count >= 16 * pool.count, count < weights.outputs {
      let groups = (weights.outputs + DenseWeights.group - 1) / DenseWeights.group
      pieces(of: groups, most: groups) { groups, _ in
        let first = groups.lowerBound * DenseWeights.group
        let end = min(groups.upperBound * DenseWeights.group, weights.outputs)
        kernels.dense(
          x, count: count, by: weights, outputs: first..<end, into: y, adding: adding,
          inIntegers: inIntegers)
      }
    } else if count >= 16 * pool.count {
      pieces(of: count, most: 64) { rows, _ in
        kernels.dense(
          x.dropping(rows.lowerBound), count: rows.count, by: weights,
          into: y.dropping(rows.lowerBound), adding: adding, inIntegers: inIntegers)
      }
    } else {
      pool.run { worker in
        let outputs = worker.share(of: weights.outputs, multipleOf: DenseWeights.group)
        kernels.dense(
          x, count: count, by: weights, outputs: outputs, into: y, adding: adding,
          inIntegers: inIntegers)
      }
    }
  }

  /// Mean and inverse deviation of each picture's whole map, from sums of each place's channels in ascending order.
  ///
  /// The norm of one group of Wu and He, "Group normalization", arXiv:1803.08494.
  func moments(of map: FeatureMap, epsilon: Float) -> [Moments] {
    if sums.count < 2 * map.places { sums = Buffer(count: 2 * map.places) }
    let (kernels, sums, channels) = (self.kernels, self.sums, map.channels)
    pieces(of: map.places, most: 256) { places, _ in
      for place in places {
        let found = kernels.sums(map.values, at: place * channels, count: channels)
        sums[2 * place] = found.sum
        sums[2 * place + 1] = found.squares
      }
    }
    return (0..<map.pictures).map { picture in
      var sum = 0.0
      var squares = 0.0
      for place in picture * map.area..<(picture + 1) * map.area {
        sum += Double(sums[2 * place])
        squares += Double(sums[2 * place + 1])
      }
      let count = Double(map.area * channels)
      return Moments(sum: sum, squares: squares, count: count, epsilon: epsilon)
    }
  }
}

/// What brings numbers to mean 0 and variance 1: `x * scale + shift`.
struct Moments {
  var scale: Float
  var shift: Float

  init(sum: Double, squares: Double, count: Double, epsilon: Float) {
    let mean = sum / count
    let variance = max(0, squares / count - mean * mean)
    let scale = 1 / (variance + Double(epsilon)).squareRoot()
    self.scale = Float(scale)
    shift = Float(-mean * scale)
  }
}
