import Foundation
import Glibc

/// The process's environment variables.
package enum Environment {
  package static func value(of name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  /// A typed path with its leading `~` spelled out: `$HOME`, as in a shell, not the account's own folder.
  package static func expandingHome(_ path: String) -> String {
    if path == "~" || path.hasPrefix("~/"), let home = value(of: "HOME"), !home.isEmpty {
      return home + path.dropFirst()
    }
    return (path as NSString).expandingTildeInPath
  }
}
