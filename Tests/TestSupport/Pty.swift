import Glibc

/// A programme on a pseudo-terminal, as the leader of its own session.
package final class Pty {
  package let process: pid_t
  package private(set) var master: Int32
  private let keeper: Int32
  package private(set) var output: [UInt8] = []
  package private(set) var model: ScreenModel
  package private(set) var status: Int32?

  /// The modes before the programme started.
  package let modesBefore: [UInt8]

  package init(
    _ arguments: [String], environment: [String: String], size: (columns: Int, rows: Int) = (80, 24)
  ) throws {
    // Linux's own way, since Swift's module leaves out posix_openpt and its family.
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var unlock: Int32 = 0
    var number: Int32 = 0
    guard master >= 0, ioctl(master, 0x4004_5431, &unlock) == 0,
      ioctl(master, 0x8004_5430, &number) == 0
    else { throw PtyError("no pseudo-terminal") }
    let slave = "/dev/pts/\(number)"
    // Kept open so that the modes can be read after the programme is gone.
    keeper = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC)
    model = ScreenModel(columns: size.columns, rows: size.rows)
    modesBefore = Pty.modes(keeper)
    Pty.setSize(master, size)
    process = try Pty.spawn(arguments, environment: environment, on: slave)
  }

  /// Closes the terminal under the programme.
  package func hangUp() {
    close(master)
    master = -1
  }

  deinit {
    if status == nil {
      kill(process, SIGKILL)
      var ignored: Int32 = 0
      waitpid(process, &ignored, 0)
    }
    close(keeper)
    if master >= 0 { close(master) }
  }

  private static func spawn(
    _ arguments: [String], environment: [String: String], on slave: String
  ) throws -> pid_t {
    var files = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&files)
    defer { posix_spawn_file_actions_destroy(&files) }
    posix_spawn_file_actions_addopen(&files, 0, slave, O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&files, 0, 1)
    posix_spawn_file_actions_adddup2(&files, 0, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    // POSIX_SPAWN_SETSID, whose name the headers keep for GNU sources.
    let flags = Int16(0x80 | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)
    posix_spawnattr_setflags(&attributes, flags)
    var argv = arguments.map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for word in argv + envp { free(word) } }
    var process: pid_t = 0
    let result = posix_spawn(&process, arguments[0], &files, &attributes, &argv, &envp)
    guard result == 0 else { throw PtyError("cannot start \(arguments[0]): \(result)") }
    return process
  }

  package static func setSize(_ descriptor: Int32, _ size: (columns: Int, rows: Int)) {
    var window = winsize()
    window.ws_col = UInt16(size.columns)
    window.ws_row = UInt16(size.rows)
    _ = ioctl(descriptor, UInt(TIOCSWINSZ), &window)
  }

  package func resize(columns: Int, rows: Int) {
    model.resize(columns: columns, rows: rows)
    Pty.setSize(master, (columns, rows))
  }

  /// The terminal's modes as bytes, to compare.
  package static func modes(_ descriptor: Int32) -> [UInt8] {
    var modes = termios()
    tcgetattr(descriptor, &modes)
    return withUnsafeBytes(of: &modes) { Array($0) }
  }

  package var modesNow: [UInt8] { Pty.modes(keeper) }

  package func send(_ text: String) throws { try send(Array(text.utf8)) }

  /// Sends bytes, reading meanwhile so that neither side blocks.
  package func send(_ bytes: [UInt8]) throws {
    var sent = 0
    let end = ContinuousClock.now + .seconds(20)
    while sent < bytes.count {
      let piece = Array(bytes[sent..<min(bytes.count, sent + 2048)])
      var wait = pollfd(fd: master, events: Int16(POLLIN | POLLOUT), revents: 0)
      poll(&wait, 1, 1000)
      if wait.revents & Int16(POLLIN) != 0 { readOnce() }
      if wait.revents & Int16(POLLOUT) != 0 {
        let result = write(master, piece, piece.count)
        guard result > 0 else { throw PtyError("the pseudo-terminal is closed") }
        sent += result
      }
      if ContinuousClock.now > end { throw PtyError("takes no input: \(model.text)") }
    }
  }

  /// Takes in what has arrived, waiting for something; false at the end.
  @discardableResult
  package func readOnce() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = read(master, &buffer, buffer.count)
    guard count > 0 else { return false }
    output += buffer[..<count]
    model.feed(buffer[..<count])
    return true
  }

  /// Reads until the condition holds; throws what the screen shows when it does not in time.
  ///
  /// The condition may look at more than the screen: it is asked ten times a second at least.
  package func wait(_ what: String, seconds: Int = 10, until condition: (Pty) -> Bool) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while !condition(self) {
      var wait = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
      let isInTime = ContinuousClock.now < end
      guard isInTime, poll(&wait, 1, 100) == 0 || readOnce() || condition(self) else {
        throw PtyError("waited in vain for \(what); screen:\n\(model.text)\n\(model.unknown)")
      }
    }
  }

  package func wait(for text: String, seconds: Int = 10) throws {
    try wait("'\(text)'", seconds: seconds) { $0.model.text.contains(text) }
  }

  /// Waits for the programme to end and reads the rest of its output; returns its wait status.
  @discardableResult
  package func waitForExit(seconds: Int = 10) throws -> Int32 {
    let end = ContinuousClock.now + .seconds(seconds)
    var result: Int32 = 0
    // The keeper holds the terminal open, so output ends by being empty, not by an end of file.
    while waitpid(process, &result, WNOHANG) == 0 {
      guard ContinuousClock.now < end else { throw PtyError("still runs:\n\(model.text)") }
      var wait = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
      if poll(&wait, 1, 5) > 0 { readOnce() }
    }
    status = result
    var wait = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
    while poll(&wait, 1, 0) > 0, readOnce() {}
    return result
  }

  /// Whether anything arrives within some milliseconds.
  package func hasOutput(within milliseconds: Int32) -> Bool {
    var wait = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
    return poll(&wait, 1, milliseconds) > 0
  }

  /// Reads until nothing has come for a moment.
  package func settle() {
    while hasOutput(within: 50), readOnce() {}
  }

  package func forgetOutput() { output = [] }

  package var outputText: String { String(decoding: output, as: UTF8.self) }
}

package struct PtyError: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
