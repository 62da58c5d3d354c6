import Glibc
import Inference

/// Runs other programs, such as pip.
package enum ChildProcess {
  /// How a program ended, and what it said.
  package struct Ending: Sendable {
    /// What it returned; 128 and the signal's number where a signal ended it.
    package var status: Int32
    /// The beginning of its standard output.
    package var output: [UInt8]
    /// The end of its standard error.
    package var errors: [UInt8]
    /// Monotonic nanoseconds just before the program was started.
    package var started: UInt64 = 0
    /// When its first output was seen; nil where there was none.
    package var firstOutput: UInt64?
    /// When it had ended.
    package var ended: UInt64 = 0
  }

  /// Bytes of output and of errors to keep; the rest is read and dropped.
  private static let limit = 1 << 16
  /// Nanoseconds in which a program that was asked to end has to.
  private static let patience: UInt64 = 2_000_000_000

  /// Runs a program, found through the search path, to its end; blocks the calling thread.
  ///
  /// The program reads nothing. It stays out of the terminal's foreground group, so that keys for this program do not
  /// reach it.
  ///
  /// - Parameters:
  ///   - environment: replaces this process's variables; nil passes them on.
  ///   - interval: milliseconds between two calls of what follows.
  ///   - isCancelled: true ends the program.
  ///   - whileRunning: called with the program's process number.
  /// - Throws: `environment` where it cannot be started, `cancelled`.
  package static func run(
    _ program: String, _ arguments: [String], environment: [String: String]? = nil,
    interval: Int32 = 100, isCancelled: () -> Bool = { false },
    whileRunning: (pid_t) -> Void = { _ in }
  ) throws(InferenceError) -> Ending {
    let output = try channel(to: program)
    defer { close(output.own) }
    let errors: (own: Int32, theirs: Int32)
    do {
      errors = try channel(to: program)
    } catch {
      close(output.theirs)
      throw error
    }
    defer { close(errors.own) }
    var ending = Ending(status: 0, output: [], errors: [], started: monotonicNanoseconds())
    let child = start(
      [program] + arguments, environment: environment, output: output.theirs, errors: errors.theirs)
    close(output.theirs)
    close(errors.theirs)
    guard let child else {
      throw InferenceError(.environment, "cannot run \(program): is it installed?")
    }
    follow(child, [output.own, errors.own], into: &ending, interval, isCancelled) {
      whileRunning(child)
    }
    var status: Int32 = 0
    while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
    ending.ended = monotonicNanoseconds()
    if isCancelled() { throw InferenceError(.cancelled, "stopped") }
    ending.status = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    return ending
  }

  /// Two connected ends that other children do not inherit, unlike those of a pipe.
  private static func channel(
    to program: String
  ) throws(InferenceError) -> (own: Int32, theirs: Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw .system("make a channel to", program)
    }
    return (ends[0], ends[1])
  }

  private static func start(
    _ words: [String], environment: [String: String]?, output: Int32, errors: Int32
  ) -> pid_t? {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, errors, 2)

    // The calling thread may block signals, or the process ignore some; the child starts fresh.
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    unsafe sigemptyset(&none)
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    unsafe posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    let arguments = unsafe copies(of: words)
    let variables = unsafe environment.map { unsafe copies(of: $0.map { "\($0.key)=\($0.value)" }) }
    defer {
      unsafe (arguments + (variables ?? [])).forEach { unsafe free($0) }
    }
    var child: pid_t = 0
    let status =
      if let variables = unsafe variables {
        unsafe posix_spawnp(&child, words[0], &actions, &attributes, arguments, variables)
      } else {
        unsafe posix_spawnp(&child, words[0], &actions, &attributes, arguments, environ)
      }
    return status == 0 ? child : nil
  }

  /// C strings with a null pointer behind them, to be freed by the caller.
  private static func copies(of words: [String]) -> [UnsafeMutablePointer<CChar>?] {
    unsafe words.map { unsafe strdup($0) } + [nil]
  }

  /// Reads what the program says until it has closed both channels.
  private static func follow(
    _ child: pid_t, _ channels: [Int32], into ending: inout Ending, _ interval: Int32,
    _ isCancelled: () -> Bool, _ whileRunning: () -> Void
  ) {
    var open = channels.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    var asked = monotonicNanoseconds()
    var askedToEnd: UInt64?
    while open.contains(where: { $0.fd >= 0 }) {
      _ = unsafe poll(&open, nfds_t(open.count), interval)
      let now = monotonicNanoseconds()
      if now - asked >= UInt64(interval) * 1_000_000 {
        asked = now
        whileRunning()
        if let since = askedToEnd {
          if now - since >= patience { kill(-child, SIGKILL) }
        } else if isCancelled() {
          askedToEnd = now
          kill(-child, SIGTERM)
        }
      }
      for index in open.indices where open[index].fd >= 0 && open[index].revents != 0 {
        guard let piece = read(open[index].fd) else {
          open[index].fd = -1
          continue
        }
        if index == 0 {
          ending.firstOutput = ending.firstOutput ?? now
          ending.output += piece.prefix(limit - ending.output.count)
        } else {
          ending.errors = (ending.errors + piece).suffix(limit)
        }
      }
    }
  }

  /// What has come; nil at the end.
  private static func read(_ descriptor: Int32) -> [UInt8]? {
    var piece = [UInt8](repeating: 0, count: 4096)
    let got = unsafe piece.withUnsafeMutableBytes { memory in
      unsafe Glibc.read(descriptor, memory.baseAddress, memory.count)
    }
    if got < 0 && errno == EINTR { return [] }
    return got > 0 ? Array(piece.prefix(got)) : nil
  }
}
