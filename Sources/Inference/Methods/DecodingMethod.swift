import Compute

/// A published technique as a switch: a plain value whose numbers are its options.
package protocol Method: Sendable, Equatable {
  static var card: MethodCard { get }
  static var knobs: [Knob<Self>] { get }
  init()
}

/// A method of writing text.
package protocol DecodingMethod: Method {
  /// Fills the method's slots.
  ///
  /// - Throws: `invalidRequest` where the plan or the context lacks what it needs, with the way out in the message.
  func install(in plan: inout DecodingPlan, context: MethodContext) throws(InferenceError)
}

/// What a method may draw on while it is installed.
package struct MethodContext {
  package var tokenizer: any Tokenizer
  package var pool: WorkerPool
  /// Positions of the context.
  package var contextLength: Int
  /// The model file's name without its ending; weights made for one model are found by it.
  package var modelName: String
  /// What methods keep from answer to answer.
  package var memory: MethodMemory
  /// The small model that drafts for this one, loaded when first asked for.
  package var draftModel: () throws(InferenceError) -> any LanguageModel
  /// Opens weights of our own by their file's name without ending.
  package var weights: (String) throws(InferenceError) -> any WeightFile
  /// The model once more, its weights read from disk while it computes.
  package var streamed: (StreamingOptions) throws(InferenceError) -> any LanguageModel

  package init(
    tokenizer: any Tokenizer, pool: WorkerPool, contextLength: Int, modelName: String = "",
    memory: MethodMemory = MethodMemory(),
    draftModel: @escaping () throws(InferenceError) -> any LanguageModel = MethodContext.none,
    weights: @escaping (String) throws(InferenceError) -> any WeightFile = MethodContext.none,
    streamed: @escaping (StreamingOptions) throws(InferenceError) -> any LanguageModel =
      MethodContext.none
  ) {
    self.tokenizer = tokenizer
    self.pool = pool
    self.contextLength = contextLength
    self.modelName = modelName
    self.memory = memory
    self.draftModel = draftModel
    self.weights = weights
    self.streamed = streamed
  }

  /// The small model with its cache, which stays warm from answer to answer and from method to method.
  package func keptDraftModel() throws(InferenceError) -> DraftModel {
    try memory.value("draft-model") { () throws(InferenceError) in
      try DraftModel(try draftModel(), capacity: contextLength)
    }
  }

  package static func none() throws(InferenceError) -> any LanguageModel {
    throw InferenceError(.invalidRequest, "no draft model is known for this model")
  }

  package static func none(_ name: String) throws(InferenceError) -> any WeightFile {
    throw InferenceError(.invalidRequest, "there are no weights called \(name)")
  }

  package static func none(_ options: StreamingOptions) throws(InferenceError) -> any LanguageModel
  {
    throw InferenceError(.invalidRequest, "this model's weights cannot be streamed")
  }
}

/// How weights are read from disk while a model computes.
package struct StreamingOptions: Sendable, Hashable {
  /// Bytes of weights that may be in memory at a time.
  package var byteCap: Int
  /// Bytes a second at most, to stand for a slower disk; nil reads as fast as it can.
  package var bytesPerSecond: Int?

  package init(byteCap: Int, bytesPerSecond: Int? = nil) {
    self.byteCap = byteCap
    self.bytesPerSecond = bytesPerSecond
  }
}

/// A model that waits for its weights and can do other work meanwhile.
package protocol WaitsForWeights: LanguageModel {
  /// Called again and again while the next weights are on their way; answers whether there is more to do.
  var whileWaiting: (() -> Bool)? { get set }
  /// Bytes of weights read from disk so far.
  var bytesRead: Int { get }
  /// Bytes of weights that are in memory at a time.
  var residentByteCount: Int { get }
}

/// Tensors by name, read from a file of our own.
package protocol WeightFile: Sendable {
  var byteCount: Int { get }
  /// The tensor, with the shape `[rows, columns]`; a vector has one row.
  ///
  /// - Throws: `modelFile` where it is missing or has another shape.
  func tensor(_ name: String, rows: Int, columns: Int) throws(InferenceError) -> Tensor
  /// A whole number of the file's header.
  func integer(_ key: String) throws(InferenceError) -> Int
  /// A list of whole numbers of the file's header.
  func integers(_ key: String) throws(InferenceError) -> [Int]
}

/// What methods keep from answer to answer while a model stays loaded; belongs to the engine's thread.
package final class MethodMemory {
  private var values: [String: AnyObject] = [:]

  package init() {}

  /// The value kept under a key, made where there is none or one of another type.
  package func value<Value: AnyObject, Failure: Error>(
    _ key: String, make: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    if let value = values[key] as? Value { return value }
    let value = try make()
    values[key] = value
    return value
  }
}
