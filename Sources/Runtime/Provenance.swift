import Inference

/// How an answer was made, so that it can be shown, compared and made again.
package struct Provenance: Sendable, Equatable, Codable {
  package var model: String
  /// Settings at the first token; `changes` follow.
  package var settings: SamplerSettings
  package var changes: [KnobChange] = []
  package var methods = MethodSelection.none
  /// Passes of the model, the last chunk of the prompt included; 0 where it is not known.
  package var passes = 0
  package var promptTokens: Int
  /// Prompt tokens that were already in the cache.
  package var reusedTokens: Int
  package var tokens: Int
  package var finish: FinishReason
  /// Seconds.
  package var promptSeconds: Double
  package var generationSeconds: Double
  package var timeToFirstToken: Double

  package init(
    model: String, settings: SamplerSettings, promptTokens: Int, reusedTokens: Int, tokens: Int,
    finish: FinishReason, promptSeconds: Double, generationSeconds: Double, timeToFirstToken: Double
  ) {
    self.model = model
    self.settings = settings
    self.promptTokens = promptTokens
    self.reusedTokens = reusedTokens
    self.tokens = tokens
    self.finish = finish
    self.promptSeconds = promptSeconds
    self.generationSeconds = generationSeconds
    self.timeToFirstToken = timeToFirstToken
  }

  /// Tokens after the first, the one that ends the answer among them, for each pass after the prompt's; nil where there
  /// was none, or their number is not known.
  package var tokensPerPass: Double? {
    let given = tokens - 1 + (finish == .stop ? 1 : 0)
    return passes > 1 && given > 0 ? Double(given) / Double(passes - 1) : nil
  }

  /// Generated tokens per second after the first; nil for fewer than two.
  package var tokensPerSecond: Double? {
    tokens > 1 && generationSeconds > 0 ? Double(tokens - 1) / generationSeconds : nil
  }
}

/// New settings and the index of the generated token that they first acted on.
package struct KnobChange: Sendable, Equatable, Codable {
  package var tokenIndex: Int
  package var settings: SamplerSettings

  package init(tokenIndex: Int, settings: SamplerSettings) {
    self.tokenIndex = tokenIndex
    self.settings = settings
  }
}
