/// Discrete Fourier transform of the last one to three axes.
struct FFT: Primitive {
  enum Kind: String {
    case forward = "FFT"
    case inverse = "IFFT"
    case real = "RFFT"
    case inverseReal = "IRFFT"
  }
  let kind: Kind
  /// Sizes of the transformed axes, in the signal.
  let sizes: [Int]
  var name: String { kind.rawValue.lowercased() }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    guard (1...3).contains(sizes.count), sizes.count <= type.rank, sizes.allSatisfy({ $0 > 0 }) else {
      throw TensorError.value(name, "transforms one to three axes of sizes above 0, got \(sizes) of \(type.shape)")
    }
    let isReal = type.dtype == .float32 || type.dtype == .float64
    guard kind == .real ? isReal : type.dtype.isComplex else {
      throw TensorError.dtype(
        name, "takes \(kind == .real ? "float32 or float64" : "complex numbers"), not \(type.dtype)")
    }
    let half = (sizes.last ?? 0) / 2 + 1
    let spectrum = Array(sizes.dropLast()) + [half]
    let expected = kind == .inverseReal ? spectrum : sizes
    guard Array(type.shape.suffix(sizes.count)) == expected else {
      throw TensorError.shape(name, "the last axes of \(type.shape) aren't \(expected)")
    }
    let lead = Array(type.shape.dropLast(sizes.count))
    switch kind {
    case .forward, .inverse: return [type]
    case .real: return [TensorType(type.dtype == .float32 ? .complex64 : .complex128, lead + spectrum)]
    case .inverseReal: return [TensorType(type.dtype.realType, lead + sizes)]
    }
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.fft", operands, try resultTypes(operands.map(\.type))[0],
        attributes: "fft_type = #stablehlo<fft_type \(kind.rawValue)>, fft_length = \(printer.i64Array(sizes))")
    ]
  }

  /// The transposed map, as the transform is linear; without conjugation, as in JAX.
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let g = context.cotangent
    let count = Double(sizes.elementCount)
    switch kind {
    case .forward, .inverse: return [Tensor.apply1(self, [g])]
    case .real:
      let spread = Tensor.apply1(FFT(kind: .inverseReal, sizes: sizes), [g.conjugate() / multiplicity(g.dtype)])
      return [spread * count]
    case .inverseReal:
      let spectrum = Tensor.apply1(FFT(kind: .real, sizes: sizes), [g])
      return [(spectrum * multiplicity(spectrum.dtype) / count).conjugate()]
    }
  }

  /// How many of the full spectrum each number of the half one stands for.
  private func multiplicity(_ dtype: DType) -> Tensor {
    let n = sizes.last ?? 1
    let place = Tensor.iota([n / 2 + 1], axis: 0)
    let alone = (place * 2 .== 0) .|| (place * 2 .== Double(n))
    return (2 - alone.cast(dtype.realType)).cast(dtype)
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    Tensor.apply1(self, [Batched(tensor: inputs[0], axis: axes[0]).leading(size)]).examples(at: 0)
  }
}

/// Where a Fourier transform and its inverse divide by the number of elements.
public enum FourierNorm: Sendable {
  /// The inverse does.
  case backward
  /// Both, by the square root.
  case ortho
  /// The forward transform does.
  case forward
}

/// Fourier transforms, of float32, float64 and complex tensors; others take cast(_:). Real ones become complex where need
/// be.
extension Tensor {
  /// Discrete Fourier transform over axes.
  ///
  /// - Parameters:
  ///   - axes: those transformed.
  ///   - sizes: to which they are cropped or filled up with zeros first.
  ///   - norm: where the division by the number of elements happens.
  /// - Returns: complex, of the (cropped or filled) shape.
  public func fft(axes: [Int] = [-1], sizes: [Int]? = nil, norm: FourierNorm = .backward) -> Tensor {
    transformed(.forward, axes, sizes, norm)
  }

  /// The inverse of `fft`.
  public func ifft(axes: [Int] = [-1], sizes: [Int]? = nil, norm: FourierNorm = .backward) -> Tensor {
    transformed(.inverse, axes, sizes, norm)
  }

  /// The half of a real tensor's Fourier transform that determines it.
  ///
  /// - Parameters: as of `fft`.
  /// - Returns: complex; the last of the axes has n / 2 + 1 elements.
  public func rfft(axes: [Int] = [-1], sizes: [Int]? = nil, norm: FourierNorm = .backward) -> Tensor {
    transformed(.real, axes, sizes, norm)
  }

  /// The inverse of `rfft`: real.
  ///
  /// - Parameter sizes: of the result along the axes; the last is twice its size in the spectrum less 2 without it.
  public func irfft(axes: [Int] = [-1], sizes: [Int]? = nil, norm: FourierNorm = .backward) -> Tensor {
    transformed(.inverseReal, axes, sizes, norm)
  }

  private func transformed(_ kind: FFT.Kind, _ axes: [Int], _ sizes: [Int]?, _ norm: FourierNorm) -> Tensor {
    let name = kind.rawValue.lowercased()
    return failing(name) {
      if let failure { throw failure }
      let places = axes.compactMap(shape.normalizedAxis)
      guard places.count == axes.count, Set(places).count == axes.count, !axes.isEmpty else {
        throw TensorError.value(name, "\(axes) aren't distinct axes of \(shape)")
      }
      var lengths = sizes ?? places.map { shape[$0] }
      guard lengths.count == places.count else {
        throw TensorError.value(name, "takes one size for each of the axes \(axes), got \(lengths)")
      }
      if kind == .inverseReal, sizes == nil { lengths[lengths.count - 1] = 2 * (lengths[lengths.count - 1] - 1) }
      guard lengths.allSatisfy({ $0 > 0 && $0 <= Int(Int32.max) }) else {
        throw TensorError.value(name, "axes of \(lengths) elements can't be transformed")
      }
      var x = self
      switch kind {
      case .real:
        guard !dtype.isComplex else { throw TensorError.dtype(name, "takes real numbers, not \(dtype); use fft") }
      default: x = try asComplex(name)
      }
      var stored = lengths
      if kind == .inverseReal { stored[stored.count - 1] = lengths[lengths.count - 1] / 2 + 1 }
      x = x.fitted(places, stored)
      let others = x.shape.indices.filter { !places.contains($0) }
      let order = others + places
      var inverse = order
      for (i, p) in order.enumerated() { inverse[p] = i }
      let y = x.transpose(order).innermost(kind, lengths)
      let factor = scale(kind, lengths, norm)
      return (factor == 1 ? y : y * factor).transpose(inverse)
    }
  }

  private func asComplex(_ name: String) throws -> Tensor {
    switch dtype {
    case .complex64, .complex128: return self
    case .float32: return cast(.complex64)
    case .float64: return cast(.complex128)
    default: throw TensorError.dtype(name, "takes float32, float64 or complex numbers, not \(dtype); use cast(_:)")
    }
  }

  /// Axes cropped, or filled up with zeros at the end.
  private func fitted(_ axes: [Int], _ sizes: [Int]) -> Tensor {
    var high = shape.map { _ in 0 }
    for (axis, size) in zip(axes, sizes) { high[axis] = size - shape[axis] }
    return pad(low: shape.map { _ in 0 }, high: high)
  }

  /// Transforms the last axes, three at once at most.
  private func innermost(_ kind: FFT.Kind, _ sizes: [Int]) -> Tensor {
    let last = Array(sizes.suffix(3))
    let rest = Array(sizes.dropLast(3))
    func outer(_ x: Tensor, _ kind: FFT.Kind) -> Tensor {
      guard !rest.isEmpty else { return x }
      let (lead, n) = (x.rank - sizes.count, rest.count)
      let order = Array(0..<lead) + Array((lead + n)..<x.rank) + Array(lead..<(lead + n))
      var inverse = order
      for (i, p) in order.enumerated() { inverse[p] = i }
      return x.transpose(order).innermost(kind, rest).transpose(inverse)
    }
    func inner(_ x: Tensor) -> Tensor { Tensor.apply1(FFT(kind: kind, sizes: last), [x]) }
    switch kind {
    case .forward, .inverse: return outer(inner(self), kind)
    case .real: return outer(inner(self), .forward)
    case .inverseReal: return inner(outer(self, .inverse))
    }
  }

  /// Axes rotated so that frequency 0 comes to the middle; all axes without an argument.
  public func fftShift(axes: [Int]? = nil) -> Tensor { shiftedToMiddle("fftShift", axes) { $0 / 2 } }

  /// The inverse of `fftShift`.
  public func ifftShift(axes: [Int]? = nil) -> Tensor { shiftedToMiddle("ifftShift", axes) { -($0 / 2) } }

  private func shiftedToMiddle(_ name: String, _ axes: [Int]?, _ shift: (Int) -> Int) -> Tensor {
    if failure != nil { return self }
    let chosen = axes ?? Array(0..<rank)
    let places = chosen.compactMap(shape.normalizedAxis)
    guard places.count == chosen.count else { return .failed(.value(name, "\(chosen) aren't axes of \(shape)")) }
    return places.reduce(self) { $0.roll(shift($0.shape[$1]), axis: $1) }
  }

  /// Frequencies of the `n` numbers of an `fft`, in cycles per unit of `spacing`.
  public static func fftFrequencies(_ n: Int, spacing: Double = 1, dtype: DType = .float32) -> Tensor {
    guard n > 0, spacing != 0 else {
      return .failed(.value("fftFrequencies", "takes a count above 0 and a spacing, got \(n) and \(spacing)"))
    }
    let place = iota([n], axis: 0, dtype: .int32)
    let signed = select(place .> Double((n - 1) / 2), place - Double(n), place)
    return signed.cast(dtype) / (Double(n) * spacing)
  }

  /// Frequencies of the n / 2 + 1 numbers of an `rfft` of size `n`, in cycles per unit of `spacing`.
  public static func rfftFrequencies(_ n: Int, spacing: Double = 1, dtype: DType = .float32) -> Tensor {
    guard n > 0, spacing != 0 else {
      return .failed(.value("rfftFrequencies", "takes a count above 0 and a spacing, got \(n) and \(spacing)"))
    }
    return iota([n / 2 + 1], axis: 0, dtype: .int32).cast(dtype) / (Double(n) * spacing)
  }
}

private func scale(_ kind: FFT.Kind, _ sizes: [Int], _ norm: FourierNorm) -> Double {
  let count = sizes.reduce(1) { $0 * Double($1) }
  let isForward = kind == .forward || kind == .real
  // The primitive divides in the inverse.
  switch norm {
  case .backward: return 1
  case .ortho: return isForward ? 1 / count.squareRoot() : count.squareRoot()
  case .forward: return isForward ? 1 / count : count
  }
}
