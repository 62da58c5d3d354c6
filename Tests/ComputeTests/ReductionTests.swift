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

  @Test(arguments: [1, 15, 63, 64, 65, 128, 200, 1000])
  func summariesOfBlocksAreAlikeAndMatchDoublePrecision(count: Int) {
    var random = SampleGenerator(seed: UInt64(count))
    for special in [false, true] {
      var x = random.floats(count, in: -30...30).map { ($0 * 4).rounded() / 4 }
      if special {
        for index in x.indices where Int.random(in: 0..<5, using: &random) == 0 {
          x[index] = [-.infinity, .nan, -0.0, 3e38, -3e38].randomElement(using: &random) ?? 0
        }
        for index in 64..<max(64, min(128, count)) { x[index] = -.infinity }
      }
      let blocks = (count + 63) / 64
      var expected: [Float]?
      for kernels in Kernels.available {
        var found = [Float](repeating: 0, count: 3 * blocks)
        found.withUnsafeMutableBufferPointer { found in
          guard let base = found.baseAddress else { return }
          ck_summarize_blocks(
            kernels.isa, x, Int64(count), base, base + blocks, base + 2 * blocks)
        }
        let wanted = expected ?? found
        expected = wanted
        #expect(
          zip(found, wanted).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN })
      }
      for (block, maximum) in (expected ?? []).prefix(blocks).enumerated() {
        let part = x[block * 64..<min(count, block * 64 + 64)]
        #expect(maximum == part.filter { !$0.isNaN }.max() ?? -.infinity)
        let sum = Double(expected?[blocks + block] ?? 0)
        let moment = Double(expected?[2 * blocks + block] ?? 0)
        if part.contains(where: \.isNaN) {
          #expect(sum.isNaN)
        } else {
          let distances = part.map { Double($0) - max(Double(maximum), -1e300) }
          let terms = distances.filter { $0 > -100 }.map { ($0, exp($0)) }
          #expect(abs(sum - terms.reduce(0) { $0 + $1.1 }) < 1e-5 * max(1, sum))
          #expect(abs(moment - terms.reduce(0) { $0 + $1.0 * $1.1 }) < 1e-4 * max(1, -moment))
        }
      }
    }
  }

  @Test func selectionInBlocksFindsWhatASearchOfEverythingFinds() {
    var random = SampleGenerator(seed: 4)
    for count in [1, 63, 64, 65, 640, 999] {
      var x = random.floats(count, in: -9...9)
      for index in x.indices where index % 7 == 3 { x[index] = index % 2 == 0 ? .nan : -.infinity }
      let blocks = (count + 63) / 64
      var maxima = [Float](repeating: 0, count: blocks)
      for block in 0..<blocks {
        maxima[block] =
          x[block * 64..<min(count, block * 64 + 64)].filter { !$0.isNaN }.max() ?? -.infinity
      }
      for threshold: Float in [-20, 0, 8.9, 20, -.infinity, .nan] {
        let wanted = x.indices.filter { x[$0] >= threshold }.map(Int32.init)
        for kernels in Kernels.available {
          for limit in [0, 3, count] {
            var places = [Int32](repeating: -1, count: count)
            let found = ck_select_in_blocks(
              kernels.isa, x, Int64(count), maxima, threshold, &places, Int64(limit))
            #expect(found == Int64(wanted.count))
            #expect(Array(places.prefix(min(limit, wanted.count))) == Array(wanted.prefix(limit)))
            #expect(places.dropFirst(limit).allSatisfy { $0 == -1 })
          }
        }
      }
    }
  }

  @Test func facesReadTheirRange() {
    let buffer = Buffer(count: 240)
    for index in [4, 11, 30, 100, 203] { buffer[index] = 2 }
    let kernels = Kernels.shared
    #expect(kernels.count(of: buffer, 10..<40, atLeast: 1) == 2)
    #expect(kernels.argmax(buffer, 10..<40) == 1)
    #expect(kernels.maximum(buffer, 12..<20) == 0)
    let (maxima, sums, moments) = (Buffer(count: 5), Buffer(count: 5), Buffer(count: 5))
    kernels.summarize(buffer, 10..<205, maxima: maxima, sums: sums, moments: moments, at: 1)
    #expect(maxima.array(0..<5) == [0, 2, 2, 0, 2])
    // One token of 2 and two of 0 are in the last block, which is three long.
    #expect(abs(sums[4] - (1 + 2 * exp(-2))) < 1e-5)
    #expect(abs(moments[4] + 4 * exp(-2)) < 1e-5)
    let places = Storage<Int32>(count: 3)
    let some = Buffer(count: 4)
    some.copy(from: maxima, 1..<5, to: 0)
    #expect(kernels.select(from: buffer, 10..<205, atLeast: 1, maxima: some, into: places) == 4)
    #expect(places.array(0..<3) == [1, 20, 90])
    kernels.exponentials(of: buffer, 99..<102, shift: 2, into: some)
    #expect(abs(some[0] - exp(-2)) < 1e-6 && some[1] == 1)
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
