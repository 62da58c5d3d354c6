import Foundation
import Runtime

/// One line on standard error that is overwritten as work goes on; sparse plain lines where that is no terminal.
struct ProgressLine {
  private let isTerminal = Console.errorIsTerminal && TerminalFacts().obstacle == nil
  private let start = Date()
  private var lastPlain = -1
  private var shown = false
  /// A file on its way from one folder to another may be missed or seen twice for a moment.
  private var most = 0

  /// Shows how far a piece of work is, with speed and time left.
  mutating func show(_ title: String, bytes: Int, total: Int) {
    most = max(most, bytes)
    let bytes = most
    let fraction = total > 0 ? min(Double(bytes) / Double(total), 1) : 0
    let percent = Int(fraction * 100)
    guard isTerminal else {
      // A log gets a line for every fifth part.
      if percent / 20 > lastPlain {
        lastPlain = percent / 20
        Console.note("\(title) \(formatBytes(bytes)) of \(formatBytes(total)) (\(percent) %)")
      }
      return
    }
    let width = 20
    let filled = Int(fraction * Double(width))
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
    let elapsed = Date().timeIntervalSince(start)
    var line = "\(title) [\(bar)] \(percent) %  \(formatBytes(bytes)) of \(formatBytes(total))"
    if elapsed > 0.5, bytes > 0 {
      let speed = Double(bytes) / elapsed
      let left = Int((Double(max(total - bytes, 0)) / speed).rounded(.up))
      line += "  \(formatBytes(Int(speed)))/s  \(left) s left"
    }
    show(line)
  }

  /// Replaces the line; nothing where standard error is no terminal.
  mutating func show(_ text: String) {
    guard isTerminal else { return }
    Console.writeError("\r" + String(text.prefix(79)) + "\u{1B}[K")
    shown = true
  }

  /// Takes the line away.
  mutating func clear() {
    if shown { Console.writeError("\r\u{1B}[K") }
    shown = false
  }
}
