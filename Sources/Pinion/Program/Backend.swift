import PJRT
import Synchronization

/// The plugin, its client and the programs compiled so far.
final class Backend: Sendable {
  let client: Client
  let options: CompileOptions
  /// Whether programs can read the host's memory, and the host theirs.
  let sharesHostMemory: Bool
  private let files: ExecutableFiles?
  let cache = Mutex<[ProgramKey: Executable]>([:])

  private init() throws {
    let path = try Plugin.locate()
    client = try Client(plugin: Plugin(path: path))
    files = ExecutableFiles(plugin: path, version: client.platformVersion)
    sharesHostMemory = client.platformName == "cpu"
    // Fast minima and maxima lose NaN in reductions.
    options = CompileOptions(switches: sharesHostMemory ? ["xla_cpu_enable_fast_min_max": false] : [:])
  }

  /// Compiles a program with the platform's options, or finds what an earlier process compiled.
  func compile(_ text: String) throws -> Executable {
    if let known = files?.load(text, options: options, client: client) { return known }
    let clock = ContinuousClock()
    let start = clock.now
    let executable = try client.compile(mlir: text, options: options)
    if clock.now - start > ExecutableFiles.worthwhile { files?.save(executable, text, options: options) }
    return executable
  }

  private static let instance = Mutex<Backend?>(nil)

  /// The one of this process; loads the plugin at first use.
  ///
  /// - Throws: `PJRTError` where no plugin is found; the next call tries again.
  static func shared() throws -> Backend {
    try instance.withLock { slot in
      if let backend = slot { return backend }
      let backend = try Backend()
      slot = backend
      return backend
    }
  }
}

/// The machinery that runs tensors' programs, for `doctor` and logs.
public enum Device {
  /// Name of the platform, such as `cpu`.
  ///
  /// - Throws: `PJRTError` where the plugin can't be loaded.
  public static func platformName() throws -> String { try Backend.shared().client.platformName }

  /// Programs compiled by evaluation in this process.
  public static func compiledProgramCount() throws -> Int { try Backend.shared().cache.withLock { $0.count } }
}

extension DType {
  /// PJRT's name of the type.
  var element: ElementType {
    switch self {
    case .bool: .pred
    case .int8: .s8
    case .int16: .s16
    case .int32: .s32
    case .int64: .s64
    case .uint8: .u8
    case .uint16: .u16
    case .uint32: .u32
    case .uint64: .u64
    case .float16: .f16
    case .bfloat16: .bf16
    case .float32: .f32
    case .float64: .f64
    case .complex64: .c64
    case .complex128: .c128
    }
  }
}
