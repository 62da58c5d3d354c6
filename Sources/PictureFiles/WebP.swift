import CWebP
import Inference

enum WebP {
  static func decode(_ bytes: [UInt8]) throws(InferenceError) -> Picture {
    var width: Int32 = 0
    var height: Int32 = 0
    guard unsafe WebPGetInfo(bytes, bytes.count, &width, &height) != 0 else {
      throw PictureFile.failure("the WebP is broken: its header makes no sense")
    }
    let count = try PictureFile.byteCount(width: Int(width), height: Int(height))
    var pixels = [UInt8](repeating: 0, count: count)
    let decoded = unsafe WebPDecodeRGBAInto(bytes, bytes.count, &pixels, count, 4 * width)
    guard unsafe decoded != nil,
      let picture = Picture(width: Int(width), height: Int(height), pixels: pixels)
    else { throw PictureFile.failure("the WebP is broken: its pixels cannot be read") }
    return picture
  }
}
