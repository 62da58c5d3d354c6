import CNcurses
import CReadline
import CTerminal
import Glibc

/// The line editor of the prompt: GNU readline with its user's bindings, fed by the application.
///
/// readline never touches the terminal. Bytes come in by `feed`, its display is a value to paint,
/// and what it would print goes nowhere. It is global and single: one prompt a process, on the main
/// thread.
@MainActor package final class Prompt {
  package struct Options: Sendable {
    /// What stands before the line.
    package var label = "> "

    /// The file that keeps the history; nothing is kept when nil.
    ///
    /// Its folder must exist.
    package var historyPath: String?

    /// Entries that are kept.
    package var historyLimit = 2000

    package init() {}
  }

  /// The words that `/` can begin, asked at each completion: names without the slash.
  package var commandNames: () -> [String] = { [] }

  /// Receives each line that is sent, which is never empty.
  package var onSubmit: (String) -> Void = { _ in }

  /// Receives the possible completions, to show in a popup; empty at the next key, to hide it.
  package var onCompletions: ([String]) -> Void = { _ in }

  /// The user asks for the external editor.
  package var onEditor: () -> Void = {}

  /// C-d on an empty line.
  package var onEndOfInput: () -> Void = {}

  /// Reads more bytes where readline needs one in the middle of a command; empty at a time-out.
  package var refill: () -> [UInt8] = { [] }

  /// Whether the display changed since it was read.
  package internal(set) var needsDisplay = true

  let history: PromptHistory
  private let label: String
  private var queue: [UInt8] = []
  private var next = 0
  var matches: [String] = []
  private var isOpen = false
  private var hasOffer = false

  /// The prompt that readline's callbacks speak to.
  static var current: Prompt?

  /// Starts readline: reads the inputrc and the history.
  ///
  /// Only one prompt may be open; opening another one closes it.
  package init(_ options: Options = Options()) {
    label = options.label
    history = PromptHistory(path: options.historyPath, limit: options.historyLimit)
    Prompt.current?.close()
    Prompt.current = self
    Screen.useLocale()
    // Sound: the name lives as long as the process, as readline demands.
    unsafe cr_prepare(strdup("paceline"))
    PromptCallbacks.addFunctions()
    // Set before the inputrc is read, so that it has the last word.
    unsafe rl_variable_bind("show-all-if-ambiguous", "on")
    unsafe rl_variable_bind("bell-style", "none")
    // In a locale without UTF-8 readline would take the bytes of other letters for Meta keys, which do things.
    unsafe rl_variable_bind("input-meta", "on")
    unsafe rl_variable_bind("convert-meta", "off")
    unsafe rl_variable_bind("output-meta", "on")
    unsafe rl_variable_bind("enable-bracketed-paste", "off")
    let terminal = unsafe cn_current_terminal()
    rl_initialize()
    // readline looks its terminal up as well and would leave ncurses with the wrong one.
    if unsafe terminal != nil { unsafe cn_set_current_terminal(terminal) }
    PromptCallbacks.install()
    history.load()
    isOpen = true
    unsafe rl_callback_handler_install(label, PromptCallbacks.line)
  }

  /// Lets go of readline; further bytes are ignored.
  package func close() {
    guard isOpen else { return }
    isOpen = false
    rl_callback_handler_remove()
    if Prompt.current === self { Prompt.current = nil }
  }

  /// Gives readline the bytes of whole keys.
  package func feed(_ bytes: [UInt8]) {
    guard isOpen else { return }
    queue.append(contentsOf: bytes)
    let hadOffer = hasOffer
    hasOffer = false
    while next < queue.count, isOpen { rl_callback_read_char() }
    queue.removeAll(keepingCapacity: queue.count < 65536)
    next = 0
    // Completions are good for one key only.
    if hadOffer, !hasOffer { onCompletions([]) }
  }

  /// Readline lists what a word can be completed to.
  func offer(_ names: [String]) {
    hasOffer = true
    onCompletions(names)
  }

  /// The next byte for readline; nil when none comes.
  func nextByte() -> UInt8? {
    if next >= queue.count { queue.append(contentsOf: refill()) }
    guard next < queue.count else { return nil }
    defer { next += 1 }
    return queue[next]
  }

  var hasBytes: Bool { next < queue.count }

  /// Inserts pasted text at the cursor as one step to undo; it never sends, whatever it holds.
  package func paste(_ text: String) {
    guard isOpen, !text.isEmpty else { return }
    if cr_is_searching() != 0 {
      // A search takes keys, not lines: the text on one line, without what could act as a key.
      feed(text.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 })
      return
    }
    let start = cr_point()
    insert(text)
    cr_set_mark(start)
    rl_activate_mark()
    needsDisplay = true
  }

  /// Inserts text as one step to undo.
  ///
  /// C strings end at a zero byte, so there is none.
  private func insert(_ text: String) {
    rl_begin_undo_group()
    unsafe rl_insert_text(text.contains("\0") ? text.filter { $0 != "\0" } : text)
    rl_end_undo_group()
  }

  /// The whole text.
  package var text: String { unsafe String(cString: cr_buffer()) }

  package var isEmpty: Bool { cr_end() == 0 }

  /// Replaces the text, as one step to undo, and puts the cursor at its end.
  package func setText(_ text: String) {
    guard isOpen else { return }
    if cr_is_searching() != 0 { abandon() }
    rl_begin_undo_group()
    rl_delete_text(0, cr_end())
    cr_set_point(0)
    if !text.isEmpty { insert(text) }
    rl_end_undo_group()
    needsDisplay = true
  }

  /// Empties the line and ends any search or half-typed command.
  package func clear() {
    guard isOpen else { return }
    abandon()
    needsDisplay = true
  }

  /// Ends a search or half-typed command and keeps the line, as C-g does.
  package func cancel() {
    feed([0x07])
  }

  /// Starts a new, empty line outside of any command.
  private func abandon() {
    cr_abandon()
    rl_callback_handler_remove()
    unsafe rl_callback_handler_install(label, PromptCallbacks.line)
    cr_reset_history()
  }

  /// Tells readline the room it may think it has; its vi and paging commands use it.
  package func setSize(rows: Int, columns: Int) {
    rl_set_screen_size(Int32(max(1, rows)), Int32(max(1, columns)))
  }

  /// What to paint now.
  package func display() -> PromptDisplay {
    needsDisplay = false
    let text = text
    let count = text.utf8.count
    let point = min(Int(cr_point()), count)
    var region: Range<Int>?
    if rl_mark_active_p() != 0 {
      let mark = min(max(0, Int(cr_mark())), count)
      if mark != point { region = min(mark, point)..<max(mark, point) }
    }
    return PromptDisplay(
      prompt: unsafe String(cString: cr_prompt()), text: text, cursor: point, region: region,
      isSearching: cr_is_searching() != 0,
      mode: cr_is_vi() == 0 ? .emacs : cr_is_vi_command() != 0 ? .viCommand : .viInsert)
  }
}
