import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// `ask` with the default model.
  @Suite struct Asked {
    let home: Home

    init() throws { home = try Home() }

    private func ask(_ arguments: [String]) throws -> String {
      let result = try home.program.run(["ask"] + arguments + [EndToEnd.question])
      #expect(result.status == 0)
      #expect(result.errors == "")
      #expect(!result.output.isEmpty)
      return result.output
    }

    @Test func greedyAnswersAreTheSameBytes() throws {
      let first = try ask(["--greedy", "-n", "24"])
      #expect(try ask(["--greedy", "-n", "24"]) == first)
    }

    @Test func aSeedRepeatsToTheByteAndAnotherDiffers() throws {
      let first = try ask(["--seed", "7", "-n", "24"])
      #expect(try ask(["--seed", "7", "-n", "24"]) == first)
      #expect(try ask(["--seed", "8", "-n", "24"]) != first)
    }

    @Test func jsonAgreesWithThePlainRun() throws {
      let plain = try ask(["--seed", "7", "-n", "5"])
      let object = try object(ask(["--seed", "7", "-n", "5", "--json"]))
      let text = try #require(object["text"] as? String)
      #expect(plain == text + "\n")
      #expect(object["finish"] as? String == "length")
      let tokens = try #require(object["tokens"] as? [String: Any])
      #expect(tokens["generated"] as? Int == 5)
      #expect((tokens["ids"] as? [Int])?.count == 5)

      let whole = try home.program.run(["ask", "--greedy", "--json", "Name the capital of France."])
      let short = try self.object(whole.output)
      #expect(short["finish"] as? String == "stop")
      #expect((short["text"] as? String ?? "").contains("Paris"))
    }

    @Test func aReaderThatLeavesEndsItQuietly() throws {
      let result = try home.program.shell(
        "\"$PACELINE\" ask -n 2000 --seed 7 '\(EndToEnd.question)' < /dev/null | head -c 40 > /dev/null; echo ${PIPESTATUS[0]}"
      )
      #expect(result.output == "0\n")
      #expect(result.errors == "")
    }

    @Test func anInterruptKeepsThePart() throws {
      let whole = try ask(["--greedy", "-n", "24"])
      let program = home.program
      let running = try program.start(
        [Program.path, "ask", "--greedy", "-n", "4000", EndToEnd.question], input: Data())
      let end = ContinuousClock.now + .seconds(patience)
      while try running.scratch.text("stdout").utf8.count < whole.utf8.count, .now < end {
        usleep(10_000)
      }
      kill(running.process.processIdentifier, SIGINT)
      let result = try program.finish(running)
      #expect(result.status == 130)
      #expect(result.errors == "")
      #expect(result.output.hasPrefix(whole.dropLast()))
      #expect(result.output.hasSuffix("\n"))
    }

    private func object(_ text: String) throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }
  }
}
