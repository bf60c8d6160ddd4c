import Kernels
import PJRT

/// LAPACK of an OpenBLAS behind foreign functions of the plugin; the variable `PINION_OPENBLAS` names another file.
enum LAPACK {
  private static let library = ForeignLibrary(
    "libscipy_openblas.so", variable: "PINION_OPENBLAS", opener: { kernels_lapack_open($0, $1, $2) },
    functions: [
      ("pinion_cholesky", { kernels_cholesky($0) }), ("pinion_triangular_solve", { kernels_triangular_solve($0) }),
      ("pinion_lu", { kernels_lu($0) }), ("pinion_lu_solve", { kernels_lu_solve($0) }),
      ("pinion_qr", { kernels_qr($0) }), ("pinion_eigh", { kernels_eigh($0) }), ("pinion_svd", { kernels_svd($0) }),
    ])

  /// Whether it counts as missing, for tests of what stands in for it.
  @TaskLocal static var isHidden = false

  /// Whether the platform's programs can call it; where not, StableHLO or XLA's own functions stand in, or nothing.
  static var isAvailable: Bool { (try? check()) != nil }

  /// - Throws: `TensorError` that names the library where it can't be called.
  static func require(_ operation: String) throws {
    do { try check() } catch { throw TensorError.unsupported(operation, "needs LAPACK on the CPU: \(error)") }
  }

  private static func check() throws {
    if isHidden { throw PJRTError("\(library.fileName) is hidden") }
    _ = try library.path()
  }
}

extension StableHLOPrinter {
  /// Whether LAPACK shall do an operation that XLA has too.
  var prefersLAPACK: Bool { !isPortable && LAPACK.isAvailable }
}

extension StableHLOPrinter {
  /// Prints a call of a foreign function, whose operands and results are row-major.
  mutating func foreign(
    _ target: String, _ operands: [SSAValue], flags: [(String, Bool)] = [], results: [TensorType]
  ) -> [SSAValue] {
    let configuration = flags.map { "\($0.0) = \($0.1 ? 1 : 0) : i64" }.joined(separator: ", ")
    return foreign(target, operands, configuration: configuration, results: results)
  }

  /// Prints a call of a foreign function, whose operands and results are row-major.
  ///
  /// - Parameter configuration: the function's attributes, as MLIR spells them.
  mutating func foreign(
    _ target: String, _ operands: [SSAValue], configuration: String, results: [TensorType]
  ) -> [SSAValue] {
    func layouts(_ types: [TensorType]) -> String {
      types.map { type in
        let axes = (0..<type.rank).reversed().map(String.init).joined(separator: ", ")
        return type.rank == 0 ? "dense<> : tensor<0xindex>" : "dense<[\(axes)]> : tensor<\(type.rank)xindex>"
      }.joined(separator: ", ")
    }
    return emit(
      "stablehlo.custom_call", operands,
      attributes: """
        call_target_name = "\(target)", api_version = 4 : i32, backend_config = {\(configuration)}, \
        operand_layouts = [\(layouts(operands.map(\.type)))], result_layouts = [\(layouts(results))]
        """, results: results)
  }
}

extension TensorType {
  /// Sizes before the last two axes.
  var leadingShape: Shape { Array(shape.dropLast(2)) }
  var rows: Int { shape[rank - 2] }
  var columns: Int { shape[rank - 1] }

  /// The type with other sizes in place of the last two.
  func matrix(_ sizes: Int...) -> TensorType { with(shape: leadingShape + sizes) }

  /// Checks that the last two axes are a matrix of elements that LAPACK takes.
  func checkMatrix(_ operation: String, square: Bool = false) throws {
    guard dtype == .float32 || dtype == .float64 || dtype.isComplex else {
      throw TensorError.dtype(
        operation, "takes float32, float64, complex64 or complex128, not \(dtype); convert with cast(_:)")
    }
    guard rank >= 2 else {
      throw TensorError.shape(operation, "takes matrices in the last two axes, got \(self)")
    }
    guard !square || rows == columns else {
      throw TensorError.shape(operation, "takes square matrices, got \(self) (\(rows) rows, \(columns) columns)")
    }
  }
}

extension Primitive {
  /// The rule for examples of an operation that takes stacks of matrices: they become the outermost axis.
  func overLeadingAxis(
    _ inputs: [Tensor], _ axes: [Int?], size: Int, results: Int = 1
  ) -> (results: [Tensor], axes: [Int?]) {
    let leading = zip(inputs, axes).map { Batched(tensor: $0, axis: $1).leading(size) }
    return (
      Tensor.apply(self, leading, resultCount: results), [Int?](repeating: 0, count: results)
    )
  }
}
