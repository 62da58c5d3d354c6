import Inference
import PictureFiles
import Runtime
import Terminal

extension PlaygroundState {
  /// Paints what is written, in the command or in the prompt; without words the last description with the next seed.
  mutating func paint(_ words: String) -> [Effect] {
    let typed = prompt.text.trimmed
    let isTyped = words.isEmpty && !typed.isEmpty && !typed.hasPrefix("/")
    let description = words.isEmpty ? (isTyped ? typed : "") : words
    if description.isEmpty, pictures.work?.request != nil { return paintAgain() }
    guard !description.isEmpty else {
      let effects = focusPane(.pictures)
      // The pane shows, and what is typed next are the words.
      mode = .insert
      return effects + say(.info, "write what to paint, such as: a red heart, then press F9")
    }
    let effects = paint(
      PaintingRequest(
        description: description, seed: pictures.seed, methods: pictures.methods(of: pictures.entry)
      ))
    return effects + (isTyped ? [.setPrompt("")] : [])
  }

  /// The words of the shown picture once more, with the next seed and the painter as it is set.
  mutating func paintAgain() -> [Effect] {
    guard let words = pictures.work?.request?.description else {
      return say(.info, "write what to paint, then press F9")
    }
    pictures.seed &+= 1
    return paint(
      PaintingRequest(
        description: words, seed: pictures.seed, methods: pictures.methods(of: pictures.entry)))
  }

  mutating func paint(_ request: PaintingRequest) -> [Effect] {
    let ticket = ticket()
    inquiries[ticket] = .paint
    var work = PictureWork(ticket: ticket, request: request)
    work.isPainting = true
    add(work)
    focus = .pictures
    return [.submit(ticket: ticket, .paint(request))]
  }

  /// Paints the words and the seed of the shown picture in another way, and shows both side by side.
  mutating func racePicture() -> [Effect] {
    guard let work = pictures.work, var request = work.request, let ticket = work.ticket,
      let present = work.painter
    else { return say(.info, "paint a picture first: F9") }
    guard let rival = pictures.rival(of: present) else {
      return say(.info, "there is no other way to paint")
    }
    request.methods = pictures.methods(of: rival)
    let effects = paint(request)
    pictures.works[pictures.works.count - 1].rival = ticket
    if let index = pictures.works.firstIndex(where: { $0.ticket == ticket }) {
      pictures.works[index].rival = pictures.works.last?.ticket
    }
    return effects
  }

  private mutating func add(_ work: PictureWork) {
    pictures.works.append(work)
    if pictures.works.count > PicturesState.limit { pictures.works.removeFirst() }
    pictures.shown = pictures.works.count - 1
    pictures.step = nil
  }

  /// Takes up what a painting tells.
  mutating func handlePainting(_ event: JobEvent, ticket: Int) -> [Effect] {
    guard let index = pictures.works.firstIndex(where: { $0.ticket == ticket }) else { return [] }
    switch event {
    case .painting(.started(let steps, let note)):
      pictures.works[index].stepCount = steps
      pictures.works[index].note = note
      return note.map { say(.warning, $0) } ?? []
    case .painting(.step(let step, let cost)):
      pictures.works[index].steps.append(step)
      pictures.works[index].costs.append(cost)
      return []
    case .painting(.finished(let report)):
      inquiries[ticket] = nil
      pictures.works[index].isPainting = false
      pictures.works[index].isStopped = report.isCancelled
      pictures.works[index].preparation = report.preparation
      pictures.works[index].byteCount = report.byteCount
      pictures.works[index].agreement = report.agreement
      pictures.works[index].figures = report.figures
      return report.isCancelled ? say(.info, "stopped: the steps so far are kept") : []
    case .failed(let error):
      inquiries[ticket] = nil
      let words = pictures.works.remove(at: index).request?.description ?? ""
      pictures.shown = pictures.works.isEmpty ? nil : pictures.works.count - 1
      pictures.step = nil
      guard error.code != .cancelled else { return [] }
      // The words come back, so that they can be mended.
      return (prompt.text.isEmpty && !words.isEmpty ? [.setPrompt(words)] : [])
        + say(.error, error.message)
    default: return []
    }
  }

  /// Stops what is painted; nil where nothing is.
  mutating func stopPainting() -> [Effect]? {
    let tickets = pictures.works.filter(\.isPainting).compactMap(\.ticket)
    guard !tickets.isEmpty else { return nil }
    return tickets.map { .cancel(ticket: $0) } + say(.info, "stopping the picture")
  }

  // MARK: Looking

  /// Shows the next or previous work.
  mutating func showWork(_ direction: Int) -> [Effect] {
    guard let shown = pictures.shown else { return say(.info, "no picture was painted yet") }
    pictures.shown = min(max(0, shown + direction), pictures.works.count - 1)
    pictures.step = nil
    return []
  }

  /// Shows an earlier or later step.
  mutating func scrub(_ direction: Int) -> [Effect] {
    guard let work = pictures.work, !work.steps.isEmpty else {
      return say(.info, "there are no steps to look at")
    }
    let last = work.steps.count - 1
    // A hundred keys are enough for the longest way.
    let stride = max(1, work.stepCount / 100)
    let target = min(max(0, (pictures.step ?? last) + direction * stride), last)
    pictures.step = target == last ? nil : target
    return []
  }

  /// Paints on from after the shown step with a new seed; what is before stays.
  mutating func branchPicture() -> [Effect] {
    guard var request = pictures.work?.request, let step = pictures.shownStep else {
      return say(.info, "paint a picture first: F9")
    }
    guard !step.isLast else {
      return say(.info, "choose an earlier step first, with h: a branch paints on from there")
    }
    pictures.seed &+= 1
    request.branches.removeAll { $0.step > step.index }
    request.branches.append(PaintingBranch(step: step.index + 1, seed: pictures.seed))
    return paint(request)
  }

  /// Moves the chosen value a step: the seed, the painter, or one of its knobs.
  mutating func movePictureKnob(by steps: Int, large: Bool = false) -> [Effect] {
    switch pictures.row {
    case 0:
      let amount = UInt64(large ? 10 : 1)
      pictures.seed =
        steps < 0 ? pictures.seed - min(pictures.seed, amount) : pictures.seed &+ amount
    case 1:
      let count = max(pictures.entries.count, 1)
      pictures.painter = ((pictures.painter + steps) % count + count) % count
    default:
      guard let entry = pictures.entry, var choice = pictures.choice,
        entry.knobs.indices.contains(pictures.row - 2)
      else { return [] }
      entry.knobs[pictures.row - 2].move(by: steps, large: large, in: &choice)
      pictures.choices[entry.card.id] = choice
    }
    return []
  }

  /// Chooses a painter by its name, with knobs or as it was.
  mutating func choosePainter(_ text: String) -> [Effect] {
    guard !text.isEmpty else {
      let names = pictures.entries.map(\.card.id).joined(separator: ", ")
      return say(.info, "name a painter: \(names)")
    }
    do throws(InferenceError) {
      let choice = try pictures.entries.choice(text)
      pictures.painter = pictures.entries.firstIndex { $0.card.id == choice.id } ?? 0
      if text.contains(":") { pictures.choices[choice.id] = choice }
      return say(.info, "the next picture is painted by \(choice.id)")
    } catch {
      return say(.error, error.message)
    }
  }

  mutating func changeLook(_ change: (inout PictureCells.Options) -> String) -> [Effect] {
    say(.info, change(&pictures.look))
  }

  /// Ends the picture on the whole screen; it knows no other keys of its own.
  mutating func handleOverPicture(_ key: Key) -> [Effect] {
    if key == .control("d") { return quit() }
    if [.escape, .character("q"), .character("z")].contains(key) { overlays.removeLast() }
    return []
  }

  // MARK: Files

  /// Writes the shown picture, with what it was painted from.
  mutating func savePicture(_ path: String) -> [Effect] {
    guard let picture = pictures.picture else { return say(.info, "there is no picture to save") }
    let request = pictures.work?.request
    let painted = request.map { PaintedPicture($0, step: pictures.shownStep) }
    let file = painted.map { $0.file(picture) } ?? PictureFile(picture)
    let stem = (request?.description ?? "picture").lowercased().map {
      $0.isLetter || $0.isNumber ? String($0) : "-"
    }.joined().split(separator: "-").joined(separator: "-")
    return [.savePicture(file, stem: "\(stem.prefix(40))-\(request?.seed ?? 0)", path: path)]
  }

  /// Shows a picture from a file; one that was painted here can be painted on.
  mutating func opened(_ file: PictureFile, path: String) -> [Effect] {
    var work = PictureWork()
    work.opened = file.picture
    work.path = path
    do throws(InferenceError) {
      if let painted = try PaintedPicture.read(file) {
        work.request = painted.request
        pictures.seed = painted.seed
        for choice in painted.methods { pictures.choices[choice.id] = choice }
        if let index = pictures.entries.firstIndex(where: { $0.card.id == work.painter }) {
          pictures.painter = index
        }
      }
    } catch {
      _ = say(.warning, "\(path): \(error.message)")
    }
    add(work)
    // It comes when it was read; who types meanwhile goes on typing.
    focus = .pictures
    return []
  }

  // MARK: Characters

  /// Finds the characters of what is shown, where they are not known yet.
  mutating func layOutPictures() {
    let wanted = PicturesPane.wanted(self)
    guard wanted != Set(pictures.cells.keys) else { return }
    var cells: [PicturesState.CellsKey: PictureCells] = [:]
    for key in wanted {
      cells[key] =
        pictures.cells[key]
        ?? PictureCells(
          pixels: key.picture.pixels, width: key.picture.width, height: key.picture.height,
          columns: key.size.width, rows: key.size.height, options: key.look)
    }
    pictures.cells = cells
  }
}
