import CKernels
import Compute
import Glibc
import Testing

@Suite struct ReductionTests {
  @Test(arguments: [1, 2, 7, 16, 31, 64, 65, 500, 49_152])
  func everyVersionReducesAlike(count: Int) {
    var random = SampleGenerator(seed: UInt64(count))
    var x = random.floats(count, in: -9...9)
    if count > 60 {
      x[count / 2] = .nan
      x[3] = -.infinity
    }
    let n = Int64(count)
    let limit = Int64(count / 3)
    let clean = x.map { $0.isNaN ? 0 : $0 }
    var expectedTerms = [Float](repeating: 0, count: count)
    var expectedPlaces = [Int32](repeating: -1, count: count)
    let expectedSum = ck_sum_exp(Int32(CK_SCALAR), clean, 2.5, n, &expectedTerms)
    let expectedFound = ck_select_above(Int32(CK_SCALAR), x, n, 1.5, &expectedPlaces, limit)
    #expect(expectedFound == Int64(x.count { $0 >= 1.5 }))
    for kernels in Kernels.available {
      #expect(ck_max(kernels.isa, x, n) == x.filter { !$0.isNaN }.max())
      let place = Int(ck_argmax(kernels.isa, x, n))
      #expect(x[place] == ck_max(kernels.isa, x, n))
      #expect(x.firstIndex(of: x[place]) == place)
      var terms = [Float](repeating: 0, count: count)
      #expect(ck_sum_exp(kernels.isa, clean, 2.5, n, &terms).bitPattern == expectedSum.bitPattern)
      #expect(ck_sum_exp(kernels.isa, clean, 2.5, n, nil).bitPattern == expectedSum.bitPattern)
      #expect(terms.bits == expectedTerms.bits)
      var places = [Int32](repeating: -1, count: count)
      #expect(ck_select_above(kernels.isa, x, n, 1.5, &places, limit) == expectedFound)
      #expect(places == expectedPlaces, "\(kernels.name)")
    }
  }

  @Test func argmaxTakesTheLowestOfEqualsAndNeverNaN() {
    for kernels in Kernels.available {
      var x = [Float](repeating: -1, count: 70)
      #expect(ck_argmax(kernels.isa, x, 70) == 0)
      x[69] = 5
      #expect(ck_argmax(kernels.isa, x, 70) == 69)
      x[33] = 5
      x[41] = 5
      #expect(ck_argmax(kernels.isa, x, 70) == 33)
      x[10] = .nan
      #expect(ck_argmax(kernels.isa, x, 70) == 33)
      x = [Float](repeating: .nan, count: 70)
      #expect(ck_argmax(kernels.isa, x, 70) == 0)
      x[50] = -.infinity
      #expect(ck_argmax(kernels.isa, x, 70) == 50)
      #expect(ck_argmax(kernels.isa, [-0.0, 0, -0.0], 3) == 0)
      #expect(ck_max(kernels.isa, [-0.0, -0.0], 2).bitPattern == 0)
      #expect(ck_max(kernels.isa, x, 0) == -.infinity)
    }
  }

  @Test func logSumExpMatchesDoublePrecision() {
    var random = SampleGenerator(seed: 9)
    let values = random.floats(1000, in: -30...30)
    let buffer = Buffer(count: 1000)
    buffer.replace(at: 0, with: values)
    let exact = log(values[100..<900].reduce(0.0) { $0 + exp(Double($1)) })
    #expect(abs(Double(Kernels.shared.logSumExp(buffer, 100..<900)) - exact) < 1e-5)
  }

  @Test func selectionFacesFindIndicesFromTheRangesStart() {
    let buffer = Buffer(count: 40)
    for index in [4, 11, 30] { buffer[index] = 2 }
    let found = Kernels.shared.indices(of: buffer, 10..<40, atLeast: 1)
    #expect(found == [1, 20])
    #expect(Kernels.shared.argmax(buffer, 10..<40) == 1)
    #expect(Kernels.shared.maximum(buffer, 12..<20) == 0)
  }

  @Test func streamingReadsEveryByteOnce() {
    var random = SampleGenerator(seed: 10)
    let bytes = (0..<1003).map { _ in UInt8.random(in: 0...255, using: &random) }
    for count in [0, 1, 7, 8, 63, 64, 65, 127, 128, 300, 1003] {
      var sum: UInt64 = 0
      for (index, byte) in bytes[..<count].enumerated() {
        sum &+= UInt64(byte) << (8 * (index % 8))
      }
      for kernels in Kernels.available {
        #expect(ck_stream_read(kernels.isa, bytes, Int64(count)) == sum, "\(kernels.name) \(count)")
      }
    }
  }
}
