import Compute
import Foundation
import Inference
import Runtime
import Testing

@Suite struct RooflineTests {
  let folder = TemporaryFolder()

  /// A file of holes, which takes no room on the disk, brought into memory unless it shall be `cold`.
  func weights(_ megabytes: UInt64, cold: Bool = false) throws -> MappedFile {
    let path = try folder.write("weights", [])
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.truncate(atOffset: megabytes << 20)
    let file = try MappedFile(path: path)
    if !cold { Kernels.shared.stream(file, 0..<file.byteCount) }
    return file
  }

  func roofline(_ file: String?, threads: Int) -> Roofline {
    Roofline(file: file, threads: threads, kernels: .shared)
  }

  @Test func bothRoofsAreMeasuredOnceAndKept() throws {
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let file = folder.path + "/cache/of/roofs"
    var first = roofline(file, threads: 2)
    #expect(first.roofs == Roofs())
    first.measure(try weights(96), on: pool) { true }
    let bytes = try #require(first.roofs.bytesPerSecond)
    let operations = try #require(first.roofs.operationsPerSecond)
    #expect(bytes > 1e6 && operations > 1e6)
    let next = roofline(file, threads: 2).roofs
    #expect(next.bytesPerSecond.map { abs($0 - bytes) < 2 } == true)
    #expect(next.operationsPerSecond.map { abs($0 - operations) < 2 } == true)
    // Another count of threads and another instruction set are other figures.
    #expect(roofline(file, threads: 3).roofs == Roofs())
    for kernels in Kernels.available where kernels != .shared {
      #expect(Roofline(file: file, threads: 2, kernels: kernels).roofs == Roofs())
    }
  }

  @Test func everyStartMeasuresAnew() throws {
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    let file = folder.path + "/roofline"
    var first = roofline(file, threads: 1)
    first.measure(try weights(96), on: pool) { true }
    // What a machine of the same name once did is no roof of this one.
    let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
    let fields = text.split(separator: "\t")
    _ = try folder.write("roofline", "900000000000000\t900000000000000\t\(fields[2])".utf8)
    var next = roofline(file, threads: 1)
    #expect(next.roofs == Roofs(bytesPerSecond: 9e14, operationsPerSecond: 9e14))
    next.measure(try weights(96), on: pool) { true }
    #expect(next.roofs.bytesPerSecond.map { $0 < 8e14 } == true)
    #expect(next.roofs.operationsPerSecond.map { $0 < 8e14 } == true)
    #expect(roofline(file, threads: 1).roofs.bytesPerSecond.map { $0 < 8e14 } == true)
  }

  @Test func aJobThatComesEndsTheMeasuringAndTheNextPauseGoesOn() throws {
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    var roofline = roofline(folder.path + "/roofline", threads: 1)
    var asked = 0
    let weights = try weights(96)
    roofline.measure(weights, on: pool) {
      asked += 1
      return asked <= 2
    }
    #expect(asked == 3)
    #expect(roofline.roofs == Roofs())
    #expect(!folder.files.contains("roofline"))
    roofline.measure(weights, on: pool) { true }
    #expect(roofline.roofs.bytesPerSecond != nil)
    #expect(folder.files.contains("roofline"))
  }

  @Test func whatWasAllowedIsMeasuredAndNoMore() throws {
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    var roofline = roofline(nil, threads: 1)
    let weights = try weights(96)
    roofline.measure(weights, on: pool) { true }
    func slices() -> Int {
      var asked = 0
      roofline.measure(weights, on: pool) {
        asked += 1
        return true
      }
      return asked
    }
    #expect(slices() == 0)
    roofline.renew()
    #expect(slices() > 0)
    #expect(slices() == 0)
  }

  @Test func aSmallModelTellsNothingAboutMemory() throws {
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    var roofline = roofline(nil, threads: 1)
    roofline.measure(try weights(8), on: pool) { true }
    #expect(roofline.roofs.bytesPerSecond == nil)
    #expect(roofline.roofs.operationsPerSecond != nil)
  }

  @Test func theDiskIsNotMeasured() throws {
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    var roofline = roofline(nil, threads: 1)
    let weights = try weights(96, cold: true)
    #expect(!weights.isResident(0..<weights.byteCount))
    roofline.measure(weights, on: pool) { true }
    #expect(roofline.roofs.bytesPerSecond == nil)
    // What was allowed then is made up for once the file is in memory.
    Kernels.shared.stream(weights, 0..<weights.byteCount)
    roofline.measure(weights, on: pool) { true }
    #expect(roofline.roofs.bytesPerSecond != nil)
  }

  @Test func aDamagedFileIsPassedOver() throws {
    let threads = "1 threads, \(Kernels.shared.name), \(ProcessMemory.processorName)"
    let lines = [
      "nan\t1\t\(threads)", "-5\t1\t\(threads)", "1\tinf\t\(threads)", "1\t1e300\t\(threads)",
      "no tab", "17000000000\t\(threads)", "17000000000\t1 threads, \(ProcessMemory.processorName)",
      "\u{0}",
    ]
    let file = try folder.write("roofline", lines.joined(separator: "\n").utf8)
    #expect(roofline(file, threads: 1).roofs == Roofs())
  }

  @Test func theRoofThatAllowsLessIsTheBound() throws {
    let roofs = Roofs(bytesPerSecond: 10e9, operationsPerSecond: 100e9)
    func bound(_ bytes: Int, _ operations: Int, _ roofs: Roofs) -> Roofs.Bound? {
      roofs.bound(
        of: OperationTotals.Entry(nanoseconds: 1_000_000, bytes: bytes, operations: operations))
    }
    #expect(bound(5_000_000, 10_000_000, roofs) == Roofs.Bound(kind: .reading, share: 0.5))
    #expect(bound(5_000_000, 80_000_000, roofs) == Roofs.Bound(kind: .arithmetic, share: 0.8))
    #expect(bound(0, 0, roofs) == nil)
    #expect(bound(5, 80, Roofs()) == Roofs.Bound(kind: .reading, share: nil))
    let arithmetic = Roofs(operationsPerSecond: 100e9)
    #expect(bound(5, 80_000_000, arithmetic) == Roofs.Bound(kind: .reading, share: nil))
    #expect(bound(0, 80_000_000, arithmetic) == Roofs.Bound(kind: .arithmetic, share: 0.8))
    let reading = Roofs(bytesPerSecond: 10e9)
    #expect(bound(5_000_000, 80_000_000, reading) == Roofs.Bound(kind: .reading, share: 0.5))
    #expect(bound(0, 80_000_000, reading) == Roofs.Bound(kind: .arithmetic, share: nil))
    #expect(roofs.bound(of: OperationTotals.Entry(bytes: 5, operations: 5)) == nil)
  }
}
