import Compute
import Inference
import Models

/// What methods need and keep while one model is loaded; belongs to the engine's thread.
final class MethodShelf {
  private let supplies: MethodSupplies
  private let loader: EngineModelLoader
  private let pool: WorkerPool
  /// Of the conversation; a race's lanes have memories of their own.
  private(set) var memory = MethodMemory()
  private var raceMemories: [String: MethodMemory] = [:]
  private var draftModel: EngineModel?
  private var curve: CostCurve?

  init(supplies: MethodSupplies, loader: @escaping EngineModelLoader, pool: WorkerPool) {
    self.supplies = supplies
    self.loader = loader
    self.pool = pool
  }

  /// Forgets all, since another model was loaded.
  func clear() {
    memory = MethodMemory()
    raceMemories = [:]
    draftModel = nil
    curve = nil
  }

  /// The memory that races of one name keep for a lane.
  func raceMemory(_ name: String) -> MethodMemory {
    if let memory = raceMemories[name] { return memory }
    let memory = MethodMemory()
    raceMemories[name] = memory
    return memory
  }

  /// Lets a selection's methods fill the slots of a plan.
  ///
  /// - Throws: `invalidRequest` for methods that do not exist or do not go together; what loading a draft model throws.
  func install(
    _ selection: MethodSelection, in plan: inout DecodingPlan, for model: EngineModel,
    memory: MethodMemory
  ) throws(InferenceError) {
    guard !selection.isPlain else { return }
    let methods = try supplies.methods.make(selection)
    try plan.install(methods, context: context(for: model, memory: memory))
    guard selection.isGoverned, plan.drafter != nil else { return }
    let curve = try costCurve(of: plan.model)
    let governor = memory.value("governor of \(selection.title)") { Governor(curve: curve) }
    governor.begin(curve: curve)
    plan.governor = governor
  }

  private func context(for model: EngineModel, memory: MethodMemory) -> MethodContext {
    var context = MethodContext(
      tokenizer: model.tokenizer, pool: pool, contextLength: model.summary.contextLength,
      modelName: model.summary.fileStem, memory: memory)
    context.draftModel = { [self] () throws(InferenceError) in try draftModel(for: model).model }
    context.weights = { [supplies] name throws(InferenceError) in
      guard let folder = supplies.weightsFolder else {
        throw InferenceError(.invalidRequest, "there is no folder of trained weights")
      }
      return try GGUFWeightFile(path: "\(folder)/\(name).gguf")
    }
    if let streamed = model.streamed { context.streamed = streamed }
    return context
  }

  private func draftModel(for target: EngineModel) throws(InferenceError) -> EngineModel {
    if let draftModel { return draftModel }
    let path = try supplies.draftModelPath(target.summary)
    let model = try loader(path, target.summary.contextLength)
    guard model.tokenizer.hasVocabulary(of: target.tokenizer) else {
      throw InferenceError(
        .invalidRequest,
        "\(model.summary.name) cannot draft for \(target.summary.name): their vocabularies differ")
    }
    draftModel = model
    return model
  }

  /// Measured where it is not known yet; a copy, since each plan keeps its own true.
  private func costCurve(of model: any LanguageModel) throws(InferenceError) -> CostCurve {
    // Passes of streamed weights take seconds, and as long for many rows as for one until computing takes longer.
    if model is any WaitsForWeights {
      return CostCurve(base: Double(model.weightByteCount) / 1.5)
    }
    let known = if let curve { curve } else { try CostCurve.measure(model, on: pool) }
    curve = known
    return CostCurve(base: known.base, values: known.values)
  }
}

extension Tokenizer {
  /// Whether every token stands for the same bytes as in another tokenizer.
  fileprivate func hasVocabulary(of other: any Tokenizer) -> Bool {
    guard vocabularySize == other.vocabularySize else { return false }
    return (0..<vocabularySize).allSatisfy { token in
      let token = TokenID(token)
      return bytes(of: token, special: true) == other.bytes(of: token, special: true)
    }
  }
}

extension ModelSummary {
  /// The file's name without its ending.
  var fileStem: String {
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    return name.lowercased().hasSuffix(".gguf") ? String(name.dropLast(5)) : name
  }
}
