import Foundation
import Inference

/// This program in fresh processes, with the settings that a measurement asks for.
struct OwnProgram {
  var threads: Int?
  var isa: String?
  var chunk: Int
  /// Seconds after which a process is given up.
  var limit = 600

  /// The command of one cell.
  func command(
    _ test: BenchTest, model: String, prompt: BenchPrompt, repetitions: Int
  ) -> WatchedProcess {
    var arguments: [String]
    if test.speed != nil {
      arguments = [
        "bench", "--model", model, "--tests", test.name, "--repetitions", "\(repetitions)",
        "--chunk", "\(chunk)", "--profile", "--json",
      ]
    } else if test == .ready {
      arguments = ["ready", "--model", model]
    } else {
      arguments = [
        "ask", "--model", model, "--raw", "--greedy", "--context", "\(BenchPlan.contextLength)",
      ]
      if test == .memory {
        arguments += ["--max-tokens", "\(BenchTest.memoryTokens)"]
        // The answer shall not end early.
        let bans = prompt.endTokens.map { "\($0):-inf" }.joined(separator: ",")
        if !bans.isEmpty { arguments += ["--set", "bias=" + bans] }
      } else {
        arguments += ["--max-tokens", "1"]
      }
    }
    if let threads { arguments += ["--threads", "\(threads)"] }
    switch test {
    case .start: arguments.append(BenchPrompt.word)
    case .firstToken, .memory: arguments.append(prompt.text)
    case .prompt, .generation, .busy, .verification, .ready: break
    }
    return process(arguments)
  }

  /// Runs one cell; its figures in the order of `BenchTest.figures`, and of speeds where the time went.
  func measure(
    _ test: BenchTest, model: String, prompt: BenchPrompt, repetitions: Int,
    _ interruption: Interruption
  ) throws(InferenceError) -> (figures: [Double], profile: BenchProfile?) {
    let command = command(test, model: model, prompt: prompt, repetitions: repetitions)
    guard test.speed != nil else { return (try command.figures(test, interruption), nil) }
    let output = try command.output(interruption).0
    guard let rows = try? JSONDecoder().decode([BenchRow].self, from: Data(output.utf8)),
      let row = rows.first
    else { throw InferenceError(.environment, "\(command.line) printed no row") }
    return ([row.median], row.profile)
  }

  func perplexity(
    model: String, text: String, _ interruption: Interruption
  ) throws(InferenceError) -> Double {
    var arguments = [
      "perplexity", "--model", model, "--context", "\(BenchPlan.qualityContext)",
    ]
    if let threads { arguments += ["--threads", "\(threads)"] }
    let command = process(arguments + [text])
    let output = try command.output(interruption).0
    guard let match = output.firstMatch(of: /perplexity: ([0-9.]+)/),
      let value = Double(match.output.1)
    else { throw InferenceError(.environment, "\(command.line) printed no figure") }
    return value
  }

  private func process(_ arguments: [String]) -> WatchedProcess {
    let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return WatchedProcess(
      program: path ?? "/proc/self/exe", arguments: arguments,
      environment: isa.map { ["PACELINE_ISA": $0] } ?? [:], limit: limit)
  }
}
