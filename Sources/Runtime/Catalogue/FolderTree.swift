import Foundation

/// Bytes of all files below a folder; files that vanish meanwhile count nothing.
func treeSize(_ folder: String) -> Int {
  guard let names = FileManager.default.enumerator(atPath: folder) else { return 0 }
  var sum = 0
  for case let name as String in names { sum += fileSize(folder + "/" + name) ?? 0 }
  return sum
}

/// Files below `folder` whose path matches a pattern of `*` and `?`, sorted by path.
func matches(of pattern: String, in folder: String) -> [String] {
  var paths = [""]
  for piece in pattern.split(separator: "/") {
    paths = paths.flatMap { path -> [String] in
      if !piece.contains("*") && !piece.contains("?") { return [path + "/" + piece] }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + path)) ?? []
      return names.sorted().filter { matches(Array($0), Array(piece)) }.map { path + "/" + $0 }
    }
  }
  return paths.map { folder + $0 }.filter { fileSize($0) != nil }
}

private func matches(_ name: [Character], _ pattern: [Character]) -> Bool {
  // Rows of the usual table: reached[i] says that the pattern so far can match the first i characters.
  var reached = [true] + Array(repeating: false, count: name.count)
  for sign in pattern {
    if sign == "*" {
      for index in reached.indices.dropFirst() where reached[index - 1] { reached[index] = true }
    } else {
      for index in reached.indices.dropFirst().reversed() {
        reached[index] = reached[index - 1] && (sign == "?" || sign == name[index - 1])
      }
      reached[0] = false
    }
  }
  return reached.last ?? false
}

/// A lock between processes, held through an open file.
final class FolderLock {
  private let handle: FileHandle
  private let path: String

  /// Nil where another process holds it.
  init?(path: String) {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forUpdatingAtPath: path),
      flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0
    else { return nil }
    self.handle = handle
    self.path = path
  }

  func release() {
    try? FileManager.default.removeItem(atPath: path)
    try? handle.close()
  }
}
