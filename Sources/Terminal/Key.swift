/// A key, a paste or another event that the person at the terminal caused.
package enum Key: Hashable, Sendable {
  case character(Character)
  case enter, tab, backtab, escape, backspace
  case up, down, left, right
  case home, end, pageUp, pageDown, insert, delete
  case function(Int)

  /// Control with a lower-case letter, or with one of `@ [ \ ] ^ _` and space.
  case control(Character)

  /// Alt (Meta) with another key.
  indirect case alt(Key)

  /// Shift or Control with a key that is no character, such as an arrow.
  indirect case modified(Modifier, Key)

  /// Text pasted in one piece, with line ends as `\n`.
  case paste(String)
  case mouse(MouseEvent)
  case focus(Bool)
  case resize

  /// The end of input: the terminal is gone.
  case eof

  package enum Modifier: String, Hashable, Sendable, CaseIterable {
    case shift = "S"
    case control = "C"
    case shiftControl = "C-S"
  }
}

/// A mouse report, in cells from the top left corner.
package struct MouseEvent: Hashable, Sendable {
  package enum Action: Hashable, Sendable {
    case press, release, drag, move, wheelUp, wheelDown
  }

  package let action: Action

  /// 0 left, 1 middle, 2 right.
  package let button: Int
  package let position: Point
  package let hasShift, hasAlt, hasControl: Bool

  package init(
    _ action: Action, button: Int = 0, at position: Point, hasShift: Bool = false,
    hasAlt: Bool = false, hasControl: Bool = false
  ) {
    self.action = action
    self.button = button
    self.position = position
    self.hasShift = hasShift
    self.hasAlt = hasAlt
    self.hasControl = hasControl
  }
}
