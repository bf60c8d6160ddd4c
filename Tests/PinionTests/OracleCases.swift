import Foundation
import Pinion

/// A case of differential.json.
struct OracleCase: Decodable {
  /// How to make an operand.
  struct Spec: Decodable {
    let d: String
    let s: [Int]
    let low, high: Double?
    let seed: UInt64?
    let values: [Number]?
  }
  /// A number, or the name of one that JSON lacks.
  struct Number: Decodable {
    let value: Double
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        value = number
      } else {
        value = Double(try container.decode(String.self)) ?? .nan
      }
    }
  }
  /// Bytes of a tensor.
  struct Stored: Decodable {
    let d: String
    let s: [Int]
    let b: Data
  }
  let op: String
  let inputs: [Spec]
  let axes: [Int?]
  let values, vmap: [Stored]
  let gradients: [Stored]?
  let loose: Double?

  /// The operands of an example.
  func operands(_ example: Int = 0) -> [Tensor] { inputs.map { $0.tensor(0..<1, example) } }

  /// Several examples along an axis; the first one alone where there is none.
  func batch(_ examples: Int, _ axes: [Int?]) -> [Tensor] {
    zip(inputs, axes).map { spec, axis in
      axis.map { spec.tensor(0..<examples).moveAxis(from: 0, to: $0) } ?? spec.tensor(0..<1, 0)
    }
  }
}

extension OracleCase.Spec {
  /// Elements of one example; a complex one takes two.
  private func elements(_ e: Int) -> [Double] {
    let n = s.elementCount
    if let values {
      return (0..<n).map { values[($0 + e) % n].value }
    }
    let seed = (self.seed ?? 1) + 37 * UInt64(e)
    let real = congruence(n, low ?? -1, high ?? 1, seed)
    guard d.hasPrefix("complex") else { return real }
    return zip(real, congruence(n, low ?? -1, high ?? 1, seed + 1000)).flatMap { [$0, $1] }
  }

  /// Examples along a new first axis, or (with `only`) one without it.
  func tensor(_ examples: Range<Int>, _ only: Int? = nil) -> Tensor {
    let x = only.map(elements) ?? examples.flatMap(elements)
    let shape = only == nil ? [examples.count] + s : s
    let dtype = DType(rawValue: d) ?? .float32
    func made<T: TensorScalar>(_ convert: (Double) -> T) -> Tensor {
      x.map(convert).withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: dtype) }
    }
    return switch dtype {
    case .bool: made { $0 > 0 }
    case .int8: made { Int8($0.rounded(.down)) }
    case .int16: made { Int16($0.rounded(.down)) }
    case .int32: made { Int32($0.rounded(.down)) }
    case .int64: made { Int64($0.rounded(.down)) }
    case .uint8: made { UInt8($0.rounded(.down)) }
    case .uint16: made { UInt16($0.rounded(.down)) }
    case .uint32: made { UInt32($0.rounded(.down)) }
    case .uint64: made { UInt64($0.rounded(.down)) }
    case .float16: made { Float16($0) }
    case .bfloat16: made { BFloat16(Float($0)) }
    case .float32, .complex64: made { Float($0) }
    case .float64, .complex128: made { $0 }
    }
  }
}

/// The elements of host bytes as numbers; two for a complex one.
func hostNumbers(_ bytes: [UInt8], _ dtype: DType) -> [Double] {
  func read<T>(_ type: T.Type, _ convert: (T) -> Double) -> [Double] {
    bytes.withUnsafeBytes { raw in
      (0..<raw.count / MemoryLayout<T>.size).map {
        convert(raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
      }
    }
  }
  return switch dtype {
  case .bool, .uint8: bytes.map(Double.init)
  case .int8: read(Int8.self, Double.init)
  case .int16: read(Int16.self, Double.init)
  case .int32: read(Int32.self, Double.init)
  case .int64: read(Int64.self, Double.init)
  case .uint16: read(UInt16.self, Double.init)
  case .uint32: read(UInt32.self, Double.init)
  case .uint64: read(UInt64.self, Double.init)
  case .float16: read(Float16.self, Double.init)
  case .bfloat16: read(BFloat16.self) { Double($0.float) }
  case .float32, .complex64: read(Float.self, Double.init)
  case .float64, .complex128: read(Double.self) { $0 }
  }
}

/// The weights of the sum whose gradients the oracle has.
func oracleWeights(like y: Tensor) -> Tensor {
  let w = (0..<y.count).map { 0.5 + Double($0 * 7 % 11) / 11 }
  return Tensor(w, shape: y.shape).cast(y.dtype)
}

/// A weighted sum of the results that have derivatives.
func oracleLoss(_ results: [Tensor]) -> Tensor {
  results.filter(\.dtype.isDifferentiable).map { ($0 * oracleWeights(like: $0)).sum().real().cast(.float64) }
    .reduce(Tensor.zeros([], dtype: .float64), +)
}
