import ArgumentParser
import Inference

/// How the tokens of an answer are chosen.
struct SamplingOptions: ParsableArguments {
  @Flag(help: "Take the most probable token always.")
  var greedy = false

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seed of the random numbers.", valueName: "n"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Set a knob, such as temp=0.7 or top-k=20; may be given many times.", valueName: "name=value"),
    completion: .list(SamplerSettings.knobs.map { $0.knob.id + "=" }))
  var set: [String] = []

  /// The settings asked for.
  ///
  /// - Throws: `invalidRequest` for a knob that does not exist or a value out of its range.
  func settings() throws(InferenceError) -> SamplerSettings {
    var settings = greedy ? SamplerSettings.greedy : SamplerSettings()
    if let seed { settings.seed = seed }
    for assignment in set { try settings.set(assignment) }
    guard !greedy || settings.isGreedy else {
      throw InferenceError(
        .invalidRequest, "--greedy is temperature 0: leave it out, or the --set of temp")
    }
    return settings
  }
}
