/// A picture to show in real pixels over cells of a frame, which are left blank for it.
package struct PixelPicture: Hashable, Sendable {
  /// Red, green, blue and alpha, row by row, not multiplied by alpha.
  package let pixels: [UInt8]
  package let width: Int
  package let height: Int

  /// The cells that it fills wholly; the caller keeps its shape.
  package let area: Rect

  /// - Returns: nil where there is nothing to show.
  package init?(pixels: [UInt8], width: Int, height: Int, area: Rect) {
    guard width > 0, height > 0, pixels.count == 4 * width * height, !area.isEmpty else {
      return nil
    }
    self.pixels = pixels
    self.width = width
    self.height = height
    self.area = area
  }

  /// The pixels at another size: squares where it is larger, averages where it is smaller.
  func pixels(scaledTo size: Size) -> [UInt8] {
    if size == Size(width: width, height: height) { return pixels }
    let columns = (0..<size.width).map { Self.sources(of: $0, size.width, among: width) }
    var result: [UInt8] = []
    result.reserveCapacity(4 * size.width * size.height)
    for row in 0..<size.height {
      let rows = Self.sources(of: row, size.height, among: height)
      for columns in columns { append(average(rows, columns), to: &result) }
    }
    return result
  }

  /// The places that one of `count` is made from.
  private static func sources(of place: Int, _ count: Int, among sources: Int) -> Range<Int> {
    let first = place * sources / count
    return first..<max(first + 1, (place + 1) * sources / count)
  }

  /// Sums of red, green and blue by alpha, of alpha, and of pixels.
  private func average(_ rows: Range<Int>, _ columns: Range<Int>) -> SIMD8<Int> {
    var sum = SIMD8<Int>(repeating: 0)
    for row in rows {
      for column in columns {
        let start = 4 * (row * width + column)
        let alpha = Int(pixels[start + 3])
        for channel in 0..<3 { sum[channel] += Int(pixels[start + channel]) * alpha }
        sum[3] += alpha
        sum[4] += 1
      }
    }
    return sum
  }

  private func append(_ sum: SIMD8<Int>, to result: inout [UInt8]) {
    for channel in 0..<3 { result.append(UInt8(sum[3] > 0 ? sum[channel] / sum[3] : 0)) }
    result.append(UInt8(sum[3] / sum[4]))
  }
}
