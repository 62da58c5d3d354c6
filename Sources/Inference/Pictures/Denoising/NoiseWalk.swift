import Compute
import Glibc

/// Maps of one description on their way from noise to pictures, side by side.
package final class NoiseWalk {
  package let painter: DenoisingPainter
  package let text: TextVector
  package let points: [NoisePoint]
  /// Maps that walk.
  package let count: Int
  /// Steps that were taken.
  package private(set) var index = 0
  /// Passes of the network for one map.
  package private(set) var evaluations = 0.0
  /// Where the maps are, at `points[index]`.
  private var maps: Buffer
  /// What the last pass foretold of the pictures.
  private var clean: Buffer
  private let start: Buffer
  /// Velocities that were decoded ahead, by step.
  private var ahead: [Int: Buffer] = [:]
  private var featureBytes = 0

  /// - Parameter noise: where each map begins, `[side, side, latent]`.
  package init(_ painter: DenoisingPainter, text: TextVector, noise: [[Float]]) {
    self.painter = painter
    self.text = text
    points = painter.points
    count = noise.count
    let size = painter.mapCount
    maps = Buffer(count: count * size)
    clean = Buffer(count: count * size)
    start = Buffer(count: count * size)
    for (place, one) in noise.enumerated() {
      precondition(one.count == size)
      start.replace(at: place * size, with: one)
    }
    maps.copy(from: start, 0..<start.count, to: 0)
    // All ways begin at noise, but some not at quite all of it.
    let first = Float(points[0].noise)
    for place in 0..<maps.count { maps[place] *= first }
  }

  package var stepCount: Int { points.count - 1 }
  package var isOver: Bool { index == stepCount }
  /// Bytes of maps and of features that were kept.
  package var byteCount: Int { 4 * maps.count * 4 + featureBytes }

  /// Takes a step.
  ///
  /// - Parameter random: for each map, where its fresh noise comes from.
  package func advance(_ random: (Int) -> RandomNumbers) {
    let (from, to) = (points[index], points[index + 1])
    inject(at: from)
    let velocity = self.velocity(of: maps, at: index)
    let (size, scale, time) = (painter.mapCount, Float(from.scale), Float(from.time))
    let last = copy(of: clean)
    for place in 0..<maps.count {
      clean[place] = maps[place] * scale - time * velocity[place]
    }
    switch painter.solver {
    case .first, .anew:
      let fresh = painter.solver.freshNoise(from: from, to: to)
      let kept = Float(max(to.noise * to.noise - fresh * fresh, 0).squareRoot())
      for map in 0..<count {
        let noise = fresh > 0 ? painter.noise(random(map), at: index + 1) : []
        for place in 0..<size {
          let at = map * size + place
          let old = maps[at] * scale + (1 - time) * velocity[at]
          maps[at] = Float(to.picture) * clean[at] + kept * old
          if fresh > 0 { maps[at] += Float(fresh) * noise[place] }
        }
      }
    case .heun:
      let stride = Float(to.time - from.time)
      let tried = copy(of: maps)
      for place in 0..<tried.count { tried[place] += stride * velocity[place] }
      if to.noise > 0 {
        let second = self.velocity(of: tried, at: index + 1)
        for place in 0..<maps.count {
          maps[place] += stride * 0.5 * (velocity[place] + second[place])
        }
      } else {
        maps = tried
      }
    case .multistep:
      let factors = NoiseSolver.multistep(
        before: index > 0 ? points[index - 1] : nil, from: from, to: to)
      for place in 0..<maps.count {
        maps[place] =
          Float(factors.map) * maps[place] + Float(factors.latest) * clean[place]
          + Float(factors.earlier) * last[place]
      }
    }
    index += 1
  }

  /// Gives a map new noise: what was foretold of its picture stays.
  package func renew(_ map: Int, with noise: [Float]) {
    let (point, first) = (points[index], map * painter.mapCount)
    for place in 0..<painter.mapCount {
      maps[first + place] =
        Float(point.picture) * clean[first + place] + Float(point.noise) * noise[place]
    }
    ahead = [:]
  }

  /// Lets each map go on from where another one is.
  package func take(from parents: [Int]) {
    precondition(parents.count == count)
    let size = painter.mapCount
    for buffer in [maps, clean] {
      let old = copy(of: buffer)
      for (map, parent) in parents.enumerated() {
        buffer.copy(from: old, parent * size..<(parent + 1) * size, to: map * size)
      }
    }
    ahead = [:]
  }

  /// The pictures as they are foretold.
  package func pictures() -> [Picture] {
    let shown = isOver ? maps : clean
    return painter.tokenizer.paint(
      painter.denoiser.restored(shown), pictures: count,
      after: painter.tokenizer.scales.count - 1)
  }

  private func copy(of buffer: Buffer) -> Buffer {
    let result = Buffer(count: buffer.count)
    result.copy(from: buffer, 0..<buffer.count, to: 0)
    return result
  }

  // MARK: Velocities

  /// The first noise once more, against the loss of texture where features are kept.
  private func inject(at point: NoisePoint) {
    guard let reuse = painter.reuse, reuse.injection > 0, point.time < 0.5 else { return }
    let share = Float(reuse.injection)
    for place in 0..<maps.count { maps[place] += share * start[place] }
  }

  /// The velocities of maps at a point, guided; each is computed, or was decoded ahead.
  private func velocity(of maps: Buffer, at index: Int) -> Buffer {
    if let known = ahead.removeValue(forKey: index) { return known }
    let point = points[index]
    let copies = painter.isGuidedTwice(at: point.time) ? 2 : 1
    let input = Buffer(count: copies * maps.count)
    let scale = Float(point.scale)
    for place in 0..<input.count { input[place] = maps[place % maps.count] * scale }
    let features = painter.denoiser.encode(input, rows(at: [index], copies: copies))
    let share = painter.denoiser.encoderShare
    evaluations += Double(count * copies) * share
    let found = decode(features, at: [index], copies: copies)
    guard let reuse = painter.reuse else { return found[0] }
    featureBytes = features.byteCount
    let keys = reuse.keys(of: stepCount)
    var following: [Int] = []
    var next = index + 1
    while next < stepCount, !keys.contains(next) {
      following.append(next)
      next += 1
    }
    ahead = [:]
    // A batch of a few keeps the maps in the cache.
    for start in stride(from: 0, to: following.count, by: 4) {
      let batch = Array(following[start..<min(start + 4, following.count)])
      for (step, velocity) in zip(batch, decode(features, at: batch, copies: copies)) {
        ahead[step] = velocity
      }
    }
    return found[0]
  }

  private func rows(at steps: [Int], copies: Int) -> [DenoiserRow] {
    let strength = painter.denoiser.takesGuidance ? Float(painter.settings.guidance) : 1
    return steps.flatMap { step in
      (0..<copies).flatMap { copy in
        repeatElement(
          DenoiserRow(
            time: Float(points[step].time), text: copy == 0 ? text : nil, guidance: strength),
          count: count)
      }
    }
  }

  /// Velocities at some steps, the guided one of each map.
  private func decode(
    _ features: any DenoiserFeatures, at steps: [Int], copies: Int
  ) -> [Buffer] {
    let all = features.decode(rows(at: steps, copies: copies))
    evaluations += Double(count * copies * steps.count) * (1 - painter.denoiser.encoderShare)
    let size = count * painter.mapCount
    let guidance = Float(painter.settings.guidance)
    return steps.indices.map { step in
      let result = Buffer(count: size)
      let first = step * copies * size
      for place in 0..<size {
        let held = all[first + place]
        if copies == 2 {
          let free = all[first + size + place]
          result[place] = free + guidance * (held - free)
        } else {
          result[place] = held
        }
      }
      return result
    }
  }
}
