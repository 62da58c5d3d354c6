import Compute

/// A way of generating: prefill, then rounds of propose, forward, verify, commit and emit.
package protocol DecodingLoop: Sendable {
  /// Prepares a run; nothing is computed yet.
  ///
  /// - Throws: `invalidRequest` for a prompt that cannot be decoded.
  func start(
    _ request: DecodingRequest, plan: DecodingPlan, on pool: WorkerPool
  ) throws(InferenceError) -> any DecodingRun
}

/// One run of a decoding loop, step by step, so that several may take turns.
package protocol DecodingRun: AnyObject {
  /// The plan in its present state.
  var plan: DecodingPlan { get }
  /// Reads a chunk of the prompt, or does one round.
  ///
  /// - Returns: why the run has ended; nil while it goes on.
  /// - Throws: what the model or cache throws, except cancellation and a full context, which are reasons to finish.
  func step() throws(InferenceError) -> FinishReason?
}

extension DecodingLoop {
  /// Runs to the end.
  ///
  /// - Returns: why it ended.
  /// - Throws: what `start` and `step` throw.
  package func run(
    _ request: DecodingRequest, plan: inout DecodingPlan, on pool: WorkerPool
  ) throws(InferenceError) -> FinishReason {
    let run = try start(request, plan: plan, on: pool)
    defer { plan = run.plan }
    while true {
      if let reason = try run.step() { return reason }
    }
  }
}
