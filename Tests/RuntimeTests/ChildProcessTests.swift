import Inference
import Runtime
import Synchronization
import Testing

@Suite struct ChildProcessTests {
  @Test func outputErrorsAndStatusComeBackApart() throws {
    let ending = try ChildProcess.run("sh", ["-c", "echo out; echo err >&2; exit 3"])
    #expect(ending.status == 3)
    #expect(String(decoding: ending.output, as: UTF8.self) == "out\n")
    #expect(String(decoding: ending.errors, as: UTF8.self) == "err\n")
  }

  @Test func timesOfARunAreInTheirOrder() throws {
    let ending = try ChildProcess.run("sh", ["-c", "echo out"])
    let first = try #require(ending.firstOutput)
    #expect(ending.started < first && first < ending.ended)
    #expect(try ChildProcess.run("true", []).firstOutput == nil)
  }

  @Test func ofMuchOutputTheBeginningAndOfErrorsTheEndIsKept() throws {
    let script = "i=0; while [ $i -lt 20000 ]; do echo out$i; echo err$i >&2; i=$((i + 1)); done"
    let ending = try ChildProcess.run("sh", ["-c", script])
    #expect(ending.status == 0)
    #expect(ending.output.count == 1 << 16 && ending.errors.count == 1 << 16)
    #expect(String(decoding: ending.output, as: UTF8.self).hasPrefix("out0\n"))
    #expect(String(decoding: ending.errors, as: UTF8.self).hasSuffix("err19999\n"))
  }

  @Test func aProgramThatASignalEndsHasItsNumber() throws {
    #expect(try ChildProcess.run("sh", ["-c", "kill -9 $$"]).status == 137)
  }

  @Test func theEnvironmentIsTheOneGiven() throws {
    let ending = try ChildProcess.run("/usr/bin/env", [], environment: ["ONLY": "this"])
    #expect(String(decoding: ending.output, as: UTF8.self) == "ONLY=this\n")
  }

  @Test func cancellingEndsTheProgramAndItsChildren() {
    let isCancelled = Mutex(false)
    let error = #expect(throws: InferenceError.self) {
      // Were the inner one to live on, it would keep the channels open and the call waiting.
      try ChildProcess.run(
        "sh", ["-c", "sleep 3600 & sleep 3600"], isCancelled: { isCancelled.withLock { $0 } },
        whileRunning: { _ in isCancelled.withLock { $0 = true } })
    }
    #expect(error?.code == .cancelled)
  }

  @Test func aProgramThatWillNotEndIsMadeTo() {
    let isCancelled = Mutex(false)
    let error = #expect(throws: InferenceError.self) {
      try ChildProcess.run(
        "sh", ["-c", "trap '' TERM; while :; do sleep 1; done"],
        isCancelled: { isCancelled.withLock { $0 } },
        whileRunning: { _ in isCancelled.withLock { $0 = true } })
    }
    #expect(error?.code == .cancelled)
  }

  @Test func aProgramThatIsMissingIsNamed() {
    let error = #expect(throws: InferenceError.self) {
      try ChildProcess.run("no-such-program-here", [])
    }
    #expect(error?.message.contains("no-such-program-here") == true)
  }
}
