import Inference

/// Where the program keeps its files, by the XDG base directory rules.
///
/// Folders are made when something is first put into them, for their owner only.
package struct PacelinePaths: Sendable, Equatable {
  /// Settings, key map, themes.
  package var config: String
  package var data: String
  /// One file for each session.
  package var sessions: String
  /// Input history and logs.
  package var state: String
  /// What can be made again.
  package var cache: String
  /// Model files.
  package var models: String

  /// - Parameter environment: looks a variable up. `PACELINE_HOME` puts everything below one folder, `PACELINE_MODELS`
  ///   the models elsewhere; XDG variables that hold no absolute path are ignored, as the rules demand.
  /// - Throws: `environment` where not even `HOME` is known.
  package init(environment: (String) -> String?) throws(InferenceError) {
    func folder(_ variable: String) -> String? {
      guard let value = environment(variable), value.hasPrefix("/") else { return nil }
      return value.count > 1 && value.hasSuffix("/") ? String(value.dropLast()) : value
    }
    let home = folder("HOME")
    func base(_ variable: String, _ fallback: String) throws(InferenceError) -> String {
      if let folder = folder(variable) { return folder }
      guard let home else {
        throw InferenceError(
          .environment, "neither HOME nor \(variable) is set: set PACELINE_HOME to a folder")
      }
      return home + "/" + fallback
    }
    if let own = folder("PACELINE_HOME") {
      config = own + "/config"
      data = own + "/data"
      state = own + "/state"
      cache = own + "/cache"
      models = own + "/models"
    } else {
      config = try base("XDG_CONFIG_HOME", ".config") + "/paceline"
      data = try base("XDG_DATA_HOME", ".local/share") + "/paceline"
      state = try base("XDG_STATE_HOME", ".local/state") + "/paceline"
      let caches = try base("XDG_CACHE_HOME", ".cache")
      cache = caches + "/paceline"
      models = caches + "/paceline-models"
    }
    sessions = data + "/sessions"
    if let folder = folder("PACELINE_MODELS") { models = folder }
  }

  /// The paths of this process's own environment.
  package init() throws(InferenceError) { try self.init(environment: Environment.value(of:)) }

  package var history: String { state + "/history" }
  package var log: String { state + "/paceline.log" }
  /// Measured roofs by processor.
  package var roofline: String { cache + "/roofline" }
  /// Known hashes of model files.
  package var hashes: String { cache + "/hashes" }

  /// All paths with their names, for `paceline paths`.
  package var all: [(name: String, path: String)] {
    [
      ("config", config), ("data", data), ("sessions", sessions), ("state", state),
      ("history", history), ("log", log), ("cache", cache), ("models", models),
    ]
  }
}
