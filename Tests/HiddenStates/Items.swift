import Foundation
import TestSupport

/// A question with a known answer, made by a seeded generator.
struct Item {
  var question: String
  var answer: Int

  private static let ending =
    " Work it out in short steps, without formulas in LaTeX. The last line is \"Answer:\" and the number."

  init(number: Int) {
    var random = SplitMix64(seed: UInt64(number) &* 0x9E37_79B9 &+ 77)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    switch number % 5 {
    case 0: (question, answer) = Self.shopping(pick)
    case 1: (question, answer) = Self.program(pick)
    case 2: (question, answer) = Self.queue(pick)
    case 3: (question, answer) = Self.sums(pick)
    default: (question, answer) = Self.counter(pick)
    }
    question += Self.ending
  }

  /// The first item of a seed; those of other seeds are others.
  static func first(seed: UInt64) -> Int { Int(seed) * 1_000_000 }

  /// Writes questions with their answers as JSON Lines, which `paceline race --prompts` reads.
  static func write(_ count: Int, seed: UInt64, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let lines = try (0..<count).map { index in
      let item = Item(number: first(seed: seed) + index)
      return try encoder.encode(Line(prompt: item.question, answer: item.answer, maxTokens: 240))
    }
    try Data(lines.joined(separator: Data("\n".utf8))).write(to: URL(fileURLWithPath: path))
  }

  private struct Line: Encodable {
    var prompt: String
    var answer: Int
    var maxTokens: Int
  }

  private typealias Pick = (ClosedRange<Int>) -> Int

  private static func shopping(_ pick: Pick) -> (String, Int) {
    let names = ["Mara", "Tom", "Ines", "Jonas", "Aiko", "Sam"]
    let goods = [("pen", "pens"), ("cup", "cups"), ("lamp", "lamps"), ("ticket", "tickets")]
    let (one, many) = goods[pick(0...3)]
    let (price, count, other) = (pick(2...9), pick(2...8), pick(3...20))
    let paid = (price * count + other + 19) / 10 * 10
    let name = names[pick(0...5)]
    let text =
      "One \(one) costs \(price) coins. \(name) buys \(count) \(many) and a bag for \(other) coins, "
      + "and pays with \(paid) coins. How many coins does \(name) get back?"
    return (text, paid - price * count - other)
  }

  private static func program(_ pick: Pick) -> (String, Int) {
    let (start, step, times, factor) = (pick(1...9), pick(2...6), pick(2...4), pick(2...3))
    var value = start
    for _ in 0..<times { value = value * factor - step }
    let text =
      "What does this Python program print?\n\nx = \(start)\nfor i in range(\(times)):\n"
      + "    x = x * \(factor) - \(step)\nprint(x)\n\n"
    return (text, value)
  }

  private static func queue(_ pick: Pick) -> (String, Int) {
    var list = (0..<4).map { _ in pick(1...20) }
    var text = "Begin with the list \(list)."
    for _ in 0..<pick(2...4) {
      switch pick(0...2) {
      case 0:
        text += " Move the first number to the end."
        list.append(list.removeFirst())
      case 1:
        let number = pick(1...20)
        text += " Add \(number) to the last number."
        list[list.count - 1] += number
      default:
        text += " Swap the first two numbers."
        list.swapAt(0, 1)
      }
    }
    text += " What is the first number plus the last number?"
    return (text, list[0] + list[list.count - 1])
  }

  private static func sums(_ pick: Pick) -> (String, Int) {
    let numbers = (0..<pick(3...5)).map { _ in pick(3...60) }
    let list = numbers.map(String.init).joined(separator: ", ")
    return ("Add these numbers one after the other: \(list).", numbers.reduce(0, +))
  }

  private static func counter(_ pick: Pick) -> (String, Int) {
    let (riders, stops) = (pick(5...30), pick(2...4))
    var (text, count) = ("A bus leaves with \(riders) people.", riders)
    for _ in 0..<stops {
      let (off, on) = (pick(0...min(count, 6)), pick(1...9))
      text += " At the next stop \(off) get off and \(on) get on."
      count += on - off
    }
    return (text + " How many people are on the bus then?", count)
  }

  /// The number that an answer's text ends with: the first after the last "Answer:", else the last of all; nil where
  /// there is none.
  static func answer(in text: String) -> Int? {
    if let start = text.ranges(of: "Answer:").last?.upperBound,
      let number = numbers(in: text[start...]).first
    {
      return number
    }
    return numbers(in: text[...]).last
  }

  private static func numbers(in text: Substring) -> [Int] {
    text.matches(of: /-?[0-9]+/).compactMap { Int($0.output) }
  }
}
