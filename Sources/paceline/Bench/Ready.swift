import ArgumentParser
import Inference
import Runtime

/// Loads a model as every command does that answers, and says so; `bench` times it.
struct Ready: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Load a model and say when it is ready.", shouldDisplay: false)

  @OptionGroup var options: ModelOptions

  func run() async throws {
    let engine = Engine.standard(threads: options.threads)
    _ = try await engine.load(options.path(), contextLength: nil)
    try Console.print("ready")
  }
}
