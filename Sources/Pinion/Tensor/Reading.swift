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
    let bytes = try bytes()
    return [T](unsafeUninitializedCapacity: count) { memory, initialized in
      bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(memory).copyMemory(from: $0) }
      initialized = count
    }
  }

  /// The only element as a number; computes it if need be. Booleans read 0 and 1.
  ///
  /// - Throws: `TensorError` where there is more than one element, or as `array(of:)`.
  public func item() throws -> Double {
    if let failure { throw failure }
    guard count == 1 else { throw TensorError.shape("item", "\(shape) has \(count) elements, not one") }
    if dtype.isComplex { throw TensorError.dtype("item", "complex numbers aren't Double; take real() or abs()") }
    return try dtype == .float64 ? array(of: Double.self)[0] : cast(.float64).array(of: Double.self)[0]
  }

  /// Elements as bytes in host order; computes them if need be.
  ///
  /// - Throws: as `array(of:)`.
  public func bytes() throws -> [UInt8] {
    if let failure { throw failure }
    let host: HostData? = Graph.lock.withLock { if case .host(let data) = node.state { data } else { nil } }
    if let host { return host.bytes }
    let buffer = try Evaluator.buffer(of: self)
    return try [UInt8](unsafeUninitializedCapacity: type.byteCount) { memory, initialized in
      try buffer.copy(to: UnsafeMutableRawBufferPointer(memory))
      initialized = type.byteCount
    }
  }
}
