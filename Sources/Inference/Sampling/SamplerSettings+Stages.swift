extension SamplerSettings {
  /// A logit bias of this or less removes the token.
  package static let ban: Float = -1e6

  /// Whether the most probable token is taken always.
  package var isGreedy: Bool { !(temperature > 0) && order.contains(.temperature) }

  /// Whether mirostat chooses in place of the truncation stages.
  package var usesMirostat: Bool { mirostat != 0 && order.contains(.mirostat) && !isGreedy }

  /// The stages that run, in order.
  ///
  /// Each runs once, at its first place in `order`.
  /// Temperature 0 leaves only the stages that edit logits before the best one is taken; mirostat replaces those that
  /// cut.
  package var activeStages: [SamplerStage] {
    var stages: [SamplerStage] = []
    for stage in order where isOn(stage) && !stages.contains(stage) {
      if isGreedy, !stage.editsLogits, stage != .temperature { continue }
      if usesMirostat, stage.cuts { continue }
      stages.append(stage)
    }
    // The best token is taken last, wherever temperature stands.
    if isGreedy, let place = stages.firstIndex(of: .temperature) {
      stages.append(stages.remove(at: place))
    }
    return stages
  }

  /// Whether the stage's parameters let it do anything.
  package func isOn(_ stage: SamplerStage) -> Bool {
    switch stage {
    case .logitBias: !logitBias.isEmpty
    case .penalties:
      penaltyWindow > 0
        && (repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0)
    case .dry: dryMultiplier != 0 && dryBase >= 1
    case .topNSigma: topNSigma > 0
    case .topK: topK > 0
    case .typical: typicalP < 1
    case .topP: topP < 1
    case .minP: minP > 0
    case .xtc: xtcProbability > 0 && xtcThreshold <= 0.5
    case .temperature: true
    case .mirostat: mirostat != 0
    }
  }
}

extension SamplerStage {
  /// Whether the stage adds to or takes from the logits of single tokens.
  package var editsLogits: Bool { [.logitBias, .penalties, .dry].contains(self) }

  /// Whether the stage removes candidates and mirostat replaces it.
  package var cuts: Bool { [.topNSigma, .topK, .typical, .topP, .minP, .xtc].contains(self) }
}
