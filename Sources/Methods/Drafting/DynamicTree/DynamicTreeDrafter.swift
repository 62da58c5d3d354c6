import Inference

/// Reads the text with the small model and grows a tree behind it.
///
/// Where the answer is greedy, tokens are chosen in order of their probability; else they are drawn, and nothing that
/// decides whether a row is in the draft knows what was drawn for it, so that rejection sampling stays exact.
final class DynamicTreeDrafter: Drafter {
  private let model: DraftModel
  private let options: DynamicTree
  private let shortlist: DraftShortlist?
  private var calibration = DynamicTreeCalibration()

  /// Tokens that are unread after a round with a draft: the last of the accepted ones and the verifier's own.
  private static let usuallyUnread = 3

  init(model: DraftModel, options: DynamicTree) {
    self.model = model
    self.options = options
    shortlist = DraftShortlist(
      thousands: options.shortlist, vocabulary: model.model.shape.vocabulary)
  }

  var byteCount: Int { model.byteCount }

  func begin(_ history: TokenHistory) throws(InferenceError) {
    calibration = DynamicTreeCalibration()
    shortlist?.restart()
  }

  func observe(_ outcome: DraftOutcome) throws(InferenceError) { calibration.observe(outcome) }

  func propose(_ request: DraftRequest) throws(InferenceError) -> Draft {
    let limit = min(request.limit, options.nodes)
    guard limit > 0 else { return .empty }
    model.headRows = shortlist?.rows(with: request.history.tokens)
    do throws(InferenceError) {
      let catchUp = try catchUp(with: request)
      var draft = try draft(request, limit: limit)
      draft.catchUpNanoseconds = catchUp
      return draft
    } catch {
      // The answer goes on where the small model's context ends.
      guard error.code == .contextFull else { throw error }
      return .empty
    }
  }

  /// Reads a prompt, or what came while nothing was drafted, apart from the pass that begins a tree.
  ///
  /// - Returns: the nanoseconds that it took.
  private func catchUp(with request: DraftRequest) throws(InferenceError) -> UInt64 {
    guard model.unreadCount(of: request.history) > Self.usuallyUnread else { return 0 }
    let start = monotonicNanoseconds()
    _ = try model.read(
      request.history, on: request.pool, cancellation: request.cancellation)
    return monotonicNanoseconds() - start
  }

  private func draft(_ request: DraftRequest, limit: Int) throws(InferenceError) -> Draft {
    var growth = try DynamicTreeGrowth(
      request, model: model, settings: settings(for: request.sampler.settings),
      calibration: options.calibrates == 1 ? calibration : nil)
    let shape = DynamicTreeShape(rawValue: options.shape) ?? .dynamic
    guard shape == .dynamic else { return try growth.grow(shape.parents(limit)) }
    let least = max(options.threshold, request.leastConfidence)
    return options.order == 0
      ? try growth.growByLayers(limit: limit, least: least)
      : try growth.growInOrder(limit: limit, least: least)
  }

  /// What the small model's tokens come by.
  private func settings(for answer: SamplerSettings) -> SamplerSettings {
    var settings = answer
    if options.draftTemperature > 0 { settings.temperature = options.draftTemperature }
    guard answer.isGreedy else { return settings }
    if options.draftTemperature == 0 { settings.temperature = 1 }
    // As where the answer is greedy: what cuts does not act, what edits logits does.
    settings.dynamicTemperatureRange = 0
    settings.order.removeAll { $0.cuts || $0 == .mirostat }
    return settings
  }
}
