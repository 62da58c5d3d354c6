import CChafa

/// Pictures as sixels.
enum SixelEncoder {
  /// One control string for a picture on whole cells; empty where there is no memory.
  static func encode(_ picture: PixelPicture, columns: Int, rows: Int, cell: Size) -> [UInt8] {
    // At this size libchafa need not scale: squares stay sharp, and runs of them take few bytes.
    let height = rows * cell.height
    let size = Size(width: columns * cell.width, height: height - height % 6)
    var count = 0
    // Sound: the pixels are read during the call, the text has `count` bytes and is freed here once.
    guard
      let text = unsafe cchafa_sixels(
        picture.pixels(scaledTo: size), Int32(size.width), Int32(size.height), Int32(columns),
        Int32(rows), Int32(cell.width), Int32(cell.height), &count)
    else { return [] }
    defer { unsafe cchafa_free(text) }
    return unsafe UnsafeRawBufferPointer(start: text, count: count).map { $0 }
  }
}
