import Compute
import Foundation
import Inference
import Methods
import Models

/// Keys and values of every block in the half precision that they are kept in, the keys rotated to their places in the
/// block: `[layer][position]`.
final class HogwildJudgesRows {
  fileprivate var keys: [ObjectIdentifier: [[[Double]]]] = [:]
  fileprivate var values: [ObjectIdentifier: [[[Double]]]] = [:]
  /// The greatest difference seen so far, and how many outputs were compared.
  fileprivate(set) var worst = 0.0
  fileprivate(set) var compared = 0

  fileprivate func set(
    _ key: [Double], _ value: [Double], of block: HogwildBlock, layer: Int, at place: Int
  ) {
    let id = ObjectIdentifier(block)
    while keys[id, default: []].count <= layer {
      keys[id, default: []].append([])
      values[id, default: []].append([])
    }
    keys[id]?[layer].removeSubrange(place...)
    values[id]?[layer].removeSubrange(place...)
    keys[id]?[layer].append(key.map { Double(Float16($0)) })
    values[id]?[layer].append(value.map { Double(Float16($0)) })
  }
}

/// A view that is worked out a second time as plainly as possible: blocks joined to one text, every key rotated on
/// to its own explicit position, all in double precision.
final class HogwildJudge: KVCache {
  private let cache: HogwildCache
  private let raw: HogwildJudgesRows
  private let configuration: NetworkConfiguration
  /// What the pass at hand sees of each block but the last.
  private var seen: [(block: HogwildBlock, count: Int)] = []
  private var queries: [[Double]] = []

  init(_ cache: HogwildCache, _ raw: HogwildJudgesRows, _ configuration: NetworkConfiguration) {
    self.cache = cache
    self.raw = raw
    self.configuration = configuration
  }

  var count: Int { cache.count }
  var capacity: Int { cache.capacity }
  var byteCount: Int { cache.byteCount }
  var provisionalCount: Int { cache.provisionalCount }
  func commit(_ path: [Int]) { cache.commit(path) }
  func truncate(to count: Int) -> Int { cache.truncate(to: count) }
  func fork() throws(InferenceError) -> any KVCache { try cache.fork() }

  func begin(parents: [Int], isGrowing: Bool) throws(InferenceError) {
    try cache.begin(parents: parents, isGrowing: isGrowing)
    seen = cache.blocks.dropLast().map { ($0, $0.count) }
  }

  func attend(_ step: AttentionStep, as worker: Worker) {
    if worker.index == 0 { keep(step) }
    worker.barrier()
    cache.attend(step, as: worker)
    worker.barrier()
    // A text that is alone is judged by plain decoding.
    if worker.index == 0, !seen.isEmpty { compare(step) }
  }

  private func keep(_ step: AttentionStep) {
    let width = step.heads * step.headDimension
    let kvWidth = step.kvHeads * step.headDimension
    let own = cache.blocks[cache.blocks.count - 1]
    for (new, row) in step.rows.enumerated() {
      let key = step.keys.array(row * kvWidth..<(row + 1) * kvWidth).map(Double.init)
      let value = step.values.array(row * kvWidth..<(row + 1) * kvWidth).map(Double.init)
      let place = own.count + new
      let rotated = (0..<step.kvHeads).flatMap { rotate(key, $0, to: place, step) }
      raw.set(rotated, value, of: own, layer: step.layer, at: place)
    }
    queries = step.rows.map {
      step.queries.array($0 * width..<($0 + 1) * width).map(Double.init)
    }
  }

  private func compare(_ step: AttentionStep) {
    let own = cache.blocks[cache.blocks.count - 1]
    var rotated: [[[Double]]] = []
    var values: [[Double]] = []
    for (block, count) in seen + [(own, own.count + step.rows.count)] where count > 0 {
      let id = ObjectIdentifier(block)
      let begin = rotated.count
      for key in raw.keys[id]?[step.layer].prefix(count) ?? [] {
        rotated.append((0..<step.kvHeads).map { rotate(key, $0, to: begin, step) })
      }
      values += raw.values[id]?[step.layer].prefix(count) ?? []
    }
    let dimension = step.headDimension
    for row in step.outputRows {
      let new = row - step.rows.lowerBound
      let position = rotated.count - step.rows.count + new
      let first = step.window.map { max(0, position + 1 - $0) } ?? 0
      for head in 0..<step.heads {
        let shared = head / (step.heads / step.kvHeads)
        let query = rotate(queries[new], head, to: position, step)
        let scores = (first...position).map { other in
          Double(step.scale) * zip(query, rotated[other][shared]).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let top = scores.max() ?? 0
        let powers = scores.map { exp($0 - top) }
        let sum = powers.reduce(0, +)
        let place = (row * step.heads + head) * dimension
        let output = step.output.array(place..<place + dimension)
        for column in 0..<dimension {
          let expected = powers.indices.reduce(0.0) {
            $0 + powers[$1] / sum * values[first + $1][shared * dimension + column]
          }
          raw.worst = max(raw.worst, abs(expected - Double(output[column])))
          raw.compared += 1
        }
      }
    }
  }

  /// One head, rotated by so many positions.
  private func rotate(
    _ x: [Double], _ head: Int, to position: Int, _ step: AttentionStep
  ) -> [Double] {
    let dimension = step.headDimension
    let isWindowed = step.window != nil
    var head = Array(x[head * dimension..<(head + 1) * dimension])
    let rotary = configuration.rotaryDimension
    let base = Double(isWindowed ? configuration.localRotaryBase : configuration.rotaryBase)
    let scale = isWindowed ? 1 : Double(configuration.rotaryScale)
    for pair in 0..<rotary / 2 {
      let angle = Double(position) * scale * pow(base, -2 * Double(pair) / Double(rotary))
      let first = configuration.interleavedRotary ? 2 * pair : pair
      let second = configuration.interleavedRotary ? 2 * pair + 1 : pair + rotary / 2
      let (a, b) = (head[first], head[second])
      head[first] = a * cos(angle) - b * sin(angle)
      head[second] = a * sin(angle) + b * cos(angle)
    }
    return head
  }
}
