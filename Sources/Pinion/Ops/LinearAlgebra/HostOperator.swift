import CPJRT
import PJRT
import Synchronization

/// A real linear operator that Swift code computes, as an operation on float64 tensors: a product by fast multipoles, by a
/// sparse matrix of one's own, by another program.
///
/// Programs call it in the middle of their run, in loops too. Its derivative is the transposed operator, and that one's
/// is the operator again, so derivatives of all orders go through, as do batches.
/// ```swift
/// let twice = HostOperator(rows: 3, columns: 3, apply: { $0.map { 2 * $0 } }, transpose: { $0.map { 2 * $0 } })
/// let gradient = try grad { x in (x * twice(x)).sum() }(x)
/// ```
public struct HostOperator: Sendable {
  /// Numbers of a result and of an argument.
  public let rows: Int
  public let columns: Int
  private let box: HostFunctionBox
  private let isTransposed: Bool

  /// - Parameters:
  ///   - apply: from `columns` to `rows` numbers; called from several threads at a time.
  ///   - transpose: the transposed operator, from `rows` to `columns` numbers.
  public init(
    rows: Int, columns: Int, apply: @escaping @Sendable ([Double]) throws -> [Double],
    transpose: @escaping @Sendable ([Double]) throws -> [Double]
  ) {
    (self.rows, self.columns, isTransposed) = (rows, columns, false)
    box = HostFunctionBox(apply: apply, transpose: transpose)
  }

  private init(_ other: HostOperator) {
    (rows, columns, box, isTransposed) = (other.columns, other.rows, other.box, !other.isTransposed)
  }

  /// The operator of the transposed matrix.
  public var transposed: HostOperator { HostOperator(self) }

  /// The product with vectors, `[…, columns]` to `[…, rows]`, float64.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    Tensor.apply1(HostProduct(box: box, isTransposed: isTransposed, rows: rows, columns: columns), [x])
  }
}

/// What a program calls, found by its number.
private final class HostFunctionBox: Sendable, Hashable {
  typealias Function = @Sendable ([Double]) throws -> [Double]

  private struct Weak: Sendable {
    weak let box: HostFunctionBox?
  }

  private struct Registry {
    var next: Int64 = 1
    var boxes: [Int64: Weak] = [:]
  }
  private static let registry = Mutex(Registry())

  let number: Int64
  let apply: Function
  let transpose: Function

  init(apply: @escaping Function, transpose: @escaping Function) {
    (self.apply, self.transpose) = (apply, transpose)
    number = Self.registry.withLock { registry in
      defer { registry.next += 1 }
      return registry.next
    }
    Self.registry.withLock { [number] in $0.boxes[number] = Weak(box: self) }
  }

  deinit { Self.registry.withLock { [number] in $0.boxes[number] = nil } }

  static func box(_ number: Int64) -> HostFunctionBox? { registry.withLock { $0.boxes[number]?.box } }

  static func == (a: HostFunctionBox, b: HostFunctionBox) -> Bool { a === b }
  func hash(into hasher: inout Hasher) { hasher.combine(number) }
}

private struct HostProduct: Primitive {
  let box: HostFunctionBox
  let isTransposed: Bool
  let rows: Int
  let columns: Int
  var name: String { "hostOperator" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let x = inputs[0]
    guard x.dtype == .float64 else {
      throw TensorError.dtype(name, "takes float64, not \(x.dtype); convert with cast(_:)")
    }
    guard x.rank >= 1, x.shape[x.rank - 1] == columns else {
      throw TensorError.shape(name, "takes \(columns) numbers in the last axis, got \(x)")
    }
    return [x.with(shape: Array(x.shape.dropLast()) + [rows])]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let back = HostProduct(box: box, isTransposed: !isTransposed, rows: columns, columns: rows)
    return [Tensor.apply1(back, [context.cotangent])]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    overLeadingAxis(inputs, axes, size: size)
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    do { try HostCalls.register() } catch {
      throw TensorError.unsupported(name, "needs a plugin on the CPU that calls foreign functions: \(error)")
    }
    return printer.foreign(
      HostCalls.target, operands,
      configuration: "number = \(box.number) : i64, transposed = \(isTransposed ? 1 : 0) : i64",
      results: try resultTypes(operands.map(\.type)))
  }
}

/// The plugin's way into Swift.
private enum HostCalls {
  static let target = "pinion_host_operator"
  private static let state = Mutex<Result<Void, PJRTError>?>(nil)

  /// Makes the function known to the plugin, once.
  static func register() throws(PJRTError) {
    try state.withLock { state throws(PJRTError) in
      if let state { return try state.get() }
      let result = Result { () throws(PJRTError) -> Void in
        do {
          let backend = try Backend.shared()
          guard backend.sharesHostMemory else { throw PJRTError("the platform is \(backend.client.platformName)") }
          try backend.client.plugin.register(target) { HostCalls.call($0) }
        } catch { throw error as? PJRTError ?? PJRTError("\(error)") }
      }
      state = result
      try result.get()
    }
  }

  private static func call(_ frame: UnsafeMutablePointer<ffi_call_frame>?) -> OpaquePointer? {
    guard let frame, !ffi_answer_metadata(frame) else { return nil }
    do {
      try run(frame)
      return nil
    } catch {
      guard let create = frame.pointee.api?.pointee.error_create else { return nil }
      return "hostOperator: \(error)".withCString { text in
        var arguments = ffi_error_create_args()
        arguments.struct_size = MemoryLayout<ffi_error_create_args>.size
        (arguments.message, arguments.errc) = (text, 13)
        return create(&arguments)
      }
    }
  }

  private static func run(_ frame: UnsafeMutablePointer<ffi_call_frame>) throws {
    let attributes = frame.pointee.attrs
    func integer(_ name: String) -> Int64? {
      for place in 0..<Int(attributes.size) {
        guard let span = attributes.names[place], let scalar = attributes.attrs[place],
          String(decoding: UnsafeRawBufferPointer(start: span.pointee.ptr, count: span.pointee.len), as: UTF8.self)
            == name
        else { continue }
        return scalar.assumingMemoryBound(to: ffi_scalar.self).pointee.value?.load(as: Int64.self)
      }
      return nil
    }
    /// Rows of a float64 buffer; nil where it holds no numbers.
    func rows(_ pointer: UnsafeMutableRawPointer?) -> (data: UnsafeMutablePointer<Double>, count: Int, width: Int)? {
      guard let buffer = pointer?.assumingMemoryBound(to: ffi_buffer.self).pointee, buffer.rank >= 1,
        let sizes = buffer.dims, let data = buffer.data?.assumingMemoryBound(to: Double.self)
      else { return nil }
      let width = Int(sizes[Int(buffer.rank) - 1])
      let count = (0..<Int(buffer.rank) - 1).reduce(1) { $0 * Int(sizes[$1]) }
      return width == 0 ? nil : (data, count, width)
    }
    guard let number = integer("number"), let box = HostFunctionBox.box(number), frame.pointee.args.size == 1,
      frame.pointee.rets.size == 1
    else { throw TensorError.unsupported("hostOperator", "the operator isn't there any more") }
    guard let from = rows(frame.pointee.args.args[0]), let to = rows(frame.pointee.rets.rets[0]) else { return }
    let function = integer("transposed") == 1 ? box.transpose : box.apply
    for row in 0..<min(from.count, to.count) {
      let result = try function(Array(UnsafeBufferPointer(start: from.data + row * from.width, count: from.width)))
      guard result.count == to.width else {
        throw TensorError.shape("hostOperator", "gave \(result.count) numbers, expected \(to.width)")
      }
      result.withUnsafeBufferPointer { result in
        if let base = result.baseAddress { (to.data + row * to.width).update(from: base, count: to.width) }
      }
    }
  }
}
