import ArgumentParser
import Foundation
import Inference
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

  enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
    case auto, never, always
    case sixteen = "16"
    case many = "256"
    case full = "true"
  }

  @OptionGroup var options: ModelOptions
  @OptionGroup var sampling: SamplingOptions

  @Option(help: ArgumentHelp("Positions of the context.", valueName: "n"))
  var context: Int?

  @Option(
    help: ArgumentHelp("Folder of the sessions; `paths` shows the usual one.", valueName: "dir"),
    completion: .directory)
  var sessions: String?

  @Option(
    help: ArgumentHelp("Go on with a session: its id, the beginning of it, or a file.", valueName: "id"))
  var resume: String?

  @Option(help: ArgumentHelp("Colours: auto, never, always, 16, 256 or true.", valueName: "when"))
  var color = ColorChoice.auto

  @Flag(help: "Plain lines in place of the full screen.")
  var plain = false

  func validate() throws {
    if let context, context < 1 { throw ValidationError("--context takes a number from 1") }
  }

  func run() async throws {
    let settings = try sampling.settings()
    let path = try options.path()
    let paths = try PacelinePaths()
    let store = SessionStore(folder: sessions ?? paths.sessions)
    let resumed = try resume.map { name throws(InferenceError) in
      try SessionReader.read(store.path(of: name))
    }
    if !plain {
      do {
        try await openFullScreen(
          path: path, store: store, paths: paths, settings: settings, resumed: resumed)
        return
      } catch let error as ScreenError {
        // Without a terminal nobody has to be told that this is line mode.
        if error != .noTerminal { Console.note(error.message + "; going on in lines") }
      }
    }
    try await talkInLines(path: path, store: store, settings: settings, resumed: resumed)
  }

  private func talkInLines(
    path: String, store: SessionStore, settings: SamplerSettings, resumed: SessionFile?
  ) async throws {
    let engine = Engine.standard(threads: options.threads)
    var line = ProgressLine()
    let summary = try await engine.load(path, contextLength: context) { fraction in
      line.show("loading \(Int(fraction * 100)) %")
    }
    line.clear()
    var talk = LineTalk(engine: engine, summary: summary, store: store, settings: settings)
    if let resumed { try talk.resume(resumed) }
    var mode = LineMode(talk: talk)
    try await mode.run()
  }
}
