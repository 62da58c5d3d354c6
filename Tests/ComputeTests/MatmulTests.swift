import Compute
import Testing

@Suite struct MatmulTests {
  static let scalar = Kernels.available[0]

  /// Column counts from one block to 8192, for the type.
  static func columns(_ type: ElementType) -> [Int] {
    switch type.blockLength {
    case 1: [1, 15, 16, 33, 250, 576, 8192]
    case 32: [32, 96, 256, 288, 576, 8192]
    default: [256, 512, 1536, 8192]
    }
  }

  @Test(arguments: ElementType.allCases)
  func everyInstructionSetComputesTheScalarBits(type: ElementType) {
    var random = SampleGenerator(seed: 1)
    for columns in Self.columns(type) {
      for rows in columns == 8192 ? [1, 17] : [1, 3, 17, 33] {
        for style in SampleStyle.allCases {
          let weight = SampleMatrix(
            type, rows: rows, columns: columns, style: style, using: &random)
          let tokens = columns == 8192 ? 3 : [1, 2, 5, 23].randomElement(using: &random)!
          let x = SampleRows(random.floats(tokens * columns), columns: columns)
          let expected = product(weight, x, kernels: Self.scalar)
          for kernels in Kernels.available {
            let actual = product(weight, x, kernels: kernels)
            #expect(
              actual.bits == expected.bits,
              "\(kernels.name) \(type) \(rows)x\(columns) tokens \(tokens) \(style)")
          }
        }
      }
    }
  }

  @Test(arguments: ElementType.allCases)
  func everyTokenCountComputesTheScalarBits(type: ElementType) {
    var random = SampleGenerator(seed: 2)
    let weight = SampleMatrix(type, rows: 19, columns: 512, using: &random)
    for tokens in Array(1...9) + [15, 23] {
      let x = SampleRows(random.floats(tokens * 512), columns: 512)
      let expected = product(weight, x, kernels: Self.scalar)
      for kernels in Kernels.available {
        #expect(
          product(weight, x, kernels: kernels).bits == expected.bits, "\(kernels.name) \(tokens)")
      }
    }
  }

  /// Full and partial tiles of tokens, by full and partial groups of rows of every vector width.
  @Test(arguments: ElementType.allCases)
  func everyShapeComputesTheScalarBitsAndThoseOfEachTokenAlone(type: ElementType) {
    var random = SampleGenerator(seed: 8)
    let columns = type.blockLength == 1 ? 45 : type.blockLength == 32 ? 96 : 512
    let x = SampleRows(random.floats(33 * columns), columns: columns)
    for rows in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33] {
      let weight = SampleMatrix(type, rows: rows, columns: columns, using: &random)
      let expected = product(weight, x, kernels: Self.scalar).bits
      for kernels in Kernels.available {
        let alone = (0..<33).flatMap {
          product(weight, x.slice($0..<$0 + 1), kernels: kernels).bits
        }
        #expect(alone == expected, "\(kernels.name) \(type), \(rows) rows, one token")
        for tokens in [2, 3, 4, 5, 7, 8, 9, 16, 17, 33] {
          let together = product(weight, x.slice(0..<tokens), kernels: kernels)
          #expect(
            together.bits == Array(expected[..<(tokens * rows)]),
            "\(kernels.name) \(type), \(rows) rows, \(tokens) tokens")
        }
      }
    }
  }

  @Test(arguments: ElementType.allCases)
  func aTokenKeepsItsBitsAmongOthers(type: ElementType) {
    var random = SampleGenerator(seed: 3)
    let weight = SampleMatrix(type, rows: 21, columns: 768, using: &random)
    let x = SampleRows(random.floats(23 * 768), columns: 768)
    for kernels in Kernels.available {
      let together = product(weight, x, kernels: kernels)
      for token in 0..<23 {
        let alone = product(weight, x.slice(token..<token + 1), kernels: kernels)
        #expect(alone.bits == Array(together[token * 21..<token * 21 + 21]).bits)
      }
    }
  }

  @Test(arguments: ElementType.allCases)
  func aRowKeepsItsBitsHoweverTheRowsAreSplit(type: ElementType) {
    var random = SampleGenerator(seed: 4)
    let weight = SampleMatrix(type, rows: 50, columns: 512, using: &random)
    let x = SampleRows(random.floats(3 * 512), columns: 512)
    for kernels in Kernels.available {
      let whole = product(weight, x, kernels: kernels)
      for cut in [1, 7, 16, 31, 49] {
        let low = product(weight, x, rows: 0..<cut, kernels: kernels)
        let high = product(weight, x, rows: cut..<50, kernels: kernels)
        for place in whole.indices {
          let part = place % 50 < cut ? low : high
          let other = place % 50 < cut ? high : low
          #expect(part[place].bitPattern == whole[place].bitPattern)
          #expect(other[place] == 0, "wrote outside its rows")
        }
      }
    }
  }

  @Test(arguments: ElementType.allCases)
  func activationsThatAreZeroOrNotFiniteGiveTheScalarBits(type: ElementType) {
    var random = SampleGenerator(seed: 5)
    let weight = SampleMatrix(type, rows: 18, columns: 512, using: &random)
    let special: [Float] = [0, -0.0, .leastNonzeroMagnitude, 1e-40, 1e-38, 1e30]
    for value in special {
      let values = random.floats(2 * 512).map { $0 < 0 ? value : -value }
      let expected = product(weight, SampleRows(values, columns: 512), kernels: Self.scalar)
      for kernels in Kernels.available {
        let x = SampleRows(values, columns: 512, kernels: kernels)
        #expect(
          product(weight, x, kernels: kernels).bits == expected.bits, "\(kernels.name) \(value)")
      }
    }
    for value in [Float.infinity, .nan] {
      var values = random.floats(512)
      values[300] = value
      for kernels in Kernels.available {
        let result = product(
          weight, SampleRows(values, columns: 512, kernels: kernels), kernels: kernels)
        #expect(result.allSatisfy { !$0.isFinite }, "\(kernels.name) hides \(value)")
      }
    }
  }

  /// Quantising activations to 8 bits rounds each by at most half a step of amax / 127; float accumulation adds a
  /// few units in the last place of the sum of magnitudes.
  @Test(arguments: ElementType.allCases)
  func scalarProductsMatchDoublePrecision(type: ElementType) {
    var random = SampleGenerator(seed: 6)
    let columns = 1536
    let rows = 9
    let tokens = 2
    let weight = SampleMatrix(type, rows: rows, columns: columns, using: &random)
    let x = SampleRows(random.floats(tokens * columns), columns: columns)
    let actual = product(weight, x, kernels: Self.scalar)
    for token in 0..<tokens {
      for row in 0..<rows {
        let w = weight.row(row)
        var exact = 0.0
        var magnitude = 0.0
        for column in 0..<columns {
          let place = token * columns + column
          let activation =
            switch type.activationForm {
            case .float: Double(x.floats[place])
            case .int8PerBlock32: Double(x.d32[place / 32]) * Double(x.q32[place])
            case .int8PerBlock256: Double(x.d256[place / 256]) * Double(x.q256[place])
            }
          exact += Double(w[column]) * activation
          magnitude += abs(Double(w[column]) * activation)
        }
        let accumulationTolerance = 4e-6 * magnitude
        #expect(abs(Double(actual[token * rows + row]) - exact) <= accumulationTolerance)
      }
    }
  }

  @Test func facesMultiplyAndDequantiseATensor() {
    var random = SampleGenerator(seed: 7)
    let values = random.floats(6 * 64)
    let tensor = Tensor(values: values, rows: 6, columns: 64)
    let x = Activations(rows: 3, columns: 64, forms: [.int8PerBlock32])
    x.floats.replace(at: 0, with: random.floats(3 * 64))
    let output = Buffer(count: 20)
    Kernels.shared.prepare(x, rows: 0..<3, form: .int8PerBlock32)
    Kernels.shared.multiply(
      tensor, rows: 1..<5, by: x, tokens: 1..<3, into: output, at: 2, stride: 8)
    for token in 0..<2 {
      for row in 1..<5 {
        let exact = (0..<64).reduce(0.0) {
          $0 + Double(values[row * 64 + $1]) * Double(x.floats[(token + 1) * 64 + $1])
        }
        #expect(abs(Double(output[2 + token * 8 + row]) - exact) < 1e-5)
      }
    }
    #expect(output[2] == 0 && output[7] == 0)
    #expect(tensor.row(4) == Array(values[4 * 64..<5 * 64]))
  }
}
