import Glibc
import Terminal

/// A small screen with a prompt for the pseudo-terminal tests: shows keys, logs what is sent, and
/// crashes on request.
@MainActor final class Probe {
  let screen: Screen
  let prompt: Prompt
  var router: InputRouter
  var lastKey = "-"
  var sent = 0
  var lastSent = ""
  var note = "ready"
  var completions: [String] = []
  var hasPicture = false
  var isRunning = true
  let arguments = CommandLine.arguments

  init() throws(ScreenError) {
    var options = Screen.Options()
    options.title = "probe"
    options.hasMouse = CommandLine.arguments.contains("--mouse")
    options.graceSeconds = CommandLine.arguments.contains("--grace") ? 5 : 0
    if CommandLine.arguments.contains("--color=never") { options.color = .never }
    if CommandLine.arguments.contains("--sync") { options.hasSynchronizedUpdate = true }
    screen = try Screen.open(options)
    var promptOptions = Prompt.Options()
    if let path = getenv("PROBE_HISTORY") { promptOptions.historyPath = String(cString: path) }
    prompt = Prompt(promptOptions)
    router = screen.makeRouter()
    prompt.commandNames = { ["help", "history", "quit"] }
    prompt.onCompletions = { [unowned self] in completions = $0 }
    prompt.onSubmit = { [unowned self] line in submit(line) }
    prompt.onEndOfInput = { [unowned self] in isRunning = false }
    prompt.onEditor = { [unowned self] in note = "editor" }
    prompt.refill = { [unowned self] in screen.readMore(milliseconds: 20) }
  }

  func submit(_ line: String) {
    sent += 1
    lastSent = line
    completions = []
    guard let path = getenv("PROBE_LOG"), let file = fopen(path, "a") else { return }
    fputs("\(line.utf8.count):\(line)", file)
    fputc(0, file)
    fclose(file)
  }

  func claims(_ key: Key) -> Bool {
    switch key {
    case .function, .control("c"), .control("z"), .control("l"), .alt(.character("x")): true
    case .escape: prompt.display().mode == .emacs
    default: false
    }
  }

  func handle(_ key: Key) {
    lastKey = key.name
    switch key {
    case .control("c"): isRunning = false
    case .control("z"): screen.suspend()
    case .control("l"): screen.repaint()
    case .function(2): crash()
    case .function(3):
      let status = screen.runChild("sh -c 'echo child; read line; exit 7'", arguments: [])
      note = "child \(status ?? -1)"
    case .function(4): note = "\(screen.copyToClipboard("copy me"))"
    case .function(6): note = "wide 日本 e\u{301} 👩‍🔬 ❤️ \u{1FAE8} |"
    case .function(7): note = "bad \u{1B}]52;c;eA==\u{07}\u{9B}2J\u{202E}|"
    case .function(8): _ = write(2, "library noise\n", 14)
    case .function(10): screen.askTerminal()
    case .function(11): hasPicture.toggle()
    case .function(9): for step in 0..<400 { flood(step) }
    default: break
    }
  }

  func flood(_ step: Int) {
    var frame = screen.makeFrame()
    let letter = Character(Unicode.Scalar(UInt8(0x41 + step % 26)))
    frame.fill(frame.bounds, with: letter, style: Style(step % 2 == 0 ? .user : .error))
    screen.present(frame)
  }

  func crash() {
    TerminalGuard.note("decode layer 3")
    switch arguments.first(where: { $0.hasPrefix("--crash=") })?.dropFirst(8) {
    case "segv": raise(SIGSEGV)
    case "abort": abort()
    case "trap": fatalError("probe trap")
    case "exit": exit(3)
    default: note = "no crash"
    }
  }

  func draw() {
    var frame = screen.makeFrame()
    let area = frame.bounds
    let (top, low) = area.splitBottom(5)
    frame.write(
      "probe \(screen.size.width)x\(screen.size.height) key \(lastKey) sent \(sent)",
      at: top.origin, style: Style(.title))
    frame.write("note \(note)", at: Point(x: 0, y: 1), style: Style(.warning))
    frame.write("last \(lastSent)", at: Point(x: 0, y: 2), style: Style(.accent))
    frame.write("offers \(completions.joined(separator: " "))", at: Point(x: 0, y: 3))
    let display = prompt.display()
    frame.write("mode \(display.mode) search \(display.isSearching)", at: Point(x: 0, y: 4))
    let inside = frame.box(low, title: "prompt", rightTitle: "C-c quits", focused: true)
    display.draw(in: inside, on: &frame)
    if hasPicture, frame.graphics != nil {
      frame.picture = PixelPicture(
        pixels: [255, 0, 0, 255, 0, 0, 255, 255], width: 2, height: 1,
        area: Rect(x: 10, y: 8, width: 8, height: 4))
    }
    screen.present(frame)
  }

  func run() {
    draw()
    while isRunning {
      let deadline = router.pendingTimeout.map { ContinuousClock.now + $0 }
      let input = screen.wait(until: deadline)
      if input.isClosed { break }
      if input.isStopRequested { screen.suspend() }
      if input.terminationSignal != nil {
        submit("saved")
        TerminalGuard.die()
      }
      let deliver: (InputRouter.Destination) -> Void = { [self] destination in
        switch destination {
        case .application(let key): handle(key)
        case .prompt(let bytes): prompt.feed(bytes)
        case .paste(let text): prompt.paste(text)
        }
      }
      if input.isDeadline {
        router.flush(claims: claims, deliver: deliver)
      } else {
        router.feed(input.bytes, claims: claims, deliver: deliver)
      }
      _ = screen.note(router.takeReplies())
      if isRunning { draw() }
    }
    screen.close()
    prompt.close()
  }
}

do {
  try Probe().run()
} catch {
  print("line mode: \(error.message)")
  exit(2)
}
