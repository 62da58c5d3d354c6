import Foundation
import Inference
import Runtime
import TestSupport
import Testing

/// A model whose layers have windows, through the engine: its cache gives back what no window needs.
@Suite struct WindowedModelTests {
  /// An engine with a made-up model that has a window of 16 positions in every other layer.
  private func engine() async throws -> Engine {
    var tiny = TinyModel(architecture: "gemma3")
    tiny.contextLength = 4096
    let path = NSTemporaryDirectory() + "paceline-windowed-\(UUID().uuidString).gguf"
    try tiny.writer().write(to: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let engine = Engine(threads: 2)
    let log = await engine.submit(.load(path: path, contextLength: 4096)).record()
    try #require(log.failure == nil)
    return engine
  }

  private func generate(_ text: String, _ engine: Engine, tokens: Int = 30) async -> JobLog {
    let request = GenerateRequest(
      source: .raw(text, parsesSpecial: false), settings: .greedy, maximumTokens: tokens,
      stopStrings: [])
    return await engine.submit(.generate(request)).record()
  }

  private func text(_ count: Int, seed: UInt64) -> String {
    var random = SplitMix64(seed: seed)
    let letters = Array("abcdefghijklmnopqrstuvwxyz ")
    return String((0..<count).map { _ in letters[Int(random.next() % UInt64(letters.count))] })
  }

  @Test func aBeginningThatTheWindowsLeftIsReadAgainAndGivesTheSameTokens() async throws {
    let beginning = text(400, seed: 1)
    let used = try await engine()
    let first = await generate(beginning + text(1500, seed: 2), used)
    #expect((first.started?.prompt ?? 0) > 1000)
    let again = await generate(beginning + text(50, seed: 3), used)
    #expect(again.started?.reused == 0)
    let fresh = await generate(beginning + text(50, seed: 3), try await engine())
    #expect(again.tokens == fresh.tokens && !again.tokens.isEmpty)
  }

  @Test func anAnswerIsRegeneratedFromTheCache() async throws {
    let prompt = text(1500, seed: 4)
    let engine = try await engine()
    let first = await generate(prompt, engine, tokens: 60)
    let second = await generate(prompt, engine, tokens: 60)
    #expect(second.started?.reused == (first.started?.prompt ?? 0) - 1)
    #expect(second.tokens == first.tokens && !first.tokens.isEmpty)
  }
}
