import Foundation
import Inference
import Runtime
import Testing

@Suite struct ModelHashTests {
  let folder = TemporaryFolder()
  let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

  @Test func theHashIsSHA256() throws {
    let path = try folder.write("model", "abc".utf8)
    #expect(try ModelHash(file: nil).hash(of: path) == abc)
  }

  @Test func namesWithOddLettersAreHashedToo() throws {
    let path = try folder.write("-n a\\b\nc", "abc".utf8)
    #expect(try ModelHash(file: folder.path + "/hashes").hash(of: path) == abc)
  }

  @Test func aKnownHashIsTakenFromTheCacheUntilTheFileChanges() throws {
    let path = try folder.write("model", "abc".utf8)
    let cache = folder.path + "/hashes"
    let hashes = ModelHash(file: cache)
    _ = try hashes.hash(of: path)
    // A forged line shows where the answer comes from.
    let forged = String(repeating: "0", count: 64)
    let text = String(decoding: try contents(of: cache), as: UTF8.self)
    _ = try folder.write("hashes", text.replacingOccurrences(of: abc, with: forged).utf8)
    #expect(try hashes.hash(of: path) == forged)
    _ = try folder.write("model", "abcd".utf8)
    #expect(try hashes.hash(of: path) != forged)
    #expect(try lines(of: cache).count == 1)
  }

  @Test func aDamagedCacheIsPassedOver() throws {
    let path = try folder.write("model", "abc".utf8)
    let cache = try folder.write("hashes", [0xFF, 0x0A, 0x09, 0x09, 0x0A, 0x80])
    #expect(try ModelHash(file: cache).hash(of: path) == abc)
  }

  @Test func aMissingFileIsNamed() {
    do {
      _ = try ModelHash(file: nil).hash(of: folder.path + "/none")
      Issue.record("it has a hash")
    } catch {
      #expect("\(error)".contains("/none"))
    }
  }

  @Test func theHashComesFromAThreadOfItsOwn() async throws {
    let path = try folder.write("model", "abc".utf8)
    let result = await withCheckedContinuation { continuation in
      ModelHash(file: nil).hash(of: path) { continuation.resume(returning: $0) }
    }
    #expect(try result.get() == abc)
  }
}
