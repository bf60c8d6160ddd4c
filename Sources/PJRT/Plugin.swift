import CPJRT
import Glibc

/// A PJRT plugin: XLA for one kind of device, behind a table of C functions.
public final class Plugin: @unchecked Sendable {
  let api: UnsafePointer<pj_api>
  /// Where it was found.
  public let path: String
  /// Version of the interface that the plugin speaks.
  public let apiVersion: (major: Int, minor: Int)

  /// File name of the plugin for CPUs.
  public static let cpuFileName = "pjrt_c_api_cpu_plugin.so"

  /// Finds a plugin: `PINION_PLUGIN`, `.pinion/lib`, the cache folder, in this order.
  ///
  /// - Throws: `PJRTError` that says what to do where there is none.
  public static func locate() throws -> String {
    if let path = RuntimeParts.environment("PINION_PLUGIN") {
      guard access(path, R_OK) == 0 else {
        throw PJRTError("PINION_PLUGIN names '\(path)', which can't be read")
      }
      return path
    }
    if let path = RuntimeParts.find(cpuFileName) { return path }
    throw PJRTError(
      "no XLA plugin (\(cpuFileName)) in \(RuntimeParts.folders.joined(separator: ", ")); "
        + "run ./pinion doctor in the checkout, or set PINION_PLUGIN to a PJRT plugin")
  }

  /// Loads a plugin and checks that it has all functions that Pinion calls.
  ///
  /// - Throws: `PJRTError` where the file isn't a plugin, or is too old.
  public init(path: String) throws {
    // XLA's own log goes to stderr; what the user must know comes as errors.
    setenv("TF_CPP_MIN_LOG_LEVEL", "3", 0)
    let library = try DynamicLibrary(path: path)
    guard let entry = try? library.symbol("GetPjrtApi"), let api = pj_get_api(entry) else {
      throw PJRTError("\(path) isn't a PJRT plugin: it has no function GetPjrtApi")
    }
    self.api = api
    self.path = path
    let version = api.pointee.pjrt_api_version
    apiVersion = (Int(version.major_version), Int(version.minor_version))
    let needed = MemoryLayout<pj_api>.size + (Int(PJ_BUFFER_OPAQUE_DEVICE_MEMORY_DATA_POINTER.rawValue) + 1) * 8
    guard version.major_version == 0, api.pointee.struct_size >= needed else {
      throw PJRTError("\(path) speaks PJRT \(apiVersion.major).\(apiVersion.minor), which is too old for Pinion")
    }
    var args = pj_plugin_initialize_args()
    try call(PJ_PLUGIN_INITIALIZE, &args)
  }

  /// The extension through which foreign functions are registered; `nil` where the plugin has none.
  private var ffi: UnsafePointer<pj_ffi_extension>? {
    // Older interfaces lay the arguments of the registration out in another way.
    guard apiVersion.minor >= 115 else { return nil }
    var next = api.pointee.extension_start
    while let extensionHead = next {
      if extensionHead.pointee.type == Int32(PJ_EXTENSION_FFI) {
        return UnsafeRawPointer(extensionHead).assumingMemoryBound(to: pj_ffi_extension.self)
      }
      next = extensionHead.pointee.next
    }
    return nil
  }

  /// Whether foreign functions can be registered.
  public var hasForeignFunctions: Bool { ffi != nil }

  /// Handler of a foreign function: returns null, or an error made with the frame's table.
  public typealias ForeignFunction = @convention(c) (UnsafeMutablePointer<ffi_call_frame>?) -> OpaquePointer?

  /// Makes a C function callable from programs, as `stablehlo.custom_call @name` with `api_version = 4`.
  ///
  /// - Parameters:
  ///   - name: the target's name; once per process.
  ///   - platform: `HOST` for CPUs, `CUDA` for NVIDIA's GPUs.
  /// - Throws: `PJRTError` where the plugin has no foreign functions, or the name is taken.
  public func register(_ name: String, platform: String = "HOST", function: @escaping ForeignFunction) throws {
    guard let ffi else { throw PJRTError("\(path) takes no foreign functions") }
    var args = pj_ffi_register_handler_args()
    args.struct_size = MemoryLayout<pj_ffi_register_handler_args>.size
    args.handler = unsafeBitCast(function, to: UnsafeMutableRawPointer.self)
    var (target, place) = (name, platform)
    let error = target.withUTF8 { target in
      place.withUTF8 { place in
        target.withMemoryRebound(to: CChar.self) { target in
          place.withMemoryRebound(to: CChar.self) { place in
            args.target_name = target.baseAddress
            args.target_name_size = target.count
            args.platform_name = place.baseAddress
            args.platform_name_size = place.count
            return pj_ffi_register(ffi, &args)
          }
        }
      }
    }
    try check(error)
  }
}
