extension RawSpan {
  /// The byte at an offset; out of bounds traps.
  @inlinable @inline(__always)
  package subscript(offset: Int) -> UInt8 {
    // Sound: every bit pattern is a value, and the load checks its bounds.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The little-endian integer at an offset, aligned or not; out of bounds traps.
  @inlinable @inline(__always)
  package func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type, at offset: Int
  ) -> Value {
    // Sound: every bit pattern is a value, and the load checks its bounds.
    unsafe Value(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
  }
}
