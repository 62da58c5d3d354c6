import Foundation
import Inference
import PictureFiles
import Runtime

/// Reads and writes sessions for the event loop; what takes time happens on other threads.
@MainActor final class SessionDesk {
  private let store: SessionStore
  private let mailbox: Mailbox
  private let program: String
  private var writer: SessionWriter?
  /// Records that came before a model, and so a header, was there.
  private var early: [SessionRecord] = []
  /// The file whose name was told.
  private var known: String?
  private var toldFailure: String?

  init(store: SessionStore, mailbox: Mailbox, program: String) {
    self.store = store
    self.mailbox = mailbox
    self.program = program
  }

  var port: FilePort {
    var port = FilePort(
      record: { [self] in record($0, $1) }, closeSession: { [self] in close() },
      sync: { [self] in writer?.flush() }, listSessions: { [self] in list() },
      openSession: { [self] in open($0) }, forkSession: { [self] in fork(at: $0) },
      listModels: {}, exportRace: { [self] in export($0) }, news: { [self] in news() })
    port.savePicture = { [self] in save($0, stem: $1, path: $2) }
    port.openPicture = { [self] in openPicture($0) }
    return port
  }

  private func record(_ records: [SessionRecord], _ state: PlaygroundState) {
    guard let writer = writer ?? begin(state) else {
      early += records
      return
    }
    for record in records { writer.append(record) }
  }

  private func begin(_ state: PlaygroundState) -> SessionWriter? {
    guard
      let header = state.sessionHeader(program: program, created: Timestamp.text(state.clock.wall))
    else { return nil }
    let writer = store.newSession(header)
    for record in early { writer.append(record) }
    early = []
    self.writer = writer
    return writer
  }

  private func close() {
    writer?.flush()
    writer = nil
    early = []
    known = nil
  }

  /// The file's name once there is one, and what went wrong in writing.
  private func news() -> [Action] {
    var actions: [Action] = []
    if let path = writer?.path, path != known {
      known = path
      actions.append(.sessionCreated(id: Self.id(of: path)))
    }
    let failure = writer?.failure?.message
    if failure != toldFailure { actions.append(.sessionFailed(failure)) }
    toldFailure = failure
    return actions
  }

  private static func id(of path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return name.hasSuffix(".jsonl") ? String(name.dropLast(6)) : name
  }

  /// Writes a race beside the sessions, under the time of day it was asked for.
  private func export(_ race: RaceExport) -> Notice {
    let time = Timestamp.text(Timestamp.now).filter { $0.isNumber }
    let path = "\(store.folder)/race-\(time).json"
    do throws(InferenceError) {
      let json = try race.json()
      try SystemFile.makeFolder(store.folder)
      try SystemFile(path, .create).append(Array(json.utf8))
      return Notice(.info, "written to \(path)")
    } catch {
      return Notice(.error, "race not written: \(error.message)")
    }
  }

  private func save(_ file: PictureFile, stem: String, path: String) -> Notice {
    do throws(InferenceError) {
      var target = Environment.expandingHome(path)
      if target.isEmpty {
        let folder = store.folder + "/pictures"
        try SystemFile.makeFolder(folder)
        target = "\(folder)/\(stem).png"
        // What was saved before stays.
        var number = 2
        while FileManager.default.fileExists(atPath: target) {
          target = "\(folder)/\(stem)-\(number).png"
          number += 1
        }
      } else if FileManager.default.fileExists(atPath: target) {
        return Notice(.error, "\(target) is there already: name another file")
      }
      try file.write(to: target)
      return Notice(.info, "written to \(target)")
    } catch {
      return Notice(.error, "picture not written: \(error.message)")
    }
  }

  private func openPicture(_ path: String) {
    let path = Environment.expandingHome(path)
    let mailbox = mailbox
    Task.detached(priority: .userInitiated) {
      do throws(InferenceError) {
        mailbox.post(.pictureOpened(try PictureFile.read(path), path: path))
      } catch {
        mailbox.post(.notice(Notice(.error, error.message)))
      }
    }
  }

  private func list() {
    let store = store
    let mailbox = mailbox
    Task.detached(priority: .utility) {
      let entries = store.list().filter { $0.problem == nil }.map { entry in
        SessionEntry(
          id: entry.id, path: entry.path, title: entry.title, time: entry.modified,
          turns: entry.messages ?? 0, model: entry.model)
      }
      mailbox.post(.sessions(entries))
    }
  }

  /// - Parameter name: a file, or what `--resume` takes.
  private func open(_ name: String) {
    do throws(InferenceError) {
      let file = try SessionReader.read(store.path(of: Environment.expandingHome(name)))
      try take(file)
    } catch {
      mailbox.post(.notice(Notice(.error, error.message)))
    }
  }

  /// Goes on with a session that was read.
  func take(_ file: SessionFile) throws(InferenceError) {
    if writer?.path == file.path { close() }
    let next = try SessionWriter(resuming: file.path)
    close()
    writer = next
    known = file.path
    mailbox.post(.sessionOpened(Self.opened(file)))
  }

  private static func opened(_ file: SessionFile) -> OpenedSession {
    let first = file.conversation.messages.first { $0.role == .user }?.text.headline(40)
    var notes = file.notes + file.problems.map(\.message)
    if notes.count > 2 { notes = Array(notes.prefix(2)) + ["and \(notes.count - 2) more"] }
    return OpenedSession(
      id: id(of: file.path), title: file.title ?? first ?? "session",
      conversation: file.conversation, settings: file.answers.last.map(lastSettings),
      note: notes.isEmpty ? nil : notes.joined(separator: "; "))
  }

  private static func lastSettings(of answer: RecordedAnswer) -> SamplerSettings {
    answer.changes.last?.settings ?? answer.settings
  }

  private func fork(at message: MessageID) {
    do throws(InferenceError) {
      guard let path = writer?.path else {
        throw InferenceError(.invalidRequest, "nothing is saved yet that could be forked")
      }
      writer?.flush()
      let original = try SessionReader.read(path)
      var copy = try SessionReader.read(store.fork(original, at: message))
      let title = Self.opened(original).title
      copy.title = title.hasSuffix(" (fork)") ? title : title + " (fork)"
      try take(copy)
      if let title = copy.title { writer?.append(.title(title)) }
    } catch {
      mailbox.post(.notice(Notice(.error, error.message)))
    }
  }
}
