import CReadline
import Glibc

/// The functions that readline calls: each finds the open prompt, on the main thread.
@MainActor enum PromptCallbacks {
  /// A line is complete; nil stands for the end of input.
  static let line: @convention(c) (UnsafeMutablePointer<CChar>?) -> Void = { pointer in
    // Sound: readline hands over a string of its allocation.
    let text = unsafe pointer.map { unsafe String(cString: $0) }
    unsafe free(pointer)
    MainActor.assumeIsolated { Prompt.current?.finish(text) }
  }

  static func install() {
    unsafe cr_set_input(
      { _ in MainActor.assumeIsolated { Prompt.current?.nextByte().map(Int32.init) ?? -1 } },
      { MainActor.assumeIsolated { Prompt.current?.hasBytes == true ? 1 : 0 } })
    cr_set_redisplay { MainActor.assumeIsolated { Prompt.current?.needsDisplay = true } }
    installCompletion()
    bind()
  }

  private static func installCompletion() {
    unsafe cr_set_completion(
      { text, start, end in
        guard let text = unsafe text else { return nil }
        let word = unsafe String(cString: text)
        let kind = MainActor.assumeIsolated {
          Prompt.current?.prepareCompletion(of: word, at: Int(start)) ?? .none
        }
        // Also keeps readline from offering files of its own accord.
        cr_end_completion()
        switch kind {
        case .none: return nil
        case .files: return unsafe cr_complete_file(text)
        case .commands:
          return unsafe rl_completion_matches(text) { _, _ in
            let match = MainActor.assumeIsolated { Prompt.current?.matches.popLast() }
            return unsafe match.flatMap { unsafe strdup($0) }
          }
        }
      },
      { list, count, _ in
        var names: [String] = []
        // Sound: entry 0 is the common part, entries 1 to `count` are the matches.
        for index in 0..<max(0, Int(count)) {
          if let name = unsafe list?[index + 1] { names.append(unsafe String(cString: name)) }
        }
        let shown = names
        MainActor.assumeIsolated { Prompt.current?.offer(shown) }
      })
  }

  private static var hasAddedFunctions = false

  /// Names the prompt's functions; done before the inputrc is read, which may bind them.
  static func addFunctions() {
    guard !hasAddedFunctions else { return }
    hasAddedFunctions = true
    let functions: [(String, PromptCommands.Function)] = [
      ("pace-send", PromptCommands.send), ("pace-newline", PromptCommands.newline),
      ("pace-editor", PromptCommands.editor), ("pace-backspace", PromptCommands.backspace),
      ("pace-delete", PromptCommands.delete), ("pace-left", PromptCommands.left),
      ("pace-right", PromptCommands.right),
    ]
    for (name, function) in functions {
      // Sound: readline keeps the pointer for ever, so the copy is never freed.
      unsafe rl_add_defun(strdup(name), function, -1)
    }
  }

  /// Binds the prompt's functions where the inputrc has left readline's defaults.
  private static func bind() {
    for map in ["emacs-standard", "vi-insert"] {
      unsafe cr_replace("\r", "\\C-m", rl_newline, PromptCommands.send, map)
      unsafe cr_replace("\n", "\\C-j", rl_newline, PromptCommands.newline, map)
      unsafe cr_replace("\u{7F}", "\\C-?", rl_rubout, PromptCommands.backspace, map)
      unsafe cr_replace("\u{08}", "\\C-h", rl_rubout, PromptCommands.backspace, map)
      unsafe cr_replace("\u{1B}[3~", "\\e[3~", rl_delete, PromptCommands.delete, map)
      for prefix in ["[", "O"] {
        unsafe cr_replace(
          "\u{1B}\(prefix)D", "\\e\(prefix)D", rl_backward_char, PromptCommands.left, map)
        unsafe cr_replace(
          "\u{1B}\(prefix)C", "\\e\(prefix)C", rl_forward_char, PromptCommands.right, map)
      }
      unsafe cr_bind_if_free("\\C-x\\C-e", PromptCommands.editor, map)
    }
    let emacs = "emacs-standard"
    unsafe cr_replace("\u{04}", "\\C-d", rl_delete, PromptCommands.delete, emacs)
    unsafe cr_replace("\u{02}", "\\C-b", rl_backward_char, PromptCommands.left, emacs)
    unsafe cr_replace("\u{06}", "\\C-f", rl_forward_char, PromptCommands.right, emacs)
    unsafe cr_replace("\u{1B}\r", "\\e\\C-m", rl_vi_editing_mode, PromptCommands.newline, emacs)
    unsafe cr_replace("\u{1B}\n", "\\e\\C-j", rl_vi_editing_mode, PromptCommands.newline, emacs)
    unsafe cr_bind_if_free("\\ee", PromptCommands.editor, emacs)
    // In vi's command mode Enter sends too, by readline's own function.
  }
}

extension Prompt {
  enum CompletionKind { case none, files, commands }

  /// What a word can be completed to; for commands the matches are made ready, last one first.
  func prepareCompletion(of word: String, at start: Int) -> CompletionKind {
    if start == 0, word.hasPrefix("/"), !word.dropFirst().contains("/") {
      matches = commandNames().map { "/" + $0 }.filter { $0.hasPrefix(word) }.sorted(by: >)
      if !matches.isEmpty { return .commands }
    }
    return word.contains("/") || word.hasPrefix("~") || word.hasPrefix(".") ? .files : .none
  }

  /// A line was sent, or the input ended.
  func finish(_ line: String?) {
    needsDisplay = true
    guard let line else {
      onEndOfInput()
      return
    }
    guard line.contains(where: { !$0.isWhitespace }) else { return }
    history.add(line)
    onSubmit(line)
  }
}
