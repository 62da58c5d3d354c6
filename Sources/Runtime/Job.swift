import Inference

/// What can be asked of the engine.
package enum JobRequest: Sendable {
  /// Maps a model file and makes it the engine's model.
  case load(path: String, contextLength: Int?)
  case generate(GenerateRequest)
  /// Counts and lists the exact prompt tokens of a conversation, without generating.
  case inspect(PromptSource)
  case race(RaceRequest)
  /// Loads and measures what methods need, so that the answer that they are for need not wait for it.
  case prepare(MethodSelection)
  case paint(PaintingRequest)
}

extension JobRequest {
  var isLoad: Bool { if case .load = self { true } else { false } }
  var isPicture: Bool { if case .paint = self { true } else { false } }
}

/// The text that the model reads.
package enum PromptSource: Sendable, Equatable {
  /// Messages rendered through the model's chat template. A last message of the assistant is continued.
  case chat([ChatTurn])
  /// Text as it is, special tokens parsed only where asked.
  case raw(String, parsesSpecial: Bool)
}

/// A message as a template sees it.
package struct ChatTurn: Sendable, Equatable, Codable {
  package var role: ChatRole
  package var text: String
  /// The exact tokens that an answer was generated as, where they are known: the prompt then repeats them as far as
  /// they spell `text`.
  package var tokens: [TokenID] = []

  package init(role: ChatRole, text: String, tokens: [TokenID] = []) {
    self.role = role
    self.text = text
    self.tokens = tokens
  }
}

/// One answer to generate.
package struct GenerateRequest: Sendable {
  package var source: PromptSource
  package var settings: SamplerSettings
  package var maximumTokens: Int
  /// Text that ends the answer; it is not part of it.
  package var stopStrings: [String]
  package var methods: MethodSelection
  /// Settings to take up at given token indices: how a replay turns the knobs again.
  package var scheduledChanges: [KnobChange] = []

  package init(
    source: PromptSource, settings: SamplerSettings, maximumTokens: Int = 1024,
    stopStrings: [String] = [], methods: MethodSelection = .none
  ) {
    self.methods = methods
    self.source = source
    self.settings = settings
    self.maximumTokens = maximumTokens
    self.stopStrings = stopStrings
  }
}

/// A job that was submitted: its events, and the means to reach into it.
package struct Job: Sendable {
  package let id: Int
  package let events: AsyncStream<JobEvent>
  package let control: DecodingControl
  private let withdraw: (@Sendable () -> Void)?

  /// - Parameter withdraw: takes the job out of its queue at once where it has not begun.
  package init(
    id: Int, events: AsyncStream<JobEvent>, control: DecodingControl,
    withdraw: (@Sendable () -> Void)? = nil
  ) {
    self.id = id
    self.events = events
    self.control = control
    self.withdraw = withdraw
  }

  /// Ends the job: one that runs within a tenth of a second, keeping what came; one that waits at once.
  package func cancel() {
    control.cancel()
    withdraw?()
  }
}

/// What a job tells while it runs.
///
/// The last event is `finished`, `loaded`, `prepared`, `inspected`, `contextFull`, `failed`, or a race's or a painting's
/// `finished`.
package enum JobEvent: Sendable {
  case loading(fraction: Double)
  case loaded(ModelSummary)
  case prepared
  case inspected(PromptTokens)
  /// The prompt is known: its tokens, and how many of them the cache already holds.
  case started(promptTokens: Int, reused: Int, contextLength: Int)
  /// Rows of the prompt read, of those to read, and the seconds it took so far.
  case prefill(done: Int, total: Int, seconds: Double)
  case tokens(TokenChunk)
  /// A pass of the model and what surrounds it; comes after its tokens.
  case round(RoundRecord)
  case profile(ProfileSample)
  case race(RaceEvent)
  case painting(PaintingEvent)
  case finished(Provenance)
  /// The prompt alone does not fit: `needed` positions of `capacity`. Nothing was generated.
  case contextFull(needed: Int, capacity: Int)
  case failed(InferenceError)
}

/// Tokens that came since the last chunk, and the text they completed.
package struct TokenChunk: Sendable {
  package var text: String
  package var records: [TokenRecord]
  /// The text of each record's alternatives and its own, for the knobs pane.
  package var pieces: [TokenID: String]
  /// Positions in use after the chunk.
  package var contextCount: Int

  package init(text: String, records: [TokenRecord], pieces: [TokenID: String], contextCount: Int) {
    self.text = text
    self.records = records
    self.pieces = pieces
    self.contextCount = contextCount
  }
}

/// The exact prompt of a conversation.
package struct PromptTokens: Sendable {
  /// Ids with the text of each; special tokens by their name.
  package var tokens: [(id: TokenID, text: String, isSpecial: Bool)]

  package init(tokens: [(id: TokenID, text: String, isSpecial: Bool)]) { self.tokens = tokens }
}

/// Figures of the process and the pass, at most 20 a second.
package struct ProfileSample: Sendable {
  /// A reading of `monotonicNanoseconds()`.
  package var time: UInt64
  package var weightBytes: Int
  package var cacheBytes: Int
  package var scratchBytes: Int
  package var residentBytes: Int
  package var operations: OperationTotals
  package var threads: Int
  package var roofs: Roofs
  /// What methods keep, the weights of a draft model included.
  package var methodBytes = 0
  /// V at each of `CostCurve.sizes`; nil without a governor.
  package var costCurve: [Double]?

  package init(
    time: UInt64, weightBytes: Int, cacheBytes: Int, scratchBytes: Int, residentBytes: Int,
    operations: OperationTotals, threads: Int, roofs: Roofs
  ) {
    self.time = time
    self.weightBytes = weightBytes
    self.cacheBytes = cacheBytes
    self.scratchBytes = scratchBytes
    self.residentBytes = residentBytes
    self.operations = operations
    self.threads = threads
    self.roofs = roofs
  }
}

/// What a person wants to know about the model at hand.
package struct ModelSummary: Sendable, Equatable {
  package var name: String
  package var path: String
  package var architecture: String
  /// The weight format that most bytes are in, such as `Q4_1`.
  package var format: String
  package var parameters: Int
  package var fileBytes: Int
  package var shape: ModelShape
  /// Positions that the cache was made for.
  package var contextLength: Int
  /// The chat template's family; nil where the file has none or an unknown one, with the reason in `templateNote`.
  package var template: String?
  package var templateNote: String?
  package var instructionSet: String
  package var threads: Int
  /// Seconds that loading took.
  package var loadSeconds: Double

  package init(
    name: String, path: String, architecture: String, format: String, parameters: Int,
    fileBytes: Int, shape: ModelShape, contextLength: Int, template: String?,
    templateNote: String?, instructionSet: String, threads: Int, loadSeconds: Double
  ) {
    self.name = name
    self.path = path
    self.architecture = architecture
    self.format = format
    self.parameters = parameters
    self.fileBytes = fileBytes
    self.shape = shape
    self.contextLength = contextLength
    self.template = template
    self.templateNote = templateNote
    self.instructionSet = instructionSet
    self.threads = threads
    self.loadSeconds = loadSeconds
  }
}

extension ModelSummary {
  /// What people call a model: its file's name without ending and weight format; nil where nothing is left.
  package static func name(ofFile path: String, format: String) -> String? {
    var stem = path.split(separator: "/").last.map(String.init) ?? ""
    if stem.lowercased().hasSuffix(".gguf") { stem.removeLast(5) }
    if let cut = stem.lastIndex(where: { $0 == "." || $0 == "-" }),
      namesFormat(stem[stem.index(after: cut)...].lowercased())
    {
      stem = String(stem[..<cut])
    } else if stem.lowercased().hasSuffix("_" + format.lowercased()) {
      stem.removeLast(format.count + 1)
    }
    return stem.isEmpty ? nil : stem
  }

  /// Whether a lower-case word is a weight format, such as `q4_k_m`, `iq3_xs` or `bf16`.
  private static func namesFormat(_ word: String) -> Bool {
    if ["f16", "bf16", "f32", "fp16", "fp32"].contains(word) { return true }
    let digits = word.drop { $0 == "i" }
    return digits.first == "q" && digits.dropFirst().first?.isNumber == true
  }
}
