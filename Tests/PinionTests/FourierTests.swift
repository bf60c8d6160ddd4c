import Pinion
import Testing

/// Fourier transforms against NumPy's, their derivatives against JAX's: see Oracles/fourier.py.
@Suite struct FourierTests {
  let x = (Tensor.arange(24, dtype: .float64).square()).sin().reshape([2, 4, 3])
  var z: Tensor { complex(x, (Tensor.arange(24, dtype: .float64).square() + 1).cos().reshape([2, 4, 3])) }

  private func parts(_ t: Tensor) -> Tensor {
    t.dtype.isComplex ? stack([t.real(), t.imaginary()], axis: t.rank) : t
  }

  private var cases: [String: Tensor] {
    let z = z
    let four = [2, 2, 2, 3]
    var cases: [String: Tensor] = [
      "fft of a real tensor": x.fft(), "irfft odd": z.irfft(axes: [1], sizes: [7]),
      "four axes": z.reshape(four).fft(axes: [0, 1, 2, 3]), "four real axes": x.reshape(four).rfft(axes: [0, 1, 2, 3]),
      "four inverse axes": z.reshape(four).irfft(axes: [0, 1, 2, 3]), "shift": x.fftShift(),
      "shift back": x.ifftShift(axes: [2]),
    ]
    typealias Transform = (Tensor, [Int], [Int]?, FourierNorm) -> Tensor
    let transforms: [(String, Tensor, Transform)] = [
      ("fft", z, { $0.fft(axes: $1, sizes: $2, norm: $3) }), ("ifft", z, { $0.ifft(axes: $1, sizes: $2, norm: $3) }),
      ("rfft", x, { $0.rfft(axes: $1, sizes: $2, norm: $3) }),
      ("irfft", z, { $0.irfft(axes: $1, sizes: $2, norm: $3) }),
    ]
    for (name, t, f) in transforms {
      cases[name] = f(t, [-1], nil, .backward)
      cases["\(name) axis"] = f(t, [1], nil, .backward)
      cases["\(name) two"] = f(t, [2, 0], nil, .backward)
      cases["\(name) three ortho"] = f(t, [0, 1, 2], nil, .ortho)
      cases["\(name) sizes"] = f(t, [0, 2], [3, 2], .forward)
    }
    for k in [4, 5] {
      cases["frequencies \(k)"] = .fftFrequencies(k, spacing: 0.5, dtype: .float64)
      cases["real frequencies \(k)"] = .rfftFrequencies(k, spacing: 0.5, dtype: .float64)
    }
    return cases
  }

  private func slope(_ x: Tensor, _ f: @escaping (Tensor) -> Tensor) throws -> Tensor {
    let w = (Tensor.arange(6, dtype: .float64) * 3).cos().reshape([2, 3])
    return try grad { (x: Tensor) in
      let y = f(x)
      let squares = y.dtype.isComplex ? y.real().square() + y.imaginary().square() : y.square()
      return (squares * w.slice(axis: 1, to: y.shape[1]) + y.real()).sum()
    }(x)
  }

  @Test func areThoseOfNumPyAndJAX() throws {
    let oracle = try oracle("fourier", as: [String: Expected].self)
    var cases = cases
    cases["slope fft"] = try slope(z[.all, 0]) { $0.fft() }
    cases["slope rfft"] = try slope(x[.all, 0]) { $0.rfft() }
    cases["slope irfft"] = try slope(z[.all, 0, 0..<2]) { $0.irfft(sizes: [3]) }
    #expect(Set(cases.keys) == Set(oracle.keys))
    let results = cases.mapValues(parts)
    try evaluate(Array(results.values))
    for (name, result) in results {
      let expected = try #require(oracle[name])
      #expect(result.shape == expected.shape, "\(name)")
      try expectClose(result.reshape([-1]), Tensor(expected.doubles), 1e-13, "\(name)")
    }
  }

  @Test func inversesAndSingles() throws {
    let (z, x) = (z.cast(.complex64), x.cast(.float32))
    try expectClose(z.fft(axes: [0, 1]).ifft(axes: [0, 1]).real(), x, 1e-6)
    try expectClose(x.rfft(axes: [1]).irfft(axes: [1]), x, 1e-6)
    #expect(x.rfft().dtype == .complex64)
    try expectClose(x.ifftShift().fftShift(), x, 0)
  }

  @Test func derivatives() throws {
    func flat(_ y: Tensor) -> Tensor { parts(y).square().reshape([-1]) }
    try checkGradients("transforms", [x, x.cos()]) { t in
      let z = complex(t[0], t[1])
      return concatenate([
        flat(z.fft(axes: [0, 2])), flat(z.ifft(axes: [1])), flat(t[0].rfft(axes: [1, 2])), flat(t[0].rfft(axes: [1])),
        flat(z.irfft(axes: [1, 2], sizes: [4, 5])), flat(z.irfft(axes: [1])),
      ])
    }
  }

  @Test func batches() throws {
    let each = vmap(inAxes: [1]) { (x: Tensor) -> Tensor in x.rfft(axes: [0, 1]).irfft(axes: [0, 1], sizes: [2, 3]) }
    try expectClose(try each(x), x.moveAxis(from: 1, to: 0), 1e-14)
    let slope = grad { (x: Tensor) in x.fft().real().square().sum() }
    let slopes = vmap(inAxes: [0]) { (x: Tensor) -> Tensor in try slope(x) }
    try expectClose(try slopes(x), slope(x), 1e-13)
  }

  @Test func badArguments() {
    #expect(x.fft(axes: [3]).failure?.message == "[3] aren't distinct axes of [2, 4, 3]")
    #expect(x.fft(axes: [0, -3]).failure?.kind == .value)
    #expect(x.fft(axes: []).failure?.kind == .value)
    #expect(x.fft(sizes: [2, 3]).failure?.kind == .value)
    #expect(x.fft(sizes: [0]).failure?.kind == .value)
    #expect(x.fft(sizes: [.max]).failure?.kind == .value)
    #expect(z.rfft().failure?.message == "takes real numbers, not complex128; use fft")
    #expect(x.cast(.float16).fft().failure?.kind == .dtype)
    #expect(x.cast(.int32).rfft().failure?.kind == .dtype)
    #expect(z[.all, .all, 0..<1].irfft().failure?.kind == .value)
    #expect(x.fftShift(axes: [5]).failure?.kind == .value)
    #expect(Tensor.fftFrequencies(0).failure?.kind == .value)
    #expect(Tensor.rfftFrequencies(4, spacing: 0).failure?.kind == .value)
  }
}
