import Terminal

/// Text that a terminal shows and does not obey.
enum PlainText {
  /// `text` without control characters, escapes and bidirectional overrides; line ends and tabs stay.
  static func safe(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where !isUnsafe(scalar) { result.append(scalar) }
    return String(result)
  }

  private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    scalar != "\n" && scalar != "\t" && VisibleText.isHostile(scalar)
  }
}
