import Inference

/// One picture to paint.
package struct PaintingRequest: Sendable, Equatable {
  package var description: String
  package var seed: UInt64
  /// The methods that it is painted with; without one that paints, the default one does.
  package var methods: [MethodChoice]
  /// Seeds that take over at a step.
  package var branches: [PaintingBranch]
  /// Whether somebody sees the pictures on the way: where nobody does, they are decoded only if a knob asks for them.
  package var isWatched: Bool

  package init(
    description: String, seed: UInt64, methods: [MethodChoice] = [],
    branches: [PaintingBranch] = [], isWatched: Bool = true
  ) {
    self.description = description
    self.seed = seed
    self.methods = methods
    self.branches = branches
    self.isWatched = isWatched
  }

  /// Whether pictures on the way are wanted.
  var wantsPreviews: Bool { isWatched || methods.contains { $0.values["previews"] != nil } }

  /// The method that paints where none was chosen.
  package static let defaultPainter = "next-scale"

  /// Such as `next-scale:guidance=4`.
  package var methodTitle: String {
    methods.isEmpty
      ? Self.defaultPainter : methods.map(\.text).joined(separator: " + ")
  }
}

/// What the painting of a picture tells; the last one is `finished`.
package enum PaintingEvent: Sendable {
  /// The words were understood; `note` says how, where not all of them were.
  case started(steps: Int, note: String?)
  case step(PaintingStep, StepCost)
  case finished(PaintingReport)
}

/// What a step took.
package struct StepCost: Sendable, Equatable {
  package var seconds: Double
  package var operations: OperationTotals

  package init(seconds: Double, operations: OperationTotals) {
    self.seconds = seconds
    self.operations = operations
  }
}

/// A picture that was painted, and how.
package struct PaintingReport: Sendable {
  package var request: PaintingRequest
  /// The steps that were painted; fewer than asked for where it was cancelled.
  package var steps: [PaintingStep]
  package var costs: [StepCost]
  /// Seconds that loading weights and reading the words took.
  package var preparation: Double
  package var isCancelled: Bool
  /// Bytes of the weights that these methods use, of feature maps and caches.
  package var byteCount: Int
  /// How well the last step's picture goes with the words: the cosine between them and the caption that a judge sees,
  /// which no search looks for; nil where its weights are absent.
  package var agreement: Double?
  /// What was measured of these methods with many pictures; nil where they were not measured as they are set.
  package var figures: PainterFigures?

  package init(
    request: PaintingRequest, steps: [PaintingStep], costs: [StepCost], preparation: Double,
    isCancelled: Bool, byteCount: Int, agreement: Double? = nil
  ) {
    self.request = request
    self.steps = steps
    self.costs = costs
    self.preparation = preparation
    self.isCancelled = isCancelled
    self.byteCount = byteCount
    self.agreement = agreement
  }

  package var picture: Picture? { steps.last?.picture }
  /// Seconds from the first step's start to the last one's end.
  package var seconds: Double { costs.reduce(0) { $0 + $1.seconds } }
}
