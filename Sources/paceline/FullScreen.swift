import Inference
import Playground
import Runtime
import Terminal

/// The playground on the whole terminal.
extension Play {
  /// Runs the full screen until the person leaves it.
  ///
  /// - Throws: `ScreenError` where there can be none; nothing was sent to the terminal then.
  @MainActor func openFullScreen(
    path: String, store: SessionStore, paths: PacelinePaths, settings: SamplerSettings,
    resumed: SessionFile?
  ) throws {
    var playground = PlaygroundOptions(
      modelPath: path, sessions: store, paths: paths, program: "paceline \(Version.text)",
      listModels: Self.modelsAtHand)
    playground.contextLength = context
    playground.settings = settings
    playground.resumed = resumed
    playground.screen.color = colorPreference
    let engine = Engine.standard(threads: options.threads)
    let code = try PlaygroundApp.run(playground) { engine.submit($0) }
    if let status = ExitStatus(rawValue: code), status != .success { throw status }
  }

  private var colorPreference: ColorPreference {
    switch color {
    case .auto: .auto
    case .never: .never
    case .always, .sixteen: .sixteen
    case .many: .palette
    case .full: .full
    }
  }

  /// Model files in the user's folder, by name.
  @Sendable private static func modelsAtHand() -> [ModelEntry] {
    guard let folder = try? ModelFolder.standard() else { return [] }
    let listed = folder.catalogue.models.filter { folder.holds($0) }.compactMap { entry in
      try? (entry.name, folder.resolve(entry.name))
    }
    let others = folder.otherFiles().compactMap { name in try? (name, folder.resolve(name)) }
    return (listed + others).map { name, path in
      ModelEntry(name: name, path: path, bytes: (try? SystemFile(path, .read).byteCount) ?? 0)
    }
  }
}
