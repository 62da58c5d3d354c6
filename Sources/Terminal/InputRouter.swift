/// Splits the keys of one reader between the application and the prompt's line editor.
///
/// The application names the keys it takes; the bytes of all others go to the prompt unchanged, so
/// that the user's own bindings keep working.
package struct InputRouter: Sendable {
  package enum Destination: Hashable, Sendable {
    case application(Key)

    /// The bytes of one key for the line editor.
    case prompt([UInt8])

    /// Pasted text for the prompt; it is inserted and never acts as keys.
    case paste(String)
  }

  private var decoder: KeyDecoder

  package init(decoder: KeyDecoder = KeyDecoder()) {
    self.decoder = decoder
  }

  /// How long to wait for more bytes before `flush`; nil when nothing is pending.
  package var pendingTimeout: Duration? { decoder.pendingTimeout }

  /// Takes bytes from the terminal and delivers each key before it looks at the next.
  ///
  /// - Parameters:
  ///   - claims: whether the application takes a key; asked after the key before was handled,
  ///     since one key can move the focus for the next.
  package mutating func feed(
    _ bytes: some Sequence<UInt8>, claims: (Key) -> Bool, deliver: (Destination) -> Void
  ) {
    InputRouter.route(decoder.feed(bytes), claims: claims, deliver: deliver)
  }

  /// Settles a lone Esc or an unfinished paste after `pendingTimeout`.
  package mutating func flush(claims: (Key) -> Bool, deliver: (Destination) -> Void) {
    InputRouter.route(decoder.flush(), claims: claims, deliver: deliver)
  }

  /// Answers of the terminal since the last call.
  package mutating func takeReplies() -> [TerminalReply] { decoder.takeReplies() }

  /// Routes keys that are already decoded, such as those of a script.
  package static func route(
    _ events: [KeyEvent], claims: (Key) -> Bool, deliver: (Destination) -> Void
  ) {
    for event in events {
      switch event.key {
      case .mouse, .focus, .resize, .eof: deliver(.application(event.key))
      case _ where claims(event.key): deliver(.application(event.key))
      case .paste(let text): deliver(.paste(text))
      default:
        let bytes = event.bytes.isEmpty ? event.key.legacyBytes : event.bytes
        if !bytes.isEmpty { deliver(.prompt(bytes)) }
      }
    }
  }
}
