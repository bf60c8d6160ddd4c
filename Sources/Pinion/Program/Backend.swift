import Foundation
import Kernels
import PJRT
import Synchronization

/// The plugin, its client and the programs compiled so far.
final class Backend: Sendable {
  let client: Client
  let options: CompileOptions
  /// Whether programs can read the host's memory, and the host theirs.
  let sharesHostMemory: Bool
  private let files: ExecutableFiles?
  let cache = Mutex<[ProgramKey: CompiledProgram]>([:])
  /// Taken to start a program on several devices: two that start at once may wait for each other's devices.
  let launch = Mutex<Void>(())

  private init(deviceCount: Int?) throws {
    _ = SourceLocation.images
    let path = try Plugin.locate()
    client = try Trace.span(.load, "plugin") {
      try Client(plugin: Plugin(path: path), options: deviceCount.map { ["cpu_device_count": $0] } ?? [:])
    }
    files = ExecutableFiles(plugin: path, version: client.platformVersion)
    sharesHostMemory = client.platformName == "cpu"
    options = CompileOptions(settings: sharesHostMemory ? Backend.cpuSettings : [:])
  }

  private static var cpuSettings: [String: CompileOptions.Setting] {
    // Fast minima and maxima lose NaN in reductions.
    var settings: [String: CompileOptions.Setting] = ["xla_cpu_enable_fast_min_max": false]
    // XLA takes 256 bits, for processors whose clock falls with 512. A user's own choice stands.
    let width = "xla_cpu_prefer_vector_width"
    let flags = ProcessInfo.processInfo.environment["XLA_FLAGS"] ?? ""
    if kernels_prefers_wide_vectors(), !flags.contains(width) { settings[width] = 512 }
    return settings
  }

  /// Compiles a program with the platform's options, or finds what an earlier process compiled.
  func compile(_ text: ProgramText) throws -> CompiledProgram {
    if let mesh = text.mesh { return try compile(text, on: mesh) }
    return CompiledProgram(executable: try compile(text.module(), options), layout: nil)
  }

  func compile(_ module: String, _ options: CompileOptions) throws -> Executable {
    let known = Trace.span(.load, "program") { files?.load(module, options: options, client: client) }
    if let known { return known }
    let clock = ContinuousClock()
    let start = clock.now
    let executable = try Trace.span(.compile, "\(module.utf8.count) bytes") {
      try client.compile(mlir: module, options: options)
    }
    if clock.now - start > ExecutableFiles.worthwhile { files?.save(executable, module, options: options) }
    return executable
  }

  private static let instance = Mutex<Backend?>(nil)
  private static let requestedCount = Mutex<Int?>(nil)

  /// Asks for a number of devices.
  ///
  /// - Throws: `PJRTError` where they have been made already.
  static func request(deviceCount: Int) throws {
    try instance.withLock { backend in
      if let backend, backend.client.devices.count != deviceCount {
        throw PJRTError(
          "the \(backend.client.devices.count) devices are in use already; ask for \(deviceCount) before the first tensor "
            + "is computed, or set PINION_DEVICES=\(deviceCount)")
      }
      requestedCount.withLock { $0 = deviceCount }
    }
  }

  /// What the program or else the user asks for.
  private static func deviceCount() throws -> Int? {
    if let count = requestedCount.withLock({ $0 }) { return count }
    guard let text = RuntimeParts.environment("PINION_DEVICES") else { return nil }
    guard let count = Int(text), Device.countRange.contains(count) else {
      throw PJRTError("PINION_DEVICES is '\(text)', not a number of \(Device.countRange)")
    }
    return count
  }

  /// The one of this process; loads the plugin at first use.
  ///
  /// - Throws: `PJRTError` where no plugin is found; the next call tries again.
  static func shared() throws -> Backend {
    try instance.withLock { slot in
      if let backend = slot { return backend }
      let backend = try Backend(deviceCount: deviceCount())
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

  /// Devices of this process. A CPU shows four unless `configure(count:)` or `PINION_DEVICES` says otherwise: threads
  /// of the same cores, on which programs for many devices can be written and tested.
  ///
  /// - Throws: `PJRTError` where the plugin can't be loaded, or `PINION_DEVICES` isn't a number of devices.
  public static func count() throws -> Int { try Backend.shared().client.devices.count }

  /// Numbers of devices that can be asked for.
  static let countRange = 1...1024

  /// Divides a CPU into a number of devices. Call it before the first tensor is computed.
  ///
  /// - Throws: `PJRTError` where devices have been made already, or the number isn't 1 to 1024.
  public static func configure(count: Int) throws {
    guard countRange.contains(count) else { throw PJRTError("\(count) isn't a number of devices (\(countRange))") }
    try Backend.request(deviceCount: count)
  }

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
