import TestSupport

/// Which key comes next, and how its effect is recognised.
struct KeyPlan {
  enum Kind: String, CaseIterable, Codable, Sendable {
    case text, erase, knob, page
  }

  /// What the screen shows once a key has been painted.
  enum Sign: Equatable {
    /// The prompt holds just this.
    case prompt(String)
    /// The picked knob or its value is another one than this.
    case knob(not: String)
    case scrolledBack(Bool)
    case typing(Bool)
  }

  struct Key {
    let bytes: [UInt8]
    let sign: Sign
    /// Nil for a key whose time does not count.
    let kind: Kind?

    var isText: Bool { if case .prompt = sign { true } else { false } }
  }

  /// Knob keys that leave things as they were: raise, lower, the next knob, the same, back.
  private static let knobKeys = ["[19~", "[18~", "[17~", "[19~", "[18~", "[15~"]
  /// A prompt fuller than this is emptied again.
  private static let longestText = 40

  private var random: SplitMix64
  private(set) var text = ""
  private var knobTurn = 0
  /// Steps left of a look back: escape, page up, end, insert.
  private var look: [Key] = []

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// Whether the next key must wait until the one before it has been painted.
  var needsPainted: Bool { !look.isEmpty }

  /// Milliseconds until the next key.
  mutating func gap() -> Double { 20 + 180 * random.uniform() }

  /// Takes note that the prompt is empty again.
  mutating func startOver() {
    text = ""
    knobTurn = 0
    look = []
  }

  /// - Parameters:
  ///   - isSettled: whether everything typed so far has been painted; where not, only text comes, whose states differ
  ///     from all those before.
  ///   - knob: the picked knob as the screen shows it.
  ///   - canScrollBack: whether the screen can show that the chat was scrolled.
  mutating func next(isSettled: Bool, knob: String?, canScrollBack: Bool) -> Key {
    if !look.isEmpty { return nextOfLook() }
    let choice = random.next() % 100
    guard isSettled else { return letter() }
    switch choice {
    case 0..<20 where !text.isEmpty: return erase()
    case 20..<35:
      guard let knob else { return letter() }
      defer { knobTurn = (knobTurn + 1) % Self.knobKeys.count }
      return Key(
        bytes: [0x1B] + Array(Self.knobKeys[knobTurn].utf8), sign: .knob(not: knob), kind: .knob)
    case 35..<39 where canScrollBack:
      look = [
        // A lone escape waits on purpose for what may follow it.
        Key(bytes: [0x1B], sign: .typing(false), kind: nil),
        Key(bytes: Array("\u{1B}[5~".utf8), sign: .scrolledBack(true), kind: .page),
        Key(bytes: Array("G".utf8), sign: .scrolledBack(false), kind: .page),
        Key(bytes: Array("i".utf8), sign: .typing(true), kind: .page),
      ]
      return nextOfLook()
    default: return text.count < Self.longestText ? letter() : erase()
    }
  }

  private mutating func nextOfLook() -> Key {
    look.removeFirst()
  }

  private mutating func letter() -> Key {
    let letter = UInt8(ascii: "a") + UInt8(random.next() % 26)
    text += String(Unicode.Scalar(letter))
    return Key(bytes: [letter], sign: .prompt(text), kind: .text)
  }

  private mutating func erase() -> Key {
    text.removeLast()
    return Key(bytes: [0x7F], sign: .prompt(text), kind: .erase)
  }
}
