/// What text splitting needs to know about a character.
package enum CharacterKind: UInt8, Sendable {
  case letter
  case number
  case whitespace
  case punctuation
  case other

  /// The kind of a scalar in the version of Unicode that the splitters of published vocabularies agree on.
  package init(_ scalar: Unicode.Scalar) {
    if scalar.isASCII {
      self = Self.ascii[Int(scalar.value)]
      return
    }
    let properties = scalar.properties
    if properties.isWhitespace {
      self = .whitespace
      return
    }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      self = Self.isKnown(properties) ? .letter : .other
    case .decimalNumber, .letterNumber, .otherNumber:
      self = Self.isKnown(properties) ? .number : .other
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      self = Self.isKnown(properties) ? .punctuation : .other
    default: self = .other
    }
  }

  /// Characters younger than Unicode 15.1 are not yet classified by llama.cpp, whose ids are the measure.
  private static func isKnown(_ properties: Unicode.Scalar.Properties) -> Bool {
    properties.age.map { $0.major <= 15 } ?? false
  }

  private static let ascii: [CharacterKind] = (0..<128).map { (value: UInt8) in
    switch value {
    case 0x41...0x5A, 0x61...0x7A: .letter
    case 0x30...0x39: .number
    case 0x09...0x0D, 0x20: .whitespace
    case 0x24, 0x2B, 0x3C...0x3E, 0x5E, 0x60, 0x7C, 0x7E: .other
    case 0x21...0x7E: .punctuation
    default: .other
    }
  }
}
