import CNcurses
import CTerminal
import Glibc

/// Taking the terminal and giving it back.
extension Screen {
  /// Takes the terminal: modes, alternate screen, paste brackets; the next frame is painted whole.
  func enter() {
    guard !isEntered else { return }
    armGuard()
    var raw = Screen.rawModes(from: savedModes)
    unsafe tcsetattr(descriptor, TCSADRAIN, &raw)
    captureError()
    isEntered = true
    applySize()
    cn_repaint()
    isCursorShown = true
    output.append(strings.enter(hasMouse: hasMouse, title: options.title))
    output.flush()
  }

  /// Gives the terminal back; `enter` takes it again.
  func leave() {
    guard isEntered else { return }
    isEntered = false
    // Half of a picture would stand in the way of what gives the terminal back.
    if shownPicture != nil { output.cancel() }
    removePicture()
    if !isCursorShown { curs_set(1) }
    endwin()
    output.append(strings.leave(hasMouse: hasMouse, title: options.title))
    output.append(memory.take())
    output.append(strings.afterLeaving)
    output.drain(milliseconds: 500)
    unsafe tcsetattr(descriptor, TCSANOW, &savedModes)
    TerminalGuard.disarm()
    releaseError()
  }

  /// Stops the programme as C-z does, and comes back with everything repainted.
  package func suspend() {
    guard isEntered else { return }
    let frame = last
    leave()
    // A signal can let us go on in the background, where the terminal is the shell's: not to be touched.
    repeat {
      ct_stop()
      // All is painted anew, so that of what happened meanwhile only a request to end matters.
      if TerminalGuard.takeEvents().contains(.terminationRequested) {
        isTerminationPending = true
        return
      }
    } while isInBackground
    // The shell may have changed the modes for other programmes meanwhile.
    unsafe tcgetattr(descriptor, &savedModes)
    enter()
    if let frame { present(frame) }
  }

  private var isInBackground: Bool {
    let group = tcgetpgrp(descriptor)
    return group > 0 && group != getpgrp()
  }

  /// Lends the terminal to `body`, such as an editor run by it, and comes back.
  package func suspendForChild<Result>(_ body: () throws -> Result) rethrows -> Result {
    let wasEntered = isEntered
    leave()
    ct_child_owns_terminal(1)
    defer {
      ct_child_owns_terminal(0)
      if wasEntered { enter() }
    }
    return try body()
  }

  /// Runs a shell command with the terminal as its own and waits for it.
  ///
  /// - Parameters:
  ///   - command: words for the shell, such as the value of EDITOR.
  ///   - arguments: added to it, safe from the shell's reading.
  /// - Returns: the exit status, 128 plus the signal that ended it, or nil if it could not start.
  package func runChild(_ command: String, arguments: [String]) -> Int32? {
    suspendForChild {
      Screen.spawn(["/bin/sh", "-c", command + " \"$@\"", "sh"] + arguments)
    }
  }

  private static func spawn(_ words: [String]) -> Int32? {
    // Sound: every pointer made here is freed here, after the child has its own copy.
    var arguments = unsafe words.map { unsafe strdup($0) }
    defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
    unsafe arguments.append(nil)
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for signal in [SIGINT, SIGQUIT, SIGTSTP, SIGPIPE] { unsafe sigaddset(&signals, signal) }
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    var files = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&files)
    defer { unsafe posix_spawn_file_actions_destroy(&files) }
    // With a prompt piped in, an editor still wants the keyboard.
    if isatty(STDIN_FILENO) == 0 {
      unsafe posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/tty", O_RDWR, 0)
    }
    var process: pid_t = 0
    guard unsafe posix_spawn(&process, "/bin/sh", &files, &attributes, arguments, environ) == 0
    else {
      return nil
    }
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0 {
      if errno != EINTR { return nil }
    }
    let signal = status & 0x7F
    return signal == 0 ? status >> 8 & 0xFF : 128 + signal
  }

  /// Switches mouse reports on or off.
  package func setMouse(_ isOn: Bool) {
    guard isOn != hasMouse else { return }
    hasMouse = isOn
    guard profile.isXtermLike, isEntered else { return }
    armGuard()
    output.append((isOn ? TerminalStrings.mouseOn : TerminalStrings.mouseOff).utf8)
    output.flush()
  }

  /// Sets what gives the terminal back when the programme dies.
  func armGuard() {
    TerminalGuard.arm(
      descriptor: descriptor, modes: savedModes,
      bytes: (shownPicture?.graphics.removal ?? [])
        + strings.restore(hasMouse: hasMouse, title: options.title))
  }

  /// Reads the terminal's size and makes ncurses follow; true if it changed.
  @discardableResult
  func applySize() -> Bool {
    let new = Screen.readSize(descriptor)
    let changed = new != size
    size = new
    cell = Screen.readCell(descriptor)
    if Int(cn_lines()) != new.height || Int(cn_columns()) != new.width {
      resizeterm(Int32(new.height), Int32(new.width))
    }
    last = nil
    waiting = nil
    return changed
  }

  private func captureError() {
    guard options.capturesStandardError, isatty(STDERR_FILENO) == 1 else { return }
    let saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
    guard saved >= 0 else { return }
    guard let file = MemoryFile(name: "stderr") else {
      Glibc.close(saved)
      return
    }
    dup2(file.descriptor, STDERR_FILENO)
    errorCapture = (saved, file)
    ct_set_captured(saved, file.descriptor)
  }

  private func releaseError() {
    guard let capture = errorCapture else { return }
    errorCapture = nil
    ct_set_captured(-1, -1)
    dup2(capture.saved, STDERR_FILENO)
    let bytes = capture.file.take()
    if !bytes.isEmpty {
      // Sound: the pointer is used within the closure and the bytes are complete.
      _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
    Glibc.close(capture.saved)
    Glibc.close(capture.file.descriptor)
  }
}
