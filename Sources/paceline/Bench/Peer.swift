import Foundation
import Inference

/// llama.cpp's programs in one folder.
package struct Peer {
  let folder: String
  private let completion: String?
  /// Seconds after which a process is given up.
  private let limit: Int

  /// - Throws: `invalidRequest` where the folder has no llama-bench.
  init(folder: String, limit: Int) throws(InferenceError) {
    self.folder = folder
    self.limit = limit
    let files = FileManager.default
    guard files.isExecutableFile(atPath: folder + "/llama-bench") else {
      throw InferenceError(.invalidRequest, "--against \(folder): there is no llama-bench in it")
    }
    completion = ["llama-completion", "llama-cli"].map { folder + "/" + $0 }
      .first { files.isExecutableFile(atPath: $0) }
  }

  /// Whether the folder has the program that the test takes.
  ///
  /// None tells from outside when it is ready, or reads a few rows with the logits of all.
  func canRun(_ test: BenchTest) -> Bool {
    switch test {
    case .prompt, .generation, .busy: true
    case .ready, .verification: false
    case .start, .firstToken, .memory: completion != nil
    }
  }

  /// What llama-bench says of its build.
  func build(_ interruption: Interruption) -> String {
    let command = WatchedProcess(program: folder + "/llama-bench", arguments: ["--version"])
    guard let (output, errors) = try? command.output(interruption) else { return "unknown" }
    return (output + errors).split(separator: "\n").prefix(2).joined(separator: ", ")
  }

  /// The command of one cell.
  func command(
    _ test: BenchTest, _ setting: PeerSetting, model: String, prompt: BenchPrompt,
    repetitions: Int
  ) -> WatchedProcess {
    if let (count, depth, isPrompt) = test.speed {
      return WatchedProcess(
        program: folder + "/llama-bench",
        arguments: [
          "-m", model, "-p", "\(isPrompt ? count : 0)", "-n", "\(isPrompt ? 0 : count)", "-d",
          "\(depth)", "-t", "\(setting.threads)", "-fa", setting.flashAttention ? "1" : "0", "-r",
          "\(repetitions)", "-o", "json",
        ], limit: limit)
    }
    var arguments = [
      "-m", model, "-t", "\(setting.threads)", "-fa", setting.flashAttention ? "on" : "off", "-c",
      "\(BenchPlan.contextLength)", "--temp", "0", "-no-cnv", "--no-display-prompt",
    ]
    if setting.warmUp == false { arguments.append("--no-warmup") }
    if setting.repack == false { arguments.append("--no-repack") }
    if test == .memory {
      arguments += ["--ignore-eos", "-n", "\(BenchTest.memoryTokens)"]
    } else {
      arguments += ["-n", "1"]
    }
    arguments += ["-p", test == .start ? BenchPrompt.word : prompt.text]
    return WatchedProcess(
      program: completion ?? "llama-completion", arguments: arguments, limit: limit)
  }

  /// Runs one cell; its figures in the order of `BenchTest.figures`.
  func measure(
    _ test: BenchTest, _ setting: PeerSetting, model: String, prompt: BenchPrompt,
    repetitions: Int, _ interruption: Interruption
  ) throws(InferenceError) -> [Double] {
    let command = command(test, setting, model: model, prompt: prompt, repetitions: repetitions)
    guard test.speed != nil else { return try command.figures(test, interruption) }
    let busy = test.isBusy ? BusyProcess() : nil
    defer { busy?.stop() }
    let output = try command.output(interruption).0
    guard let row = LlamaBenchOutput.rows(output)?.first, row.answers(test, setting) else {
      throw InferenceError(.environment, "\(command.line) did not print what was asked for")
    }
    return [Statistics.median(row.samples)]
  }

  /// The perplexity that llama-perplexity finds; nil where the program is not there.
  ///
  /// - Throws: `environment` where it fails or its output holds none.
  func perplexity(
    model: String, text: String, threads: Int, _ interruption: Interruption
  ) throws(InferenceError) -> Double? {
    let program = folder + "/llama-perplexity"
    guard FileManager.default.isExecutableFile(atPath: program) else { return nil }
    let command = WatchedProcess(
      program: program,
      arguments: [
        "-m", model, "-f", text, "-c", "\(BenchPlan.qualityContext)", "-t", "\(threads)",
      ], limit: limit)
    let (output, errors) = try command.output(interruption)
    guard let value = Self.finalEstimate(output + "\n" + errors) else {
      throw InferenceError(.environment, "\(command.line) printed no final estimate")
    }
    return value
  }

  /// The figure of a line such as `Final estimate: PPL = 12.3456 +/- 0.1`.
  package static func finalEstimate(_ text: String) -> Double? {
    text.firstMatch(of: /Final estimate: PPL = ([0-9.]+)/).flatMap { Double($0.output.1) }
  }
}

extension WatchedProcess {
  /// Figures of a test that a whole process is needed for.
  func figures(
    _ test: BenchTest, _ interruption: Interruption
  ) throws(InferenceError) -> [Double] {
    guard test == .memory else { return [try millisecondsToFirstOutput(interruption)] }
    let peak = try peakMemory(interruption)
    return [peak.resident, peak.privately]
  }
}
