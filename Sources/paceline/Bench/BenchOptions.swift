import ArgumentParser
import Compute
import Inference
import Runtime

/// Which models, how many threads, which instruction set.
struct BenchOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "A model file or a name that `models list` shows; may be given many times.",
      valueName: "model"),
    completion: .custom { _, _, _ in ModelOptions.completions() })
  var model: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Threads that compute; default: all processors.", valueName: "n"))
  var threads: Int?

  @Option(
    help: ArgumentHelp("Compute with this instruction set; default: the best.", valueName: "set"),
    completion: .list(Kernels.available.map(\.name)))
  var isa: String?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads takes a number from 1 to 1024")
    }
    if let isa, Kernels(named: isa) == nil {
      let names = Kernels.available.map(\.name).joined(separator: ", ")
      throw ValidationError("--isa \(isa): this machine can run \(names)")
    }
  }

  /// The kernels asked for; `PACELINE_ISA` decides where none were.
  var kernels: Kernels { isa.flatMap { Kernels(named: $0) } ?? Kernels.shared }

  /// The next best instruction set, unless one was asked for.
  var otherSets: [String] {
    guard isa == nil else { return [] }
    return Kernels.available.map(\.name).filter { $0 == "avx2" && $0 != kernels.name }
  }

  /// The models' files; the default model's where none was named.
  func paths() throws(InferenceError) -> [String] {
    let folder = try ModelFolder.standard()
    if model.isEmpty { return [try folder.resolve(nil)] }
    var paths: [String] = []
    for name in model { paths.append(try folder.resolve(name)) }
    return paths
  }
}
