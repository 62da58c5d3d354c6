import Foundation
import Inference

/// A picture with the texts that its file holds.
package struct PictureFile: Sendable, Equatable {
  package var picture: Picture
  /// Key and text of each chunk of text; empty for formats that have none.
  package var texts: [Text]

  package struct Text: Sendable, Equatable {
    package var key: String
    package var text: String

    package init(_ key: String, _ text: String) {
      self.key = key
      self.text = text
    }
  }

  package init(_ picture: Picture, texts: [Text] = []) {
    self.picture = picture
    self.texts = texts
  }

  /// The text under a key.
  package subscript(key: String) -> String? { texts.first { $0.key == key }?.text }

  /// Bytes that a file may have, and pixels that a picture may have.
  package static let byteLimit = 64 << 20
  package static let pixelLimit = 1 << 26
  /// Pixels of a side.
  package static let sideLimit = 1 << 15

  /// Reads a PNG, JPEG or WebP file.
  ///
  /// - Throws: `environment` where the file cannot be read, `invalidRequest` where it is none of these, is broken, or is
  ///   too large; the message names the file.
  package static func read(_ path: String) throws(InferenceError) -> PictureFile {
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else {
      throw InferenceError(.environment, "\(path): there is no such file")
    }
    guard attributes[.type] as? FileAttributeType != .typeDirectory else {
      throw InferenceError(.environment, "\(path) is a folder")
    }
    let size = (attributes[.size] as? NSNumber)?.intValue ?? 0
    guard size <= byteLimit else {
      throw InferenceError(
        .invalidRequest,
        "\(path) has \(size >> 20) MiB; pictures of at most \(byteLimit >> 20) MiB are read")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw InferenceError(.environment, "\(path) cannot be read")
    }
    do {
      return try decode([UInt8](data))
    } catch {
      throw InferenceError(error.code, "\(path): \(error.message)")
    }
  }

  /// - Throws: `invalidRequest`, with what is wrong.
  package static func decode(_ bytes: [UInt8]) throws(InferenceError) -> PictureFile {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return try PNG.decode(bytes) }
    if bytes.starts(with: [0xFF, 0xD8]) { return PictureFile(try JPEG.decode(bytes)) }
    if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
      return PictureFile(try WebP.decode(bytes))
    }
    throw failure(bytes.isEmpty ? "the file is empty" : "neither PNG nor JPEG nor WebP")
  }

  /// Writes a PNG, whole or not at all.
  ///
  /// - Throws: `environment`, naming the file.
  package func write(to path: String) throws(InferenceError) {
    let bytes = try PNG.encode(self)
    do {
      try Data(bytes).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw InferenceError(
        .environment, "\(path) cannot be written: \(Self.reason(error, writing: path))")
    }
  }

  private static func reason(_ error: any Error, writing path: String) -> String {
    if isFolder(path) { return "it is a folder; name a file in it" }
    let folder = (path as NSString).deletingLastPathComponent
    if !folder.isEmpty, !FileManager.default.fileExists(atPath: folder) {
      return "there is no folder \(folder)"
    }
    // Foundation's own words tell nothing; the system's, which it wraps, do.
    let error = error as NSError
    let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
    return cause.localizedFailureReason ?? cause.localizedDescription
  }

  package static func isFolder(_ path: String) -> Bool {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.type] as? FileAttributeType == .typeDirectory
  }

  static func failure(_ text: String) -> InferenceError { InferenceError(.invalidRequest, text) }

  /// Bytes of a picture of that size.
  ///
  /// - Throws: `invalidRequest` where it is empty or too large.
  static func byteCount(width: Int, height: Int) throws(InferenceError) -> Int {
    guard width > 0, height > 0 else { throw failure("the picture is empty") }
    guard width <= sideLimit, height <= sideLimit, width * height <= pixelLimit else {
      throw failure("\(width) x \(height) pixels are too many: \(pixelLimit >> 20) million fit")
    }
    return 4 * width * height
  }
}
