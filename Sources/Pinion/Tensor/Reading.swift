import PJRT

extension Tensor {
  /// Elements, row-major; computes them if need be.
  ///
  /// - Throws: `TensorError` where the tensor failed, is traced or has another element type; `PJRTError` from XLA.
  public func array<T: TensorScalar>(of type: T.Type) throws -> [T] {
    if let failure { throw failure }
    guard T.dtype == dtype else {
      throw TensorError.dtype("array", "elements are \(dtype), asked for \(T.dtype); convert with cast(_:)")
    }
    return try withHostBytes { bytes in
      [T](unsafeUninitializedCapacity: count) { memory, initialized in
        UnsafeMutableRawBufferPointer(memory).copyMemory(from: bytes)
        initialized = count
      }
    }
  }

  /// The only element as a number; computes it if need be. Booleans read 0 and 1.
  ///
  /// - Throws: `TensorError` where there is more than one element, or as `array(of:)`.
  public func item() throws -> Double {
    if let failure { throw failure }
    guard count == 1 else { throw TensorError.shape("item", "\(shape) has \(count) elements, not one") }
    if dtype.isComplex { throw TensorError.dtype("item", "complex numbers aren't Double; take real() or abs()") }
    if dtype == .float32 { return Double(try array(of: Float.self)[0]) }
    return try dtype == .float64 ? array(of: Double.self)[0] : cast(.float64).array(of: Double.self)[0]
  }

  /// Elements as bytes in host order; computes them if need be.
  ///
  /// - Throws: as `array(of:)`.
  public func bytes() throws -> [UInt8] { try withHostBytes { Array($0) } }

  /// Calls `body` with the elements as bytes in host order, without a copy where the device's memory is the host's;
  /// computes them if need be.
  ///
  /// - Throws: as `array(of:)`, and what `body` throws.
  public func withHostBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    if let failure { throw failure }
    if let host = try Evaluator.hostData(of: self) { return try withExtendedLifetime(host) { try body(host.bytes) } }
    let buffer = try Evaluator.buffer(of: self)
    if try Backend.shared().sharesHostMemory, let address = try buffer.address() {
      return try withExtendedLifetime(buffer) {
        try body(UnsafeRawBufferPointer(start: address, count: type.byteCount))
      }
    }
    let copy = try HostData(byteCount: type.byteCount) { try buffer.copy(to: $0) }
    return try withExtendedLifetime(copy) { try body(copy.bytes) }
  }
}
