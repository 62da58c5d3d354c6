import CNcurses
import CTerminal
import Glibc

/// The terminal as a full screen that frames are presented on.
///
/// ncurses computes the difference between frames and writes it into memory; the bytes go out from
/// there without ever blocking. A terminal that takes nothing costs frames, not time: the newest
/// frame is shown when it takes bytes again. One screen exists at a time, on the main thread.
@MainActor package final class Screen {
  package struct Options: Sendable {
    package var color = ColorPreference.auto

    /// The characters to draw with; chosen by locale and terminal when nil.
    package var glyphs: GlyphSet?
    package var hasMouse = false

    /// Whether frames are wrapped in a synchronized update; where known to work when nil.
    package var hasSynchronizedUpdate: Bool?

    /// Keeps what libraries write to standard error off the screen and shows it afterwards.
    package var capturesStandardError = true

    /// Seconds to save work after SIGTERM and its like; see `TerminalGuard.install`.
    package var graceSeconds = 0
    package var title: String?

    package init() {}
  }

  /// What became of a presented frame.
  package enum Presentation: Hashable, Sendable {
    case painted
    case unchanged

    /// The terminal takes no bytes; this frame, or a newer one, is painted when it does.
    case deferred
  }

  package let options: Options
  package let profile: TerminalProfile
  package let glyphs: GlyphSet
  package internal(set) var theme: Theme {
    didSet { looks = [:] }
  }
  package internal(set) var size: Size

  /// Sequences of this terminal for the key decoder.
  package let keySequences: [[UInt8]: Key]

  let descriptor: Int32
  let signalDescriptor: Int32
  let memory: MemoryFile
  let strings: TerminalStrings
  var output: ScreenOutput
  var savedModes: termios
  var last: Frame?
  var waiting: Frame?
  var pairs = PairCache()
  var looks: [PackedStyle: CellLook] = [:]
  /// The picture that stands on the terminal.
  var shownPicture: (picture: PixelPicture, graphics: PixelGraphics)?
  var pixels = PixelDetection()
  /// Pixels of a cell.
  var cell = Size(width: 8, height: 16)
  var isEntered = false
  /// A signal asked for the end while the programme was stopped.
  var isTerminationPending = false
  var isClosed = false
  var hasMouse: Bool
  var hasSynchronizedUpdate: Bool
  var isCursorShown = true
  var errorCapture: (saved: Int32, file: MemoryFile)?

  /// Opens the full screen on the terminal of standard output.
  ///
  /// - Throws: the reason why there can be none; nothing was sent then.
  package static func open(_ options: Options = Options()) throws(ScreenError) -> Screen {
    guard isatty(STDOUT_FILENO) == 1 else { throw .noTerminal }
    let profile = TerminalProfile(environment: processEnvironment(), isUTF8: useLocale())
    if profile.isDumb { throw .dumbTerminal(name: profile.terminal) }
    switch unsafe cn_terminal_status(profile.terminal, STDOUT_FILENO) {
    case 1: break
    case -2: throw .dumbTerminal(name: profile.terminal)
    default: throw .unknownTerminal(name: profile.terminal)
    }
    let descriptor = openTerminal()
    guard descriptor >= 0 else { throw .unusable(reason: systemMessage(errno)) }
    var modes = termios()
    guard unsafe tcgetattr(descriptor, &modes) == 0, let memory = MemoryFile(name: "screen") else {
      let reason = systemMessage(errno)
      Glibc.close(descriptor)
      throw .unusable(reason: reason)
    }
    guard startCurses(profile, writingTo: memory) else {
      Glibc.close(descriptor)
      throw .unknownTerminal(name: profile.terminal)
    }
    guard TerminalStrings.canPlaceCursor else {
      endwin()
      Glibc.close(descriptor)
      throw .dumbTerminal(name: profile.terminal)
    }
    return Screen(options, profile, descriptor: descriptor, modes: modes, memory: memory)
  }

  private init(
    _ options: Options, _ profile: TerminalProfile, descriptor: Int32, modes: termios,
    memory: MemoryFile
  ) {
    self.options = options
    self.profile = profile
    self.descriptor = descriptor
    self.savedModes = modes
    self.memory = memory
    glyphs = profile.isUTF8 ? options.glyphs ?? profile.glyphs : .ascii
    let depth = profile.colorDepth(
      options.color, colors: Int(unsafe cn_number("colors")), isDirect: unsafe cn_flag("RGB") > 0)
    if depth > .none {
      start_color()
      use_default_colors()
    }
    theme = Theme(depth: depth, isLight: profile.hasLightBackground)
    hasMouse = options.hasMouse
    hasSynchronizedUpdate = options.hasSynchronizedUpdate ?? profile.hasSynchronizedUpdate
    keySequences = TerminalStrings.keySequences()
    strings = TerminalStrings(profile: profile)
    output = ScreenOutput(descriptor: descriptor)
    size = Size(width: 80, height: 24)
    signalDescriptor = TerminalGuard.install(graceSeconds: options.graceSeconds)
    cn_prepare_window()
    // Whatever ncurses wrote while it started belongs to no frame.
    _ = memory.take()
    enter()
  }

  /// An empty frame for this terminal.
  package func makeFrame() -> Frame { Frame(size: size, glyphs: glyphs, graphics: graphics) }

  /// A router that knows this terminal's keys.
  package func makeRouter() -> InputRouter {
    InputRouter(decoder: KeyDecoder(sequences: keySequences))
  }

  /// Gives the terminal back as it was found; further calls do nothing.
  package func close() {
    guard !isClosed else { return }
    leave()
    isClosed = true
    TerminalGuard.uninstall()
    Glibc.close(descriptor)
    Glibc.close(memory.descriptor)
  }

  /// Starts ncurses with a file in memory for its terminal.
  private static func startCurses(_ profile: TerminalProfile, writingTo memory: MemoryFile) -> Bool
  {
    // Sound: both streams live as long as the process; ncurses keeps pointers to them.
    guard let sink = unsafe fdopen(dup(memory.descriptor), "w"),
      let source = unsafe fopen("/dev/null", "r")
    else { return false }
    var names = [profile.terminal]
    // Only the direct-colour entry can say a colour by its value.
    if profile.claimsTrueColor,
      let family = ["xterm", "foot"].first(where: { profile.terminal.hasPrefix($0) }),
      unsafe cn_terminal_status(family + "-direct", STDOUT_FILENO) == 1
    {
      names.insert(family + "-direct", at: 0)
    }
    for name in names where unsafe newterm(name, sink, source) != nil {
      return true
    }
    return false
  }
}
