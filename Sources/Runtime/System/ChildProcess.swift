import Glibc
import Inference

/// Runs helper programs.
package enum ChildProcess {
  /// What a program prints, once it has ended well; blocks the calling thread.
  ///
  /// The program reads nothing and its complaints go nowhere. It stays out of the terminal's foreground group, so that
  /// keys for this program do not reach it.
  ///
  /// - Parameter limit: bytes of output to keep; the rest is read and dropped.
  /// - Throws: `environment` where it cannot be started or does not end with status 0.
  package static func output(
    of program: String, _ arguments: [String], limit: Int = 1 << 16
  ) throws(InferenceError) -> [UInt8] {
    var ends: [Int32] = [-1, -1]
    // A pair of sockets, unlike a pipe, can be born closed to other children.
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw .system("make a channel to", program)
    }
    defer { close(ends[0]) }
    let started = start(program, arguments, output: ends[1])
    close(ends[1])
    guard case .success(let child) = started else {
      throw InferenceError(.environment, "cannot run \(program): is it installed?")
    }
    let bytes = drain(ends[0], limit: limit)
    var status: Int32 = 0
    while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
    guard status == 0 else {
      throw InferenceError(.environment, "\(program) failed with status \(status >> 8 & 0xFF)")
    }
    return bytes
  }

  private enum Start {
    case success(pid_t)
    case failure
  }

  private static func start(_ program: String, _ arguments: [String], output: Int32) -> Start {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
    unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)

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

    var words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map {
      unsafe strdup($0)
    }
    unsafe words.append(nil)
    defer { for index in unsafe words.indices { unsafe free(words[index]) } }
    var child: pid_t = 0
    let status = unsafe posix_spawnp(&child, program, &actions, &attributes, words, environ)
    return status == 0 ? .success(child) : .failure
  }

  /// Everything that comes until the other end closes.
  private static func drain(_ descriptor: Int32, limit: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let got = unsafe piece.withUnsafeMutableBytes { memory in
        unsafe Glibc.read(descriptor, memory.baseAddress, memory.count)
      }
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { return bytes }
      bytes += piece.prefix(min(got, limit - bytes.count))
    }
  }
}
