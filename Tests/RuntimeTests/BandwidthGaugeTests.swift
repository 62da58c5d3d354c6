import Compute
import Foundation
import Runtime
import Testing

@Suite struct BandwidthGaugeTests {
  let folder = TemporaryFolder()

  /// A file of holes: it takes no room on the disk.
  func weights(_ megabytes: UInt64) throws -> MappedFile {
    let path = try folder.write("weights", [])
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.truncate(atOffset: megabytes << 20)
    return try MappedFile(path: path)
  }

  @Test func theFigureIsMeasuredOnceAndKept() throws {
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let file = folder.path + "/bandwidth"
    var gauge = BandwidthGauge(file: file, threads: 2)
    #expect(gauge.ceiling == nil)
    gauge.measure(try weights(96), on: pool, kernels: .shared) { true }
    let ceiling = try #require(gauge.ceiling)
    #expect(ceiling > 1e6)
    let next = BandwidthGauge(file: file, threads: 2)
    #expect(next.ceiling.map { abs($0 - ceiling) < 2 } == true)
    // Another count of threads is another figure.
    #expect(BandwidthGauge(file: file, threads: 3).ceiling == nil)
  }

  @Test func aJobThatComesEndsTheMeasuring() throws {
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    var gauge = BandwidthGauge(file: folder.path + "/bandwidth", threads: 1)
    var slices = 0
    let weights = try weights(96)
    gauge.measure(weights, on: pool, kernels: .shared) {
      slices += 1
      return slices <= 2
    }
    #expect(gauge.ceiling == nil)
    #expect(!folder.files.contains("bandwidth"))
    gauge.measure(weights, on: pool, kernels: .shared) {
      slices += 1
      return slices <= 7
    }
    #expect(gauge.ceiling != nil)
  }

  @Test func aSmallModelTellsNothingAboutMemory() throws {
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    var gauge = BandwidthGauge(file: nil, threads: 1)
    gauge.measure(try weights(8), on: pool, kernels: .shared) { true }
    #expect(gauge.ceiling == nil)
  }

  @Test func aDamagedFileIsPassedOver() throws {
    let file = try folder.write("bandwidth", "nan\tx\n-5\ty\nno tab\n\u{0}".utf8)
    #expect(BandwidthGauge(file: file, threads: 1).ceiling == nil)
  }
}
