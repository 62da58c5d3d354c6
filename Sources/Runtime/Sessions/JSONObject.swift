import Inference

/// Writes one JSON object on one line, its fields in the order they are added.
struct JSONObject {
  private var body = ""

  mutating func add(_ name: String, _ value: String?) { add(name, json: value.map(Self.quoted)) }
  mutating func add(_ name: String, _ value: Int?) { add(name, json: value.map { String($0) }) }
  mutating func add(_ name: String, _ value: Double) { add(name, json: Self.number(value)) }
  mutating func add(_ name: String, _ value: [String]) {
    add(name, json: Self.list(value.map(Self.quoted)))
  }
  mutating func add(_ name: String, _ value: [TokenID]) {
    add(name, json: Self.list(value.map { String($0) }))
  }
  mutating func add(_ name: String, _ value: JSONObject) { add(name, json: value.text) }
  mutating func add(_ name: String, _ value: [JSONObject]) {
    add(name, json: Self.list(value.map(\.text)))
  }
  /// Adds a value that is JSON already; nil becomes `null`.
  mutating func add(_ name: String, json: String?) {
    body += (body.isEmpty ? "" : ",") + Self.quoted(name) + ":" + (json ?? "null")
  }

  var text: String { "{" + body + "}" }

  private static func list(_ values: [String]) -> String {
    "[" + values.joined(separator: ",") + "]"
  }

  /// A number that is no number, or endless, has no place in JSON.
  static func number(_ value: Double) -> String? { value.isFinite ? "\(value)" : nil }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
        // Control characters stay visible to a person who looks into the file, and harmless to the terminal.
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
