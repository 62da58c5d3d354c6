import Inference

/// What all threads together can do at most on this machine, as measured; nil until measured.
package struct Roofs: Codable, Sendable, Equatable {
  /// Bytes a second that can be read from memory.
  package var bytesPerSecond: Double?
  /// Operations a second on bytes in registers; a multiply-add is two.
  package var operationsPerSecond: Double?

  package init(bytesPerSecond: Double? = nil, operationsPerSecond: Double? = nil) {
    self.bytesPerSecond = bytesPerSecond
    self.operationsPerSecond = operationsPerSecond
  }

  /// The roof that bounds some work, and how near the work came to it.
  package struct Bound: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable { case reading, arithmetic }

    package var kind: Kind
    /// The least time over the time it took; nil where the roof is not known.
    package var share: Double?

    package init(kind: Kind, share: Double?) {
      self.kind = kind
      self.share = share
    }
  }

  /// The roof that allows this work the least speed; nil for work that neither reads nor multiplies.
  ///
  /// Where the roof of reading is not known, neither is what bounds work that reads: it counts as reading, without a
  /// share. An unknown roof of arithmetic leaves that of reading.
  package func bound(of work: OperationTotals.Entry) -> Bound? {
    guard work.nanoseconds > 0, work.bytes > 0 || work.operations > 0 else { return nil }
    let taken = Double(work.nanoseconds) / 1e9
    let reading = Self.least(work.bytes, at: bytesPerSecond)
    let arithmetic = Self.least(work.operations, at: operationsPerSecond)
    if work.bytes > 0, reading == nil { return Bound(kind: .reading, share: nil) }
    if let arithmetic, arithmetic > reading ?? 0 {
      return Bound(kind: .arithmetic, share: arithmetic / taken)
    }
    if let reading { return Bound(kind: .reading, share: reading / taken) }
    return Bound(kind: .arithmetic, share: nil)
  }

  private static func least(_ amount: Int, at roof: Double?) -> Double? {
    guard amount > 0, let roof, roof > 0 else { return nil }
    return Double(amount) / roof
  }
}
