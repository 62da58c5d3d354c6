import Compute

/// What a pass of k rows costs over a pass of one: V(k), measured, and kept true by the passes that follow.
///
/// A pass of k rows is taken to last `speed * shape(k) + context * k`: the shape is what was measured behind a short
/// context; the speed changes with what else the machine does; and the context's attention costs about the same for
/// every row. Speed and context are followed by a Kalman filter, so that what passes of one size tell is applied to the
/// others too; the shape itself moves slowly.
package final class CostCurve {
  /// Rows at which the curve is kept; between them it is a straight line.
  package static let sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]

  /// Nanoseconds of a pass of one row when the shape was measured.
  private var reference: Double
  /// Whether nothing was measured yet.
  private var isGuess: Bool
  private var shape: [Double]
  private var filter = PassTimeFilter()

  /// Passes in a row that took far more or less time than expected.
  private var strays = 0

  private static let shapeRate = 0.04

  /// - Parameters:
  ///   - base: nanoseconds of a pass of one row.
  ///   - values: V at each of `sizes`; nil where passes cost the same until measured otherwise, as with weights that
  ///     are streamed from a disk, and the base is a guess.
  package init(base: Double, values: [Double]? = nil) {
    reference = max(1, base)
    isGuess = values == nil
    shape = values ?? Self.sizes.map { _ in 1 }
    precondition(shape.count == Self.sizes.count)
  }

  /// Nanoseconds of a pass of one row.
  package var base: Double { nanoseconds(1) }

  /// V at each of `sizes`.
  package var values: [Double] { Self.sizes.map(relative) }

  /// Times passes behind a short context, for about `nanoseconds` in all.
  ///
  /// Large passes of a large model would take too long: the last straight line goes on there.
  package static func measure(
    _ model: any LanguageModel, on pool: WorkerPool, nanoseconds: UInt64 = 300_000_000
  ) throws(InferenceError) -> CostCurve {
    let context = min(64, model.shape.contextLength / 2)
    let room = model.shape.contextLength - context
    let cache = try model.makeCache(capacity: min(model.shape.contextLength, context + 64))
    let clock = PhaseClock()
    let tokens = (0..<64).map { TokenID(($0 * 7 + 3) % model.shape.vocabulary) }
    _ = try model.forward(
      TokenBatch(chain: Array(tokens.prefix(context)), logits: .none), caches: [cache], on: pool,
      clock: clock)
    cache.commit(Array(0..<context))
    func time(_ rows: Int) throws(InferenceError) -> Double {
      let start = monotonicNanoseconds()
      _ = try model.forward(
        TokenBatch(chain: Array(tokens.prefix(rows)), logits: .all), caches: [cache], on: pool,
        clock: clock)
      let end = monotonicNanoseconds()
      cache.truncate(to: context)
      return Double(end - start)
    }
    // The first pass of a size makes room for it, and touches what it reads.
    _ = try time(1)
    let one = max(1, try time(1))
    // By rough costs, a third of a row each.
    let affordable = sizes.filter { size in
      size <= room && (size <= 2 || one * Double(size + 3) < Double(nanoseconds))
    }
    var best = [Double](repeating: .infinity, count: sizes.count)
    let end = monotonicNanoseconds() + nanoseconds
    var sweep = 0
    repeat {
      for (index, size) in sizes.enumerated() where affordable.contains(size) {
        // Small passes are what is chosen most often, so they are timed more often.
        if size > 8, sweep % 3 != 0 { continue }
        best[index] = min(best[index], try time(size))
        if monotonicNanoseconds() >= end, best[0].isFinite { break }
      }
      sweep += 1
    } while monotonicNanoseconds() < end
    return CostCurve(base: best[0], values: extended(best.map { $0 / best[0] }))
  }

  /// Fills in what was not measured, along the straight line through the last two that were.
  private static func extended(_ measured: [Double]) -> [Double] {
    var values: [Double] = []
    for (index, value) in measured.enumerated() {
      if value.isFinite {
        values.append(max(value, values.last ?? 1))
      } else if index >= 2 {
        let run = Double(sizes[index - 1] - sizes[index - 2])
        let slope = max((values[index - 1] - values[index - 2]) / run, 0.05)
        values.append(values[index - 1] + slope * Double(sizes[index] - sizes[index - 1]))
      } else {
        values.append(1 + 0.3 * Double(sizes[index] - 1))
      }
    }
    return values
  }

  /// V(rows).
  package func relative(_ rows: Int) -> Double { max(1, nanoseconds(rows) / nanoseconds(1)) }

  /// Nanoseconds of a pass.
  package func nanoseconds(_ rows: Int) -> Double {
    reference * (filter.speed * shape(rows) + filter.context * Double(max(1, rows)))
  }

  private func shape(_ rows: Int) -> Double {
    let (low, share) = place(rows)
    return shape[low] + share * (shape[low + 1] - shape[low])
  }

  /// The size below `rows`, and how far on the way to the next it lies (beyond the last, more than 1).
  private func place(_ rows: Int) -> (index: Int, share: Double) {
    let rows = max(1, rows)
    let last = Self.sizes.count - 2
    let index = min(last, (Self.sizes.lastIndex { $0 <= rows }) ?? 0)
    let (low, high) = (Self.sizes[index], Self.sizes[index + 1])
    return (index, Double(rows - low) / Double(high - low))
  }

  /// Takes in what a pass took.
  package func observe(rows: Int, nanoseconds: UInt64) {
    guard nanoseconds > 0, rows > 0 else { return }
    let time = Double(nanoseconds)
    guard !isGuess else {
      reference = time / shape(rows)
      isGuess = false
      return
    }
    // A pass that something interrupted tells of that and not of the model; several are no accident.
    let isStray = !(0.4...2.5).contains(time / self.nanoseconds(rows))
    strays = isStray ? strays + 1 : 0
    guard strays == 0 || strays > 3 else { return }
    filter.observe(time / reference, shape: shape(rows), rows: Double(rows))
    let factor = min(max(time / self.nanoseconds(rows), 0.7), 1.4)
    let (low, share) = place(rows)
    adjust(low, by: 1 + Self.shapeRate * (1 - min(share, 1)) * (factor - 1))
    adjust(low + 1, by: 1 + Self.shapeRate * min(share, 1) * (factor - 1))
  }

  /// One row is what the others are compared with; its shape stays 1.
  private func adjust(_ index: Int, by factor: Double) {
    guard index > 0 else { return }
    shape[index] = max(1, shape[index] * factor)
  }
}

/// Follows the machine's speed and the context's cost from the times of passes, all in passes of one row as measured.
private struct PassTimeFilter {
  private(set) var speed = 1.0
  private(set) var context = 0.0
  // The covariance of the two.
  private var speedVariance = 0.02
  private var contextVariance = 0.02
  private var covariance = 0.0

  /// What speed and context change by from pass to pass, and what times scatter by, as shares and squared.
  private static let speedDrift = 1e-4
  private static let contextDrift = 1e-5
  private static let scatter = 0.02

  mutating func observe(_ time: Double, shape: Double, rows: Double) {
    speedVariance += Self.speedDrift
    contextVariance += Self.contextDrift
    let expected = speed * shape + context * rows
    let error = min(max(time, expected * 0.5), expected * 2) - expected
    let speedGain = speedVariance * shape + covariance * rows
    let contextGain = covariance * shape + contextVariance * rows
    let total = speedGain * shape + contextGain * rows + Self.scatter * expected * expected
    speed = max(0.05, speed + speedGain / total * error)
    context = max(0, context + contextGain / total * error)
    speedVariance -= speedGain * speedGain / total
    contextVariance -= contextGain * contextGain / total
    covariance -= speedGain * contextGain / total
  }
}
