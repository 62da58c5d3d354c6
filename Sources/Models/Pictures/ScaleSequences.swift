import Compute
import Inference

/// Keys and values of sequences of picture tokens, and the passes that add to them.
final class ScaleSequences: PictureSequences {
  private let model: ScaleTransformer
  private let sequences: Int
  private(set) var count = 0
  /// Of each layer: `[sequences, heads, dimension, length]`, so that a query meets all keys side by side.
  private let keys: [Buffer]
  /// Of each layer: `[sequences, length, width]`.
  private let values: [Buffer]
  /// What the first token is told, `[sequences, width]`.
  private let start: Buffer
  /// What words say of each token, `[sequences, length, width]`; nil where the network is not told it.
  private let sketches: Buffer?
  /// Of each layer shift, scale + 1 and gate of attention, then of the feed-forward part: `[sequences, 6, width]`.
  private let modulations: [Buffer]
  /// Shift and scale + 1 before the head, `[sequences, 2, width]`.
  private let last: Buffer

  /// Of the latest pass.
  private var latest: FeatureMap?

  private static let epsilon: Float = 1e-6

  init(model: ScaleTransformer, texts: [TextVector?]) {
    self.model = model
    sequences = texts.count
    let (width, rows) = (model.width, texts.count)
    let compute = model.compute
    keys = model.layers.map { _ in compute.caches.take(rows * width * model.length) }
    values = model.layers.map { _ in compute.caches.take(rows * width * model.length) }
    sketches = model.sketch?(texts, scales: model.scales, on: compute)
    let told = Buffer(count: rows * TextVector.count)
    for (row, text) in texts.enumerated() {
      told.replace(at: row * TextVector.count, with: text?.values ?? model.nothing)
    }
    start = Buffer(count: rows * width)
    compute.dense(
      FloatRows(told, stride: TextVector.count), count: rows, by: model.text,
      into: FloatRows(start, stride: width))
    let active = Buffer(count: rows * width)
    active.copy(from: start, 0..<rows * width, to: 0)
    compute.kernels.silu(active, at: 0, count: rows * width, ones: compute.ones)
    let input = FloatRows(active, stride: width)
    let shared = Buffer(count: rows * 6 * width)
    compute.dense(
      input, count: rows, by: model.modulation, into: FloatRows(shared, stride: 6 * width))
    last = Buffer(count: rows * 2 * width)
    compute.dense(input, count: rows, by: model.last, into: FloatRows(last, stride: 2 * width))
    for row in 0..<rows { Self.addOne(to: last, at: (2 * row + 1) * width, count: width) }
    modulations = model.layers.map { layer in
      let own = Buffer(count: rows * 6 * width)
      own.copy(from: shared, 0..<rows * 6 * width, to: 0)
      for row in 0..<rows {
        compute.kernels.add(own, at: row * 6 * width, layer.table, at: 0, count: 6 * width)
        for part in [1, 4] { Self.addOne(to: own, at: (6 * row + part) * width, count: width) }
      }
      return own
    }
  }

  deinit { for buffer in keys + values { model.compute.caches.give(buffer) } }

  private static func addOne(to buffer: Buffer, at offset: Int, count: Int) {
    for index in offset..<offset + count { buffer[index] += 1 }
  }

  var byteCount: Int { (keys + values).reduce(0) { $0 + $1.byteCount } }

  func logits(told: [Float], rows: Int) -> Buffer {
    precondition(count + rows <= model.length && (told.isEmpty ? count == 0 && rows == 1 : true))
    let (compute, width) = (model.compute, model.width)
    compute.clock.start()
    let all = sequences * rows
    let x = compute.map(pictures: sequences, height: rows, width: 1, channels: width)
    if told.isEmpty {
      x.values.copy(from: start, 0..<all * width, to: 0)
    } else {
      let input = compute.map(pictures: sequences, height: rows, width: 1, channels: model.latent)
      input.values.replace(at: 0, with: told)
      compute.dense(input.rows, count: all, by: model.enter, into: x.rows)
    }
    for row in 0..<all {
      compute.kernels.add(
        x.values, at: row * width, model.places, at: (count + row % rows) * width, count: width)
      guard let sketches else { continue }
      let token = row / rows * model.length + count + row % rows
      compute.kernels.add(
        x.values, at: row * width, sketches, at: token * width, count: width)
    }
    compute.clock.mark(.embedding)
    for layer in model.layers.indices { run(layer, x, rows: rows) }
    let normal = compute.map(like: x)
    norm(x, into: normal, rows: rows, modulation: last, stride: 2, shift: 0)
    let logits = compute.map(like: x, channels: model.codes)
    compute.dense(normal.rows, count: all, by: model.head, into: logits.rows)
    compute.clock.mark(.head, operations: 2 * all * width * model.codes)
    count += rows
    latest = logits
    return logits.values
  }

  private func run(_ index: Int, _ x: FeatureMap, rows: Int) {
    let (layer, compute, width) = (model.layers[index], model.compute, model.width)
    let modulation = modulations[index]
    let normal = compute.map(like: x)
    norm(x, into: normal, rows: rows, modulation: modulation, stride: 6, shift: 0)
    compute.clock.mark(.norm)
    let qkv = compute.map(like: x, channels: 3 * width)
    compute.dense(normal.rows, count: x.places, by: layer.qkv, into: qkv.rows)
    compute.clock.mark(.projection, operations: 6 * x.places * width * width)
    attend(qkv, layer: index, rows: rows, into: normal)
    compute.clock.mark(.attention, operations: 4 * x.places * (count + rows) * width)
    let part = compute.map(like: x)
    compute.dense(normal.rows, count: x.places, by: layer.out, into: part.rows)
    add(part, to: x, rows: rows, gates: modulation, gate: 2)
    compute.clock.mark(.projection, operations: 2 * x.places * width * width)
    norm(x, into: normal, rows: rows, modulation: modulation, stride: 6, shift: 3)
    compute.clock.mark(.norm)
    let hidden = compute.map(like: x, channels: 4 * width)
    compute.dense(normal.rows, count: x.places, by: layer.wide, into: hidden.rows)
    compute.pieces(of: x.places, most: 16) { [kernels = compute.kernels] places, _ in
      kernels.gelu(
        hidden.values, at: places.lowerBound * 4 * width, count: places.count * 4 * width,
        ones: compute.ones)
    }
    compute.dense(hidden.rows, count: x.places, by: layer.narrow, into: part.rows)
    add(part, to: x, rows: rows, gates: modulation, gate: 5)
    compute.clock.mark(.feedForward, operations: 16 * x.places * width * width)
  }

  /// A norm of each row, shifted and scaled by the row's sequence.
  private func norm(
    _ x: FeatureMap, into y: FeatureMap, rows: Int, modulation: Buffer, stride: Int, shift: Int
  ) {
    let (kernels, width) = (model.compute.kernels, model.width)
    model.compute.pieces(of: x.places, most: 16) { places, _ in
      for place in places {
        let found = kernels.sums(x.values, at: place * width, count: width)
        let moments = Moments(
          sum: Double(found.sum), squares: Double(found.squares), count: Double(width),
          epsilon: Self.epsilon)
        let first = (place / rows * stride + shift) * width
        kernels.normalize(
          x.values, at: place * width, count: width, scale: moments.scale, shift: moments.shift,
          weight: (modulation, first + width), bias: (modulation, first), into: y.values,
          at: place * width)
      }
    }
  }

  /// Adds a part to the stream, each number times its gate.
  private func add(_ part: FeatureMap, to x: FeatureMap, rows: Int, gates: Buffer, gate: Int) {
    let (kernels, width) = (model.compute.kernels, model.width)
    model.compute.pieces(of: x.places, most: 32) { places, _ in
      for place in places {
        let offset = place * width
        kernels.normalize(
          part.values, at: offset, count: width, scale: 1, shift: 0,
          weight: (gates, (place / rows * 6 + gate) * width), bias: (x.values, offset),
          into: x.values, at: offset)
      }
    }
  }

  /// Every row attends to all tokens before its own step's and to those of its own step.
  ///
  /// Each head by itself: what it keeps of the step, no other head reads.
  private func attend(_ qkv: FeatureMap, layer: Int, rows: Int, into y: FeatureMap) {
    let heads = model.heads
    model.compute.pieces(of: sequences * heads, most: 1) { pairs, scratch in
      for pair in pairs {
        let (sequence, head) = (pair / heads, pair % heads)
        store(qkv, layer: layer, rows: rows, sequence: sequence, head: head)
        attend(
          qkv, layer: layer, rows: rows, sequence: sequence, head: head, into: y, scratch: scratch)
      }
    }
  }

  /// Brings a head's queries and keys to length one, sharpens the queries, and keeps keys and values.
  private func store(_ qkv: FeatureMap, layer: Int, rows: Int, sequence: Int, head: Int) {
    let (kernels, width, dimension) = (model.compute.kernels, model.width, model.headDimension)
    let (length, keys, values) = (model.length, self.keys[layer], self.values[layer])
    let sharpness = model.layers[layer].sharpness[head]
    func unit(at offset: Int, times factor: Float) {
      let squares = kernels.sums(qkv.values, at: offset, count: dimension).squares
      kernels.scale(
        qkv.values, at: offset, count: dimension, by: factor / max(squares.squareRoot(), 1e-12))
    }
    for row in 0..<rows {
      let start = (sequence * rows + row) * 3 * width + head * dimension
      unit(at: start, times: sharpness)
      let key = start + width
      unit(at: key, times: 1)
      let target = (sequence * model.heads + head) * dimension * length + count + row
      for index in 0..<dimension { keys[target + index * length] = qkv.values[key + index] }
      let value = start + 2 * width
      values.copy(
        from: qkv.values, value..<value + dimension,
        to: (sequence * length + count + row) * width + head * dimension)
    }
  }

  private func attend(
    _ qkv: FeatureMap, layer: Int, rows: Int, sequence: Int, head: Int, into y: FeatureMap,
    scratch: Buffer
  ) {
    let (kernels, width, dimension) = (model.compute.kernels, model.width, model.headDimension)
    let (length, total) = (model.length, count + rows)
    let keys = FloatRows(
      self.keys[layer], at: (sequence * model.heads + head) * dimension * length, stride: length)
    let values = FloatRows(
      self.values[layer], at: sequence * length * width + head * dimension, stride: width)
    // As many rows at a time as the scratch holds scores of.
    let most = max(1, MapCompute.scratchCount / total)
    for first in stride(from: 0, to: rows, by: most) {
      let block = min(most, rows - first)
      let row = sequence * rows + first
      let scores = FloatRows(scratch, stride: total)
      kernels.product(
        FloatRows(qkv.values, at: row * 3 * width + head * dimension, stride: 3 * width),
        count: block, depth: dimension, by: keys, outputs: total, into: scores)
      for row in 0..<block { kernels.softmax(scratch, at: row * total, count: total) }
      kernels.product(
        scores, count: block, depth: total, by: values, outputs: dimension,
        into: FloatRows(y.values, at: row * width + head * dimension, stride: width))
    }
  }
}

extension Kernels {
  /// Makes scores into weights whose sum is one, in place.
  func softmax(_ x: Buffer, at offset: Int, count: Int) {
    let greatest = maximum(x, offset..<offset + count)
    let sum = exponentiate(x, at: offset, count: count, shift: greatest)
    scale(x, at: offset, count: count, by: 1 / sum)
  }
}
