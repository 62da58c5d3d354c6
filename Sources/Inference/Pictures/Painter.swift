/// Paints pictures in steps.
package protocol Painter {
  /// Begins a picture; nothing is computed yet.
  func begin(_ subject: PaintingSubject) throws(InferenceError) -> any PaintingRun
}

/// What is to be painted.
package struct PaintingSubject: Sendable, Equatable {
  package var text: TextVector
  package var seed: UInt64
  /// Seeds that take over at a step, in ascending order: all before it stays as it was.
  package var branches: [PaintingBranch]
  /// Whether somebody sees the pictures on the way; else only the last one has to be decoded.
  package var isWatched: Bool

  package init(
    text: TextVector, seed: UInt64, branches: [PaintingBranch] = [], isWatched: Bool = true
  ) {
    self.text = text
    self.seed = seed
    self.branches = branches
    self.isWatched = isWatched
  }

  /// The seed of a step's random numbers.
  package func seed(at step: Int) -> UInt64 { branches.last { $0.step <= step }?.seed ?? seed }
}

/// Another way from a step on.
package struct PaintingBranch: Sendable, Equatable, Hashable, Codable {
  /// The first step that is painted anew.
  package var step: Int
  package var seed: UInt64

  package init(step: Int, seed: UInt64) {
    self.step = step
    self.seed = seed
  }
}

/// A picture while it is painted.
package protocol PaintingRun: AnyObject {
  /// Steps from the first to the last.
  var stepCount: Int { get }
  /// Computes the next step.
  ///
  /// - Throws: `invalidRequest` past the last one.
  func step() throws(InferenceError) -> PaintingStep
}

/// What a step of painting brought.
package struct PaintingStep: Sendable, Equatable {
  /// From 0.
  package var index: Int
  package var count: Int
  /// What the step is, in a word or two, such as `scale 4`.
  package var label: String
  /// The picture as it would be, were this the last step.
  package var picture: Picture
  /// Passes of the network for one picture, since the start; a guided one counts two.
  package var evaluations: Double
  /// Tokens drawn since the start; 0 where there are none.
  package var tokens: Int
  /// Nats of the step's tokens on average, before they were drawn; nil where there are none.
  package var entropy: Double?
  /// Bytes of caches and feature maps.
  package var byteCount: Int
  /// The pictures that compete, where there are several.
  package var candidates: [PaintingCandidate]

  package init(
    index: Int, count: Int, label: String, picture: Picture, evaluations: Double,
    tokens: Int = 0, entropy: Double? = nil, byteCount: Int = 0,
    candidates: [PaintingCandidate] = []
  ) {
    self.index = index
    self.count = count
    self.label = label
    self.picture = picture
    self.evaluations = evaluations
    self.tokens = tokens
    self.entropy = entropy
    self.byteCount = byteCount
    self.candidates = candidates
  }

  package var isLast: Bool { index + 1 == count }
}

/// One of the pictures that compete in a step.
package struct PaintingCandidate: Sendable, Equatable {
  package var picture: Picture
  /// What a search found it worth; nil where it did not look yet.
  package var score: Double?
  /// The candidate of the step before that it goes on from; nil where it begins anew.
  package var parent: Int?

  package init(picture: Picture, score: Double?, parent: Int?) {
    self.picture = picture
    self.score = score
    self.parent = parent
  }
}
