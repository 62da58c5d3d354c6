import Compute

/// Finds strings of a metadata array by their bytes, without copying them out of the mapped file.
///
/// An open-addressing table: each slot holds half of a string's hash and its index plus one. Of equal strings the first
/// is found; empty strings are never found.
struct StringIndex: Sendable {
  let strings: GGUFStringArray
  private let slots: [UInt64]
  /// Differs between objects, so that no file can be made whose strings all collide.
  private let seed: UInt64

  /// Indexes all strings.
  init(_ strings: GGUFStringArray) {
    self.strings = strings
    let seed = UInt64.random(in: .min ... .max)
    self.seed = seed
    var capacity = 16
    while capacity < strings.count + strings.count / 2 { capacity *= 2 }
    slots = strings.file.withBytes { file in
      // Two passes, so that the second one's scattered memory accesses can overlap.
      let hashes = Self.hashes(strings, seed: seed, file: file)
      var slots = [UInt64](repeating: 0, count: capacity)
      for index in strings.indices {
        Self.insert(index, hashes[index], into: &slots, strings: strings, file: file)
      }
      return slots
    }
  }

  /// The hash of each string; of an empty one 0.
  private static func hashes(_ strings: GGUFStringArray, seed: UInt64, file: RawSpan) -> [UInt64] {
    var hashes: [UInt64] = []
    hashes.reserveCapacity(strings.count)
    for index in strings.indices {
      let range = strings.byteRange(at: index, in: file)
      var hash = ByteHash(seed: seed)
      hash.add(file, range)
      hashes.append(range.isEmpty ? 0 : hash.value | 1)
    }
    return hashes
  }

  private static func insert(
    _ index: Int, _ hash: UInt64, into slots: inout [UInt64], strings: GGUFStringArray,
    file: RawSpan
  ) {
    guard hash != 0 else { return }
    let mask = slots.count - 1
    var position = Int(truncatingIfNeeded: hash >> 1) & mask
    while slots[position] != 0 {
      if slots[position] >> 32 == hash >> 32 {
        let range = strings.byteRange(at: index, in: file)
        let other = strings.byteRange(at: Int(slots[position] & 0xFFFF_FFFF) - 1, in: file)
        if other.count == range.count, equal(file, other.lowerBound, file, range) { return }
      }
      position = (position + 1) & mask
    }
    slots[position] = (hash & ~0xFFFF_FFFF) | UInt64(truncatingIfNeeded: index + 1)
  }

  /// The index of the string whose bytes are `text[range]`.
  func find(_ range: Range<Int>, of text: Span<UInt8>, in file: RawSpan) -> Int? {
    var hash = ByteHash(seed: seed)
    hash.add(text, range)
    return search(hash.value | 1) { candidate in
      candidate.count == range.count && Self.equal(file, candidate.lowerBound, text, range)
    } rangeOf: {
      strings.byteRange(at: $0, in: file)
    }
  }

  /// The index of the string that is `text[left]`, one space and `text[right]`.
  func find(
    pair left: Range<Int>, _ right: Range<Int>, of text: Span<UInt8>, in file: RawSpan
  ) -> Int? {
    var hash = ByteHash(seed: seed)
    hash.add(text, left)
    hash.add(0x20)
    hash.add(text, right)
    return search(hash.value | 1) { candidate in
      candidate.count == left.count + 1 + right.count
        && file[candidate.lowerBound + left.count] == 0x20
        && Self.equal(file, candidate.lowerBound, text, left)
        && Self.equal(file, candidate.lowerBound + left.count + 1, text, right)
    } rangeOf: {
      strings.byteRange(at: $0, in: file)
    }
  }

  /// The index of a string given as text.
  func find(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    return strings.file.withBytes { find(bytes.indices, of: bytes.span, in: $0) }
  }

  @inline(__always)
  private func search(
    _ hash: UInt64, matches: (Range<Int>) -> Bool, rangeOf: (Int) -> Range<Int>
  ) -> Int? {
    let mask = slots.count - 1
    var position = Int(truncatingIfNeeded: hash >> 1) & mask
    while slots[position] != 0 {
      if slots[position] >> 32 == hash >> 32 {
        let index = Int(slots[position] & 0xFFFF_FFFF) - 1
        if matches(rangeOf(index)) { return index }
      }
      position = (position + 1) & mask
    }
    return nil
  }

  @inline(__always)
  private static func equal(
    _ first: RawSpan, _ start: Int, _ second: Span<UInt8>, _ range: Range<Int>
  ) -> Bool {
    for offset in 0..<range.count where first[start + offset] != second[range.lowerBound + offset] {
      return false
    }
    return true
  }

  private static func equal(
    _ first: RawSpan, _ start: Int, _ second: RawSpan, _ range: Range<Int>
  ) -> Bool {
    for offset in 0..<range.count where first[start + offset] != second[range.lowerBound + offset] {
      return false
    }
    return true
  }
}

/// A seeded hash of bytes that come piece by piece (FNV-1a, mixed at the end).
struct ByteHash {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed ^ 0xCBF2_9CE4_8422_2325
  }

  @inline(__always)
  mutating func add(_ byte: UInt8) {
    state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
  }

  @inline(__always)
  mutating func add(_ bytes: RawSpan, _ range: Range<Int>) {
    for offset in range { add(bytes[offset]) }
  }

  @inline(__always)
  mutating func add(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    for offset in range { add(bytes[offset]) }
  }

  var value: UInt64 {
    var mixed = state
    mixed ^= mixed >> 33
    mixed &*= 0xFF51_AFD7_ED55_8CCD
    mixed ^= mixed >> 33
    return mixed
  }
}
