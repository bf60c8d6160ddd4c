import Foundation
import Pinion
import Testing

/// Files of values from other libraries; the script of the same name made each.
func oracle<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
  let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Oracles"))
  return try JSONDecoder().decode(T.self, from: Data(contentsOf: url))
}

/// Equality with `jax.random`: see Oracles/random.py.
@Suite struct RandomTests {
  struct Oracle: Decodable {
    let bits: [String: [Int128]]
    let values: [String: [Double]]
  }
  let key = Key(42)

  private func integers(_ t: Tensor) throws -> [Int128] {
    switch t.dtype {
    case .float16, .bfloat16: return try integers(t.bitcast(.uint16))
    case .float32: return try integers(t.bitcast(.uint32))
    case .float64: return try integers(t.bitcast(.uint64))
    case .uint64: return try t.array(of: UInt64.self).map { Int128($0) }
    default: return try t.cast(.int64).array(of: Int64.self).map { Int128($0) }
    }
  }

  @Test func bitsAreThoseOfJAX() throws {
    let oracle = try oracle("random", as: Oracle.self)
    let logits = Tensor((0..<24).map { Float(sin(Double($0)) * 2) }, shape: [4, 6])
    let cases: [String: Tensor] = [
      "key 0": Key(0).words, "key large": Key(0x1234_5678_9ABC_DEF0).words,
      "split": stack(key.split().map(\.words)), "split 5": stack(key.split(5).map(\.words)),
      "foldIn 7": key.foldIn(7).words, "foldIn chain": key.foldIn(0xFFFF_FFFF).foldIn(Tensor(3 as Int32)).words,
      "bits uint8": key.bits([3, 5], dtype: .uint8), "bits uint16": key.bits([3, 5], dtype: .uint16),
      "bits uint32": key.bits([3, 5]), "bits uint64": key.bits([3, 5], dtype: .uint64), "bits scalar": key.bits([]),
      "uniform float16": key.uniform([4, 5], dtype: .float16),
      "uniform bfloat16": key.uniform([4, 5], dtype: .bfloat16),
      "uniform float32": key.uniform([4, 5]), "uniform float64": key.uniform([4, 5], dtype: .float64),
      "uniform range": key.uniform([20], from: -2.5, to: 3.5),
      "bernoulli": key.bernoulli(0.3, [40]),
      "bernoulli tensor": key.bernoulli(.linspace(from: 0, to: 1, count: 11, dtype: .float64)),
      "randint int32": key.randint([20], from: -10, to: 1000),
      "randint full": key.randint([20], from: Int(Int32.min), to: Int(Int32.max) + 1),
      "randint int8": key.randint([20], from: -128, to: 128, dtype: .int8),
      "randint uint8": key.randint([20], from: 0, to: 256, dtype: .uint8),
      "randint uint32": key.randint([20], from: 5, to: 1 << 32, dtype: .uint32),
      "randint int64": key.randint([20], from: -(1 << 40), to: 1 << 41 + 3, dtype: .int64),
      "randint empty": key.randint([3], from: 4, to: 4),
      "permutation 0": key.permutation(0), "permutation 1": key.permutation(1), "permutation 10": key.permutation(10),
      "permutation 1000": key.permutation(1000)[0..<50], "permutation 5000": key.permutation(5000)[0..<50],
      "permutation matrix": key.permutation(Tensor.arange(12).reshape([3, 4]), axis: 1),
      "categorical": key.categorical(logits), "categorical axis 0": key.categorical(logits, axis: 0),
      "categorical shape": key.categorical(logits, shape: [3, 4]),
    ]
    #expect(Set(cases.keys) == Set(oracle.bits.keys))
    for (name, tensor) in cases { #expect(try integers(tensor) == oracle.bits[name], "\(name)") }
  }

  /// Transformed numbers differ in the last places, as erf⁻¹ and log do between versions of XLA.
  @Test func valuesAreThoseOfJAX() throws {
    let oracle = try oracle("random", as: Oracle.self)
    func parts(_ z: Tensor) -> Tensor { stack([z.real(), z.imaginary()], axis: 1) }
    let cases: [(String, Tensor, Double)] = [
      ("normal float16", key.normal([6, 5], dtype: .float16), 2e-3),
      ("normal bfloat16", key.normal([6, 5], dtype: .bfloat16), 1.6e-2),
      ("normal float32", key.normal([6, 5]), 1e-6), ("normal float64", key.normal([6, 5], dtype: .float64), 1e-13),
      ("normal complex64", parts(key.normal([5], dtype: .complex64)), 1e-6),
      ("normal complex128", parts(key.normal([5], dtype: .complex128)), 1e-13),
      ("truncatedNormal", key.truncatedNormal([30]), 1e-6),
      ("truncatedNormal narrow", key.truncatedNormal([30], from: 0.5, to: 0.75, dtype: .float64), 1e-13),
      ("gumbel", key.gumbel([30]), 1e-6), ("gumbel float64", key.gumbel([30], dtype: .float64), 1e-13),
      ("exponential", key.exponential([30]), 1e-6),
    ]
    #expect(Set(cases.map(\.0)) == Set(oracle.values.keys))
    for (name, tensor, tolerance) in cases {
      let expected = try #require(oracle.values[name])
      try expectClose(tensor.reshape([-1]).cast(.float64), Tensor(expected), tolerance, "\(name)")
    }
  }

  @Test func permutationsHoldEveryNumberOnce() throws {
    #expect(try key.permutation(257).sorted().array(of: Int32.self) == Array(0..<257))
    #expect(key.permutation(Tensor.zeros([3, 4]), axis: -1).shape == [3, 4])
  }

  /// Known keys are derived on the host, traced ones by the program.
  @Test func tracedKeysAreTheSame() throws {
    let derived = jit { (key: Key) -> [Tensor] in key.split(3).map(\.words) + [key.foldIn(-5).words] }
    let known = key.split(3).map(\.words) + [key.foldIn(-5).words]
    for (a, b) in zip(try derived(key), known) { #expect(try integers(a) == integers(b)) }
  }

  @Test func badArguments() {
    #expect(key.split(-1).isEmpty)
    #expect(key.bits([2], dtype: .float32).failure?.kind == .dtype)
    #expect(key.uniform([2], dtype: .int32).failure?.kind == .dtype)
    #expect(
      key.randint([2], from: 0, to: 300, dtype: .uint8).failure?.message == "0..<300 isn't inside of uint8, 0...255")
    #expect(key.randint([2], from: 0, to: 3, dtype: .float32).failure?.kind == .dtype)
    #expect(key.randint([2], from: Int.min, to: 3).failure?.kind == .value)
    #expect(key.permutation(-1).failure?.kind == .value)
    #expect(key.permutation(Tensor.zeros([])).failure?.kind == .value)
    #expect(key.categorical(Tensor.zeros([2, 3]), axis: 4).failure?.kind == .value)
    #expect(key.categorical(Tensor.zeros([2, 3]), shape: [5]).failure?.kind == .shape)
  }

  /// Quick bits have no known reference: what masks need of them is checked.
  @Test func quickBitsAreEvenAndIndependent() throws {
    let count = 1 << 18
    let draw = jit { (key: Key) in key.quickBits([count]) }
    let keys = key.split(4) + [Key(0), Key(1), Key(1 << 32)]
    let draws = try keys.map { try draw($0).array(of: UInt32.self) }
    func isHalf(_ agreeing: Int, _ what: String) {
      // Five standard deviations of a fair coin.
      #expect(abs(Double(agreeing) - Double(count) / 2) < 2.5 * Double(count).squareRoot(), "\(what)")
    }
    for (k, words) in draws.enumerated() {
      for byte in 0..<4 {
        var bins = [Double](repeating: 0, count: 256)
        for word in words { bins[Int(word >> (8 * UInt32(byte)) & 255)] += 1 }
        let expected = Double(count) / 256
        let chiSquare = bins.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
        // Mean 255, standard deviation 22.6.
        #expect((150...380).contains(chiSquare), "key \(k), byte \(byte): \(chiSquare)")
      }
      for lag in [1, 2, 64, 1024] {
        for bit in [0, 15, 31] as [UInt32] {
          let agreeing = words.indices.count { (words[$0] ^ words[($0 + lag) % count]) >> bit & 1 == 0 }
          isHalf(agreeing, "key \(k), lag \(lag), bit \(bit)")
        }
      }
      for j in 0..<k {
        isHalf(zip(words, draws[j]).count { ($0 ^ $1) >> 31 == 0 }, "keys \(j) and \(k)")
        isHalf(zip(words, draws[j].dropFirst()).count { ($0 ^ $1) >> 31 == 0 }, "keys \(j) and \(k), next")
      }
    }
    #expect(try draw(key).array(of: UInt32.self) == draw(key).array(of: UInt32.self))
    #expect(key.quickBits([2, 0]).shape == [2, 0] && key.quickBits([]).dtype == .uint32)
  }
}
