import Glibc

extension Candidates {
  /// The lowest temperature that is not greedy; lower ones count as this.
  static let coldest = 1e-4

  /// Divides the logits by the temperature, or by one that follows the entropy.
  ///
  /// With a range r the temperature is low + (high - low) * (H / ln n)^exponent, for low = max(0, t - r),
  /// high = t + r and n candidates of entropy H. Dynamic temperature is as in llama.cpp's extended temperature.
  func applyTemperature(_ settings: SamplerSettings) -> Bool {
    guard count > 1 else { return false }
    var temperature = settings.temperature
    let width = settings.dynamicTemperatureRange
    if width > 0 {
      let low = max(0, temperature - width)
      let high = temperature + width
      let share = min(1, mass.entropy / log(Double(max(2, possibleCount))))
      temperature = low + (high - low) * pow(share, settings.dynamicTemperatureExponent)
    }
    guard temperature != 1, temperature.isFinite else { return false }
    divide(by: Float(max(temperature, Self.coldest)))
    return true
  }
}
