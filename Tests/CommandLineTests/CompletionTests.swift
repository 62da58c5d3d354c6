import Foundation
import Testing

/// Completion scripts work in the shells that are here.
struct CompletionTests {
  /// Words that bash offers for a command line.
  private func offered(_ words: [String], environment: [String: String] = [:]) throws -> [String] {
    let folder = (Program.path as NSString).deletingLastPathComponent
    let list = words.map { "'\($0)'" }.joined(separator: " ")
    var program = Program(environment: environment)
    program.environment["PATH"] = folder + ":/usr/bin:/bin"
    let result = try program.shell(
      """
      source <("$PACELINE" completion bash) || exit 9
      COMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1)
      COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
      $(complete -p paceline | sed 's/.*-F \\([^ ]*\\).*/\\1/') paceline "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """)
    #expect(result.errors == "")
    return result.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  @Test func bashOffersTheSubcommands() throws {
    let words = try offered(["paceline", ""])
    for name in ["ask", "models", "bench", "tokenize", "perplexity", "replay", "doctor", "paths"] {
      #expect(words.contains(name), "\(name)")
    }
  }

  @Test func bashOffersOptionsThatBeginSo() throws {
    let words = try offered(["paceline", "bench", "--rep"])
    #expect(words == ["--repetitions"])
  }

  @Test func bashOffersModelNames() throws {
    let words = try offered(["paceline", "ask", "--model", "co"])
    #expect(words == ["coder-0.5b", "coder-1.5b"])
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func everyShellHasAScript(shell: String) throws {
    let result = try Program().run(["completion", shell])
    #expect(result.status == 0)
    #expect(result.output.contains("paceline"))
  }

  @Test(arguments: ["zsh", "fish"])
  func scriptsParseWhereTheShellIsHere(shell: String) throws {
    let result = try Program().shell(
      "command -v \(shell) >/dev/null || exit 0; \"$PACELINE\" completion \(shell) > s && \(shell) -n s; r=$?; rm -f s; exit $r"
    )
    #expect(result.status == 0, "\(result.errors)")
  }
}
