import Kernels
import PJRT

/// Convolutions of oneDNN, several times quicker than XLA's own on CPUs, behind foreign functions of the plugin.
///
/// The variable `PINION_ONEDNN` names another file, and `PINION_CONVOLUTION=xla` leaves convolutions to XLA.
enum OneDNN {
  private static let library = ForeignLibrary(
    "libdnnl.so.3", variable: "PINION_ONEDNN", opener: { kernels_convolution_open($0, $1, $2) },
    functions: [
      (target(.result), { kernels_convolution($0) }), (target(.inputGradient), { kernels_convolution_input($0) }),
      (target(.kernelGradient), { kernels_convolution_kernel($0) }),
    ])

  private static let choice = RuntimeParts.environment("PINION_CONVOLUTION")

  /// Path of the library in use.
  ///
  /// - Throws: `PJRTError` that says why there is none.
  static func path() throws -> String {
    try check(choice: choice)
    return try library.path()
  }

  /// - Parameter choice: who shall convolve: `onednn` or `xla`.
  /// - Throws: `PJRTError` where it isn't oneDNN.
  static func check(choice: String?) throws {
    switch choice {
    case nil, "onednn": break
    case "xla": throw PJRTError("PINION_CONVOLUTION is 'xla'")
    case let other?: throw PJRTError("PINION_CONVOLUTION is '\(other)', expected 'onednn' or 'xla'")
    }
  }

  /// The file to open.
  ///
  /// - Parameters:
  ///   - choice: who shall convolve: `onednn` or `xla`.
  ///   - file: the user's path.
  /// - Throws: `PJRTError` that says why there is none.
  static func locate(choice: String?, file: String?) throws -> String {
    try check(choice: choice)
    return try library.locate(file: file)
  }

  /// Opens a library for the foreign functions.
  ///
  /// - Throws: `PJRTError` where it isn't oneDNN 3.
  static func open(_ path: String) throws { try library.open(path) }

  /// Which of a convolution's three tensors is computed from the other two.
  enum Part: Int32 { case result, inputGradient, kernelGradient }

  private static func target(_ part: Part) -> String {
    switch part {
    case .result: "pinion_convolution"
    case .inputGradient: "pinion_convolution_input"
    case .kernelGradient: "pinion_convolution_kernel"
    }
  }

  /// Prints a call of oneDNN.
  ///
  /// - Parameters:
  ///   - input: [N, spatial…, C], like `kernel` and `output` of the convolution itself.
  /// - Returns: `nil` where oneDNN isn't there, or has no good implementation.
  static func lower(
    _ part: Part, of convolution: Convolution, input: TensorType, kernel: TensorType, output: TensorType,
    _ operands: [SSAValue], into printer: inout StableHLOPrinter
  ) -> [SSAValue]? {
    // On several devices XLA must see what it distributes.
    guard [.float32, .float16, .bfloat16].contains(input.dtype), convolution.inputDilation.allSatisfy({ $0 == 1 }),
      printer.mesh == nil, !printer.isPortable, (try? path()) != nil
    else { return nil }
    func wide(_ list: [Int]) -> [Int64] { list.map(Int64.init) }
    let numbers =
      [convolution.groups] + convolution.strides + convolution.kernelDilation + convolution.padding.map { $0[0] }
      + convolution.padding.map { $0[1] }
    guard
      kernels_convolution_takes(
        part.rawValue, xlaNumber(input.dtype), Int64(input.rank), wide(input.shape), wide(kernel.shape),
        wide(output.shape), wide(numbers))
    else { return nil }
    let result =
      switch part {
      case .result: output
      case .inputGradient: input
      case .kernelGradient: kernel
      }
    return printer.foreign(
      target(part), operands, configuration: "geometry = \(printer.i64Array(numbers))", results: [result])
  }

  /// `xla.PrimitiveType`.
  private static func xlaNumber(_ dtype: DType) -> Int32 {
    switch dtype {
    case .float16: 10
    case .bfloat16: 16
    default: 11
    }
  }
}

extension Device {
  /// Where convolutions run: the path of oneDNN.
  ///
  /// - Throws: `PJRTError` that says why XLA does them itself.
  public static func convolutionLibrary() throws -> String { try OneDNN.path() }
}
