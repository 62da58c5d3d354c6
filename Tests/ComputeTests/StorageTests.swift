import Compute
import Glibc
import Testing

@Suite struct StorageTests {
  @Test(arguments: [0, 1, 1000, 1 << 19]) func storageStartsZeroed(count: Int) {
    let storage = Storage<Int32>(count: count)
    #expect(storage.count == count && storage.byteCount == 4 * count)
    #expect(storage.array(0..<count).allSatisfy { $0 == 0 })
  }

  @Test func overlappingCopiesKeepValues() {
    let storage = Storage<Int>(count: 10)
    storage.replace(at: 0, with: Array(0..<10))
    storage.copy(from: storage, 0..<6, to: 2)
    #expect(storage.array(0..<10) == [0, 1, 0, 1, 2, 3, 4, 5, 8, 9])
    storage.copy(from: storage, 2..<8, to: 0)
    #expect(storage.array(0..<6) == [0, 1, 2, 3, 4, 5])
  }

  @Test func spansSeeAndChangeTheStorage() {
    let storage = Storage<Float>(count: 8)
    storage.withMutableSpan(2..<5) { span in
      for index in span.indices { span[index] = Float(index) + 1 }
    }
    let seen = storage.withSpan(0..<8) { span in (0..<span.count).map { span[$0] } }
    #expect(seen == [0, 0, 1, 2, 3, 0, 0, 0])
  }
}

/// A file with given bytes that is gone when the value is.
final class TemporaryFile {
  let path: String

  init(_ bytes: [UInt8]) {
    var template = Array("/tmp/paceline-test-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let written = write(descriptor, bytes, bytes.count)
    close(descriptor)
    precondition(written == bytes.count, "cannot write \(path)")
  }

  deinit { unlink(path) }
}

@Suite struct MappedFileTests {
  @Test func aNamedPipeIsRefusedWithoutWaiting() throws {
    let path = "/tmp/paceline-pipe-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    #expect(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    let error = #expect(throws: MappingError.self) { try MappedFile(path: path) }
    #expect(error?.description.contains("not a regular file") == true)
  }

  @Test func aMappedFileHasTheFilesBytes() throws {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 * 31) }
    let file = TemporaryFile(bytes)
    let mapped = try MappedFile(path: file.path)
    #expect(mapped.byteCount == bytes.count)
    mapped.populate(0..<bytes.count)
    mapped.populate(9_000..<50_000)
    let same = mapped.withBytes { span in
      bytes.indices.allSatisfy { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == bytes[$0] }
    }
    #expect(same)
    var sum: UInt64 = 0
    for index in 100..<109 { sum &+= UInt64(bytes[index]) << (8 * ((index - 100) % 8)) }
    #expect(Kernels.shared.stream(mapped, 100..<109) == sum)
  }

  @Test func anEmptyFileMapsToNothing() throws {
    let file = TemporaryFile([])
    #expect(try MappedFile(path: file.path).byteCount == 0)
  }

  @Test(arguments: ["/nonexistent/paceline.gguf", "/tmp"]) func errorsNameTheFile(path: String) {
    let error = #expect(throws: MappingError.self) { try MappedFile(path: path) }
    #expect(error?.description.contains(path) == true)
  }

  @Test func tensorsMustLieInsideTheirFile() throws {
    let file = TemporaryFile([UInt8](repeating: 0, count: 200))
    let mapped = try MappedFile(path: file.path)
    #expect(Tensor(.q4_0, rows: 2, columns: 64, in: mapped, at: 128) != nil)
    #expect(Tensor(.q4_0, rows: 2, columns: 64, in: mapped, at: 129) == nil)
    #expect(Tensor(.q4_0, rows: 2, columns: 63, in: mapped, at: 0) == nil)
    #expect(Tensor(.q4_0, rows: -1, columns: 64, in: mapped, at: 0) == nil)
    #expect(Tensor(.q4_0, rows: 1, columns: 64, in: mapped, at: -2) == nil)
    #expect(Tensor(.f32, rows: .max, columns: 1024, in: mapped, at: 0) == nil)
    #expect(Tensor(.f32, rows: 1, columns: .max, in: mapped, at: 0) == nil)
  }
}
