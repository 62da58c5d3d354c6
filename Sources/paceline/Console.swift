import Foundation

/// Why nothing more can be written to standard output.
enum OutputError: Error {
  /// Its reader is gone; nothing is left to do.
  case closed
  /// What was to be written is lost, such as on a full disk.
  case failed(reason: String)

  /// - Parameter error: what `FileHandle` throws: a Cocoa error around the system's.
  init(_ error: any Error) {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
    let isClosed = cause.domain == NSPOSIXErrorDomain && cause.code == Int(EPIPE)
    self =
      isClosed
      ? .closed
      : .failed(
        reason: cause.localizedFailureReason ?? cause.localizedDescription)
  }
}

/// The process's three streams: standard output carries results, standard error notes.
enum Console {
  /// A closed output shall be an error to handle, not a signal that ends the program.
  static func prepare() { signal(SIGPIPE, SIG_IGN) }

  static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }
  static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
  static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Whether input comes from a file, a pipe or a socket: something that has an end, unlike a terminal or a device.
  static var inputIsPiped: Bool {
    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/0")
    guard let target else { return false }
    return !target.hasPrefix("/dev/") && !target.hasPrefix("anon_inode:")
  }

  /// Help is wrapped at 80 columns, narrower where the terminal says so.
  static var helpColumns: Int {
    let columns = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) } ?? 80
    return min(max(columns, 40), 80)
  }

  /// Writes to standard output at once.
  ///
  /// - Throws: where it does not take all of the text.
  static func write(_ text: String) throws(OutputError) {
    guard !text.isEmpty else { return }
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      throw OutputError(error)
    }
  }

  /// A line on standard output.
  ///
  /// A terminal gets only what it shows: names in model files may hold anything.
  static func print(_ text: String) throws(OutputError) {
    try write((outputIsTerminal ? PlainText.safe(text) : text) + "\n")
  }

  /// A line on standard error, which may be closed.
  ///
  /// Messages quote files, so control characters stay out of it.
  static func note(_ text: String) { writeError(PlainText.safe(text) + "\n") }

  /// An error, with the program's name before it.
  static func complain(_ text: String) { note("paceline: " + text) }

  static func writeError(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// All of standard input.
  static func readAll() -> [UInt8] {
    [UInt8]((try? FileHandle.standardInput.readToEnd()) ?? Data())
  }

  /// An encodable value as one line of JSON, keys sorted.
  static func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    try print(String(decoding: encoder.encode(value), as: UTF8.self))
  }
}
