import CSpng
import Glibc
import Inference

enum PNG {
  /// Bytes of a chunk of text.
  private static let chunkLimit = 1 << 20

  static func decode(_ bytes: [UInt8]) throws(InferenceError) -> PictureFile {
    let result = unsafe bytes.withUnsafeBytes { raw -> Result<PictureFile, InferenceError> in
      guard
        let context = unsafe cspng_open(
          raw.baseAddress, raw.count, UInt32(PictureFile.sideLimit), chunkLimit)
      else { return .failure(PictureFile.failure("there is no memory for it")) }
      defer { unsafe spng_ctx_free(context) }
      do throws(InferenceError) {
        return .success(try unsafe read(context))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func read(_ context: OpaquePointer) throws(InferenceError) -> PictureFile {
    var width: UInt32 = 0
    var height: UInt32 = 0
    try check(unsafe cspng_size(context, &width, &height))
    let count = try PictureFile.byteCount(width: Int(width), height: Int(height))
    var pixels = [UInt8](repeating: 0, count: count)
    try check(unsafe cspng_read(context, &pixels, count))
    guard let picture = Picture(width: Int(width), height: Int(height), pixels: pixels) else {
      throw PictureFile.failure("the picture is empty")
    }
    var file = PictureFile(picture)
    let textCount = unsafe cspng_text_count(context)
    for index in 0..<textCount {
      var key: UnsafePointer<CChar>?
      var text: UnsafePointer<CChar>?
      var length = 0
      guard unsafe cspng_text(context, index, &key, &text, &length) == 1, let key = unsafe key,
        let text = unsafe text
      else { continue }
      let bytes = unsafe UnsafeRawBufferPointer(start: text, count: length)
      file.texts.append(
        PictureFile.Text(
          unsafe String(cString: key), unsafe String(decoding: bytes, as: UTF8.self)))
    }
    return file
  }

  static func encode(_ file: PictureFile) throws(InferenceError) -> [UInt8] {
    // Each ends at a zero, so none may hold one; PNG knows no empty ones.
    let kept = file.texts.filter { !$0.key.isEmpty && !$0.text.isEmpty }
    let texts = kept.flatMap { [$0.key, $0.text] }.flatMap { text in
      text.utf8.filter { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
    }
    var size = 0
    var error: Int32 = 0
    let bytes = unsafe cspng_write(
      file.picture.pixels, UInt32(file.picture.width), UInt32(file.picture.height),
      texts, UInt32(kept.count), &size, &error)
    try check(error)
    guard let bytes = unsafe bytes else { throw PictureFile.failure("there is no memory for it") }
    defer { unsafe free(bytes) }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: size))
  }

  private static func check(_ error: Int32) throws(InferenceError) {
    guard error != 0 else { return }
    guard error != Int32(SPNG_EUSER_WIDTH.rawValue), error != Int32(SPNG_EUSER_HEIGHT.rawValue)
    else {
      throw PictureFile.failure(
        "a side has more than \(PictureFile.sideLimit) pixels, which are too many")
    }
    let reason = unsafe spng_strerror(error).map { unsafe String(cString: $0) } ?? "error \(error)"
    throw PictureFile.failure("the PNG is broken: \(reason)")
  }
}
