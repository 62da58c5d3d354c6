import Compute
import Inference
import Models

/// Paints one picture, telling each step.
struct PaintingJob {
  let request: PaintingRequest
  let entry: JobQueue.Entry
  let shelf: PictureShelf

  /// - Parameter between: what is done between two steps.
  /// - Throws: `invalidRequest`, `modelFile`; a cancelled one throws nothing and keeps its steps.
  func run(between: () -> Void) throws(InferenceError) {
    let start = monotonicNanoseconds()
    let (text, note) = try shelf.read(request.description)
    let painter = try shelf.painter(request.methods)
    let run = try painter.begin(
      PaintingSubject(
        text: text, seed: request.seed, branches: request.branches,
        isWatched: request.wantsPreviews))
    let clock = shelf.compute.clock
    var report = PaintingReport(
      request: request, steps: [], costs: [],
      preparation: secondsBetween(start, monotonicNanoseconds()),
      isCancelled: false, byteCount: 0)
    entry.events.yield(.painting(.started(steps: run.stepCount, note: note)))
    while report.steps.count < run.stepCount {
      guard !entry.control.cancellation.isRaised else {
        report.isCancelled = true
        break
      }
      _ = clock.take()
      let before = monotonicNanoseconds()
      let step = try run.step()
      let cost = StepCost(
        seconds: secondsBetween(before, monotonicNanoseconds()), operations: clock.take())
      report.steps.append(step)
      report.costs.append(cost)
      entry.events.yield(.painting(.step(step, cost)))
      between()
    }
    report.figures = shelf.figures[request.methodTitle]
    report.byteCount = shelf.byteCount + (report.steps.last?.byteCount ?? 0)
    // After the memory: the judge is none of the painter's.
    report.agreement = report.picture.flatMap { shelf.agreement(of: $0, with: text) }
    entry.events.yield(.painting(.finished(report)))
  }
}
