import CTurboJPEG
import Glibc
import Inference

enum JPEG {
  static func decode(_ bytes: [UInt8]) throws(InferenceError) -> Picture {
    guard let handle = unsafe tjInitDecompress() else {
      throw PictureFile.failure("there is no memory for it")
    }
    defer { unsafe tjDestroy(handle) }
    var width: Int32 = 0
    var height: Int32 = 0
    var sampling: Int32 = 0
    var space: Int32 = 0
    let header = unsafe tjDecompressHeader3(
      handle, bytes, UInt(bytes.count), &width, &height, &sampling, &space)
    guard header == 0 else { throw unsafe failure(handle) }
    let count = try PictureFile.byteCount(width: Int(width), height: Int(height))
    var pixels = [UInt8](repeating: 0, count: count)
    // A warning, as of a file that is cut short, counts as an error: half a picture is none.
    let result = unsafe tjDecompress2(
      handle, bytes, UInt(bytes.count), &pixels, width, 4 * width, height,
      Int32(TJPF_RGBA.rawValue), Int32(TJFLAG_STOPONWARNING))
    guard result == 0 else { throw unsafe failure(handle) }
    guard let picture = Picture(width: Int(width), height: Int(height), pixels: pixels) else {
      throw PictureFile.failure("the picture is empty")
    }
    return picture
  }

  private static func failure(_ handle: tjhandle) -> InferenceError {
    let reason = unsafe tjGetErrorStr2(handle).map { unsafe String(cString: $0) } ?? "unknown error"
    return PictureFile.failure("the JPEG is broken: \(reason)")
  }
}
