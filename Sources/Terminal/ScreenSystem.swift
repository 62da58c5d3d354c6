import CNcurses
import CTerminal
import Glibc

/// Calls to the system that the screen and the prompt share.
extension Screen {
  /// Sets the character set from the environment and says whether it is UTF-8.
  ///
  /// Numbers and dates stay in the C locale: exports must not change with the person's country.
  @discardableResult
  nonisolated package static func useLocale() -> Bool {
    let found = unsafe setlocale(LC_CTYPE, "") != nil
    if !found, namesUTF8(processEnvironment()) {
      // The language is not installed here, but the terminal does speak UTF-8.
      if unsafe setlocale(LC_CTYPE, "C.UTF-8") == nil { unsafe setlocale(LC_CTYPE, "C") }
    }
    guard let name = unsafe nl_langinfo(Int32(CODESET)) else { return false }
    return unsafe String(cString: name) == "UTF-8"
  }

  /// Whether the variable that decides the character set names UTF-8.
  nonisolated static func namesUTF8(_ environment: [String: String]) -> Bool {
    let name = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }
      .first { !$0.isEmpty }
    let lower = (name ?? "").lowercased()
    return lower.hasSuffix("utf-8") || lower.hasSuffix("utf8")
  }

  /// The process's variables.
  nonisolated package static func processEnvironment() -> [String: String] {
    var result: [String: String] = [:]
    // Sound: read once at start, before any thread could change the environment.
    var entry = unsafe environ
    while let text = unsafe entry.pointee {
      let pair = unsafe String(cString: text)
      if let equals = pair.firstIndex(of: "=") {
        result[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
      }
      unsafe entry += 1
    }
    return result
  }

  /// The system's words for an error number.
  nonisolated static func systemMessage(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }

  /// A description of our own of standard output's terminal, non-blocking.
  ///
  /// Non-blocking is a property of the open description, which we must not change for the shell.
  static func openTerminal() -> Int32 {
    let flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC
    var name = [CChar](repeating: 0, count: 256)
    if unsafe ttyname_r(STDOUT_FILENO, &name, name.count) == 0 {
      let descriptor = unsafe Glibc.open(name, flags)
      if descriptor >= 0 { return descriptor }
    }
    return unsafe Glibc.open("/dev/tty", flags)
  }

  /// The size of a terminal, within what is sensible; 80 x 24 when it does not know.
  nonisolated static func readSize(_ descriptor: Int32) -> Size {
    var window = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0,
      window.ws_row > 0
    else { return Size(width: 80, height: 24) }
    return Size(width: min(1024, Int(window.ws_col)), height: min(512, Int(window.ws_row)))
  }

  /// Pixels of a cell of a terminal.
  nonisolated static func readCell(_ descriptor: Int32) -> Size {
    var window = winsize()
    // Where the system knows nothing, the numbers stay 0.
    _ = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &window)
    return PixelGraphics.cell(
      columns: Int(window.ws_col), rows: Int(window.ws_row), width: Int(window.ws_xpixel),
      height: Int(window.ws_ypixel))
  }

  /// The size of standard output's terminal, for what is printed without a full screen.
  package nonisolated static var outputSize: Size { readSize(STDOUT_FILENO) }

  /// Modes for reading every byte as it is typed; only the terminal's own bits change.
  static func rawModes(from modes: termios) -> termios {
    var raw = modes
    raw.c_iflag &= ~tcflag_t(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON)
    raw.c_oflag &= ~tcflag_t(OPOST)
    raw.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG | IEXTEN)
    raw.c_cflag = raw.c_cflag & ~tcflag_t(CSIZE | PARENB) | tcflag_t(CS8)
    // VMIN and VTIME, by their numbers in the array of Linux.
    raw.c_cc.6 = 1
    raw.c_cc.5 = 0
    return raw
  }
}
