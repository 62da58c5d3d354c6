import ArgumentParser
import Foundation
import Inference
import Methods
import Playground
import Runtime
import Terminal

/// The playground: a full screen, or line mode where there is none.
struct Play: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Open the playground (what `paceline` alone does).",
    usage: "paceline [<options>]",
    discussion: """
      Without a terminal, or with TERM unset, dumb or unknown, it falls back to
      plain lines.
      """)

  @OptionGroup var options: ModelOptions
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var methods: MethodOptions

  @Option(parsing: .unconditional, help: ArgumentHelp("Positions of the context.", valueName: "n"))
  var context: Int?

  @Option(
    help: ArgumentHelp("Folder of the sessions; `paths` shows the usual one.", valueName: "dir"),
    completion: .directory)
  var sessions: String?

  @Option(
    help: ArgumentHelp(
      "Go on with a session: its id, the beginning of it, or a file.", valueName: "id"))
  var resume: String?

  @Option(help: ArgumentHelp("Colours: auto, never, 8, 16, 256 or true.", valueName: "when"))
  var color = ColorPreference.auto

  @Flag(help: "Plain lines in place of the full screen, as with ACCESSIBLE=1 in the environment.")
  var plain = false

  func validate() throws {
    if let context, context < 1 { throw ValidationError("--context takes a number from 1") }
  }

  func run() async throws {
    let settings = try sampling.settings()
    let selection = try methods.selection()
    let paths = try PacelinePaths()
    let store = SessionStore(folder: sessions ?? paths.sessions)
    let resumed = try resume.map { name throws(InferenceError) in
      try SessionReader.read(store.path(of: name))
    }
    let path = try modelPath(for: resumed)
    if let obstacle = screenObstacle {
      if Console.outputIsTerminal, !asksForPlainLines {
        Console.note("\(obstacle): plain lines in its place")
      }
    } else {
      var options = PlaygroundOptions(
        modelPath: path, sessions: store, paths: paths, program: "paceline \(Version.text)",
        listModels: Self.modelsHere)
      options.contextLength = context ?? Engine.usualContext
      options.settings = settings
      options.methods = MethodCatalog.all.byReadiness
      options.painters = MethodCatalog.painting
      options.selection = selection
      options.resumed = resumed
      options.findModel = Self.findModel
      options.screen.color = color
      if try await paint(options) { return }
    }
    try await talkInLines(
      path: path, hashes: ModelHash(file: paths.hashes), store: store, settings: settings,
      resumed: resumed)
  }

  private var asksForPlainLines: Bool { plain || TerminalFacts().asksForPlainLines }

  /// Why there is to be no full screen; nil for nothing.
  private var screenObstacle: String? {
    if asksForPlainLines { return "plain lines are asked for" }
    guard Console.inputIsTerminal, Console.outputIsTerminal else { return "there is no terminal" }
    return TerminalFacts().obstacle
  }

  /// Runs the full screen to its end.
  ///
  /// - Returns: false where the terminal does not take one; nothing was sent to it then.
  @MainActor private func paint(_ options: PlaygroundOptions) async throws -> Bool {
    let engine = Engine.standard(threads: self.options.threads, measuresRoofs: true)
    let status: Int32
    do throws(ScreenError) {
      status = try PlaygroundApp.run(options) { engine.submit($0) }
    } catch {
      Console.note("\(error.message): plain lines in its place")
      return false
    }
    guard status == 0 else { throw ExitStatus(rawValue: status) ?? .failure }
    return true
  }

  /// The model asked for; a resumed session's own where none was.
  private func modelPath(for session: SessionFile?) throws(InferenceError) -> String {
    if options.model == nil, let path = session?.model.path,
      FileManager.default.fileExists(atPath: path)
    {
      return path
    }
    return try options.path()
  }

  /// As `--model`, and with a `~` that no shell spelled out.
  @Sendable private static func findModel(_ word: String) -> Result<String, InferenceError> {
    do throws(InferenceError) {
      return .success(try ModelFolder.standard().resolve(Environment.expandingHome(word)))
    } catch {
      return .failure(error)
    }
  }

  /// The models that can be opened without fetching.
  @Sendable private static func modelsHere() -> [ModelEntry] {
    guard let folder = try? ModelFolder.standard() else { return [] }
    let fetched = folder.catalogue.models.filter(folder.holds).compactMap { entry in
      entry.files.first.flatMap { file in
        file.file.hasSuffix(".gguf")
          ? ModelEntry(name: entry.name, path: folder.path(of: file), bytes: file.bytes) : nil
      }
    }
    let others = folder.otherFiles().map { name in
      let path = folder.path + "/" + name
      let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber
      return ModelEntry(name: name, path: path, bytes: size?.intValue ?? 0)
    }
    return fetched + others
  }

  private func talkInLines(
    path: String, hashes: ModelHash, store: SessionStore, settings: SamplerSettings,
    resumed: SessionFile?
  ) async throws {
    let engine = Engine.standard(threads: options.threads)
    var line = ProgressLine()
    let summary = try await engine.load(path, contextLength: context) { fraction in
      line.show("loading \(Int(fraction * 100)) %")
    }
    line.clear()
    Engine.noteContext(context, given: summary)
    var talk = LineTalk(
      engine: engine, summary: summary, hash: LearnedHash(of: path, by: hashes), store: store,
      settings: settings)
    if let resumed { try talk.resume(resumed) }
    var mode = LineMode(talk: talk)
    try await mode.run()
  }
}

extension ColorPreference: ExpressibleByArgument {}
