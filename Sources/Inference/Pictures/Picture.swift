/// A picture in memory: red, green, blue and alpha, eight bits each, colours not multiplied by alpha.
package struct Picture: Sendable, Equatable, Hashable {
  package let width: Int
  package let height: Int
  /// Row by row from the top, four bytes for each pixel.
  package let pixels: [UInt8]

  /// - Returns: nil where the bytes are not four for each pixel.
  package init?(width: Int, height: Int, pixels: [UInt8]) {
    guard width > 0, height > 0, pixels.count == 4 * width * height else { return nil }
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Of the size and some of the bytes: a photograph has millions, and is looked up at every key.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(width)
    hasher.combine(height)
    // An odd step meets every channel and column.
    for place in stride(from: 0, to: pixels.count, by: pixels.count / 64 | 1) {
      hasher.combine(pixels[place])
    }
  }

  /// A picture out of channels from -1 to 1, of which the colours were multiplied by alpha.
  ///
  /// - Parameter channel: the value of a pixel's channel, 0 to 3.
  package init(width: Int, height: Int, _ channel: (_ pixel: Int, _ channel: Int) -> Float) {
    precondition(width > 0 && height > 0)
    self.width = width
    self.height = height
    var pixels = [UInt8](repeating: 0, count: 4 * width * height)
    for pixel in 0..<width * height {
      let alpha = Self.unit(channel(pixel, 3))
      // An alpha that rounds to nothing leaves no colour to divide by.
      guard alpha >= 0.5 / 255 else { continue }
      for colour in 0..<3 {
        let value = min(Self.unit(channel(pixel, colour)), alpha) / alpha
        pixels[4 * pixel + colour] = UInt8((value * 255).rounded())
      }
      pixels[4 * pixel + 3] = UInt8((alpha * 255).rounded())
    }
    self.pixels = pixels
  }

  /// From -1...1 to 0...1; what is no number is 0.
  private static func unit(_ x: Float) -> Float { x.isNaN ? 0 : min(max(x * 0.5 + 0.5, 0), 1) }

  /// The picture on a ground of one colour.
  package func flattened(red: UInt8, green: UInt8, blue: UInt8) -> Picture {
    let ground = [Int(red), Int(green), Int(blue)]
    var flat = pixels
    for start in stride(from: 0, to: pixels.count, by: 4) {
      let alpha = Int(pixels[start + 3])
      for colour in 0..<3 {
        let sum = Int(pixels[start + colour]) * alpha + ground[colour] * (255 - alpha)
        flat[start + colour] = UInt8((sum + 127) / 255)
      }
      flat[start + 3] = 255
    }
    return Picture(width: width, height: height, pixels: flat) ?? self
  }
}
