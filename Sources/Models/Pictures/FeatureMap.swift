import Compute

/// Feature maps of some pictures, `[pictures, height, width, channels]`.
///
/// Its memory goes back to the arena that it came from; belongs to the engine's thread.
package final class FeatureMap {
  package let pictures: Int
  package let height: Int
  package let width: Int
  package let channels: Int
  package let values: Buffer
  private let arena: MapArena

  init(pictures: Int, height: Int, width: Int, channels: Int, in arena: MapArena) {
    self.pictures = pictures
    self.height = height
    self.width = width
    self.channels = channels
    self.arena = arena
    values = arena.take(pictures * height * width * channels)
  }

  deinit { arena.give(values) }

  /// Places of one map.
  package var area: Int { height * width }
  /// Places of all maps.
  package var places: Int { pictures * area }
  package var count: Int { places * channels }
  /// A row for each place.
  package var rows: FloatRows { FloatRows(values, stride: channels) }

  /// One picture's map.
  package func range(of picture: Int) -> Range<Int> {
    picture * area * channels..<(picture + 1) * area * channels
  }
}

/// Memory that feature maps take turns in, so that a pass need not ask the system for it.
package final class MapArena {
  private var free: [Int: [Buffer]] = [:]
  /// Bytes that were ever handed out at a time.
  package private(set) var peakByteCount = 0
  private var byteCount = 0

  package init() {}

  /// Begins to look for the most anew.
  package func forgetPeak() { peakByteCount = byteCount }

  /// At least `count` floats, of any values.
  package func take(_ count: Int) -> Buffer {
    let size = Self.size(count)
    byteCount += size * 4
    peakByteCount = max(peakByteCount, byteCount)
    return free[size]?.popLast() ?? Buffer(count: size)
  }

  package func give(_ buffer: Buffer) {
    byteCount -= buffer.count * 4
    free[buffer.count, default: []].append(buffer)
  }

  /// Sizes are rounded up, so that fewer buffers serve.
  private static func size(_ count: Int) -> Int {
    let step = max(64, (1 << max(0, Int.bitWidth - count.leadingZeroBitCount - 1)) / 4)
    return (max(count, 1) + step - 1) / step * step
  }
}

extension FeatureMap {
  /// All maps `count` times over.
  func copies(_ times: Int, on compute: MapCompute) -> FeatureMap {
    let y = compute.map(
      pictures: times * pictures, height: height, width: width, channels: channels)
    for time in 0..<times { y.values.copy(from: values, 0..<count, to: time * count) }
    return y
  }

  /// The channels of this map and of another, side by side; both are repeated until there are `copies` times the
  /// other's pictures.
  func beside(_ other: FeatureMap, copies: Int, on compute: MapCompute) -> FeatureMap {
    let y = compute.map(
      pictures: copies * other.pictures, height: height, width: width,
      channels: channels + other.channels)
    for place in 0..<y.places {
      let (own, second) = (place % places * channels, place % other.places * other.channels)
      let target = place * y.channels
      y.values.copy(from: values, own..<own + channels, to: target)
      y.values.copy(from: other.values, second..<second + other.channels, to: target + channels)
    }
    return y
  }
}
