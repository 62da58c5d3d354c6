import Foundation
import Terminal

/// What the environment says of the terminal, and whether a full screen can be painted on it.
struct TerminalFacts: CustomStringConvertible {
  private let environment: [String: String]

  init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    self.environment = environment
  }

  /// Whether a person wants lines that a screen reader can follow, by `ACCESSIBLE=1`.
  var asksForPlainLines: Bool {
    guard let value = environment["ACCESSIBLE"] else { return false }
    return !["", "0", "false", "no"].contains(value.lowercased())
  }

  /// What speaks against a full screen; nil for nothing.
  var obstacle: String? {
    let name = environment["TERM"] ?? ""
    if name.isEmpty { return "TERM is not set" }
    if name == "dumb" { return "TERM is dumb" }
    if !isKnown(name) { return "the terminal type '\(name)' is not known here" }
    return nil
  }

  var description: String {
    let name = environment["TERM"] ?? "not set"
    return obstacle.map { "\(name): \($0), so line mode is used" } ?? name
  }

  /// The colours that printed lines may use.
  var colorDepth: ColorDepth {
    let profile = TerminalProfile(environment: environment, isUTF8: isUnicode)
    let colors = profile.terminal.contains("256color") ? 256 : 8
    return obstacle == nil
      ? profile.colorDepth(.auto, colors: colors, isDirect: profile.claimsTrueColor) : .none
  }

  var isUnicode: Bool { locale.hasSuffix(", Unicode") }

  var colours: String {
    if let value = environment["NO_COLOR"], !value.isEmpty { return "none, as NO_COLOR asks" }
    if ["truecolor", "24bit"].contains(environment["COLORTERM"] ?? "") { return "16 million" }
    return (environment["TERM"] ?? "").contains("256color") ? "256" : "as terminfo says"
  }

  var locale: String {
    let variables = ["LC_ALL", "LC_CTYPE", "LANG"]
    let name = variables.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "C"
    let lower = name.lowercased()
    let isUnicode = lower.hasSuffix("utf-8") || lower.hasSuffix("utf8")
    return name + (isUnicode ? ", Unicode" : ", so ASCII only")
  }

  /// Whether the terminfo database has an entry of that name.
  private func isKnown(_ name: String) -> Bool {
    guard let first = name.utf8.first, !name.contains("/") else { return false }
    var folders = ["/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"]
    folders += (environment["TERMINFO_DIRS"] ?? "").split(separator: ":").map(String.init)
    if let home = environment["HOME"] { folders.append(home + "/.terminfo") }
    if let own = environment["TERMINFO"] { folders.append(own) }
    let letter = String(decoding: [first], as: UTF8.self)
    return folders.contains { folder in
      FileManager.default.fileExists(atPath: "\(folder)/\(letter)/\(name)")
        || FileManager.default.fileExists(atPath: "\(folder)/\(String(first, radix: 16))/\(name)")
    }
  }
}
