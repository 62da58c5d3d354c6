import Inference
import Runtime
import Terminal

/// The pane of pictures: those that were painted, the one that is looked at, and how the next is painted.
package struct PicturesState: Sendable {
  /// The oldest first.
  package var works: [PictureWork] = []
  /// The work that is shown.
  package var shown: Int?
  /// The step that is shown; nil is the last one there is.
  package var step: Int?
  /// Ways to paint, in the order they are listed.
  package var entries: [MethodEntry] = []
  package var painter = 0
  /// Knobs that were turned, by painter.
  package var choices: [String: MethodChoice] = [:]
  /// The row of the list that keys act on: the seed, the painter, then its knobs.
  package var row = 0
  package var seed: UInt64 = 1
  package var look = PictureCells.Options()
  /// Characters for a picture at a size, so that a frame need not find them again.
  package var cells: [CellsKey: PictureCells] = [:]

  /// Works that are kept.
  static let limit = 32

  package init(entries: [MethodEntry] = []) {
    // What paints comes before what changes a painter.
    self.entries =
      entries.filter { $0.card.slots.contains(.painter) }
      + entries.filter { !$0.card.slots.contains(.painter) }
    painter = self.entries.firstIndex { $0.card.id == PaintingRequest.defaultPainter } ?? 0
  }

  package var work: PictureWork? { shown.flatMap { works.indices.contains($0) ? works[$0] : nil } }

  /// The step that is shown.
  package var shownStep: PaintingStep? { work.flatMap { shownStep(of: $0) } }

  /// The step of a work that is shown: the last one there is, where it has not come so far.
  package func shownStep(of work: PictureWork) -> PaintingStep? {
    step.flatMap { work.steps.indices.contains($0) ? work.steps[$0] : nil } ?? work.steps.last
  }

  /// The shown work and the one that it is held against, the earlier one first.
  package var pair: (PictureWork, PictureWork)? {
    guard let work, let rival = work.rival,
      let index = works.firstIndex(where: { $0.ticket == rival }), let shown
    else { return nil }
    return index < shown ? (works[index], work) : (work, works[index])
  }

  /// The picture that is shown.
  package var picture: Picture? { work?.opened ?? shownStep?.picture }

  package var entry: MethodEntry? { entries.indices.contains(painter) ? entries[painter] : nil }

  /// How the next picture is painted.
  package var choice: MethodChoice? {
    entry.map { choices[$0.card.id] ?? MethodChoice($0.card.id) }
  }

  /// The methods that a way of painting takes: one that does not paint itself comes with the painter that it changes.
  package func methods(of entry: MethodEntry?) -> [MethodChoice] {
    guard let entry else { return [] }
    let base = entry.card.slots.contains(.painter) ? nil : entry.baseline
    return [entry.card.id, base].compactMap { $0 }.map { choices[$0] ?? MethodChoice($0) }
  }

  /// What a way of painting is held against: the one that is set, where it is another; else its baseline, or one whose
  /// baseline it is.
  package func rival(of id: String) -> MethodEntry? {
    if let entry, entry.card.id != id { return entry }
    let baseline = entries.first { $0.card.id == id }?.baseline
    return entries.first { $0.card.id == baseline }
      ?? entries.first { $0.baseline == id } ?? entries.first { $0.card.id != id }
  }

  /// Rows of the list that can be chosen.
  package var rowCount: Int { 2 + (entry?.knobs.count ?? 0) }

  package var isPainting: Bool { works.contains(where: \.isPainting) }

  /// A picture at a size in a look.
  package struct CellsKey: Hashable, Sendable {
    var picture: Picture
    var size: Size
    var look: PictureCells.Options
  }
}

/// A picture that is or was painted, or that was opened.
package struct PictureWork: Sendable, Equatable {
  /// The job that paints it; nil where it was opened.
  package var ticket: Int?
  package var request: PaintingRequest?
  package var stepCount = 0
  package var steps: [PaintingStep] = []
  package var costs: [StepCost] = []
  package var preparation = 0.0
  package var byteCount = 0
  /// What the judge sees in common with the words, once it is finished.
  package var agreement: Double?
  /// What was measured of the painter with many pictures.
  package var figures: PainterFigures?
  package var isPainting = false
  package var isStopped = false
  /// What was not understood of the words.
  package var note: String?
  /// The ticket of the work that was painted from the same words and seed in another way, to be held against it.
  package var rival: Int?
  /// A picture from a file.
  package var opened: Picture?
  package var path: String?

  /// What painted it; nil where it was opened from a file that does not say.
  package var painter: String? {
    request.map { $0.methods.first?.id ?? PaintingRequest.defaultPainter }
  }

  package var title: String {
    request?.description ?? path?.split(separator: "/").last.map(String.init) ?? "picture"
  }
  package var seconds: Double { costs.reduce(0) { $0 + $1.seconds } }
}
