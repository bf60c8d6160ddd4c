import CPJRT

/// A connection to the devices of a plugin: compiles programs and makes buffers.
public final class Client: @unchecked Sendable {
  /// The plugin behind it.
  public let plugin: Plugin
  /// Devices of this process.
  public let devices: [Device]
  /// Name of the platform, such as `cpu`.
  public let platformName: String
  /// Version of XLA, as the platform words it.
  public let platformVersion: String
  let handle: OpaquePointer

  /// - Parameters:
  ///   - plugin: a loaded plugin.
  ///   - options: integer options of the plugin, such as `cpu_device_count`.
  /// - Throws: `PJRTError` with XLA's message.
  public init(plugin: Plugin, options: [String: Int] = [:]) throws {
    self.plugin = plugin
    var args = pj_client_create_args()
    let names = options.keys.sorted().map { Array($0.utf8CString) }
    var values = options.keys.sorted().map { key in
      var value = pj_named_value()
      value.struct_size = MemoryLayout<pj_named_value>.size
      value.name_size = key.utf8.count
      value.type = PJ_NAMED_INT64
      value.int64_value = Int64(options[key] ?? 0)
      value.value_size = 1
      return value
    }
    try withPointers(names) { pointers in
      for (i, pointer) in pointers.enumerated() { values[i].name = pointer }
      try values.withUnsafeBufferPointer { values in
        args.create_options = values.baseAddress
        args.num_options = values.count
        try plugin.call(PJ_CLIENT_CREATE, &args)
      }
    }
    guard let handle = args.client else { throw PJRTError("\(plugin.path) made no client") }
    self.handle = handle
    func text(_ slot: pj_slot) throws -> String {
      var args = pj_client_text_args()
      args.client = handle
      try plugin.call(slot, &args)
      return String(decoding: UnsafeRawBufferPointer(start: args.text, count: args.text_size), as: UTF8.self)
    }
    platformName = try text(PJ_CLIENT_PLATFORM_NAME)
    platformVersion = try text(PJ_CLIENT_PLATFORM_VERSION)
    var list = pj_client_addressable_devices_args()
    list.client = handle
    try plugin.call(PJ_CLIENT_ADDRESSABLE_DEVICES, &list)
    let found = UnsafeBufferPointer(start: list.addressable_devices, count: list.num_addressable_devices)
    devices = found.compactMap { $0.map(Device.init) }
    guard !devices.isEmpty else { throw PJRTError("\(plugin.path) has no device") }
  }

  deinit {
    var args = pj_client_destroy_args()
    args.client = handle
    try? plugin.call(PJ_CLIENT_DESTROY, &args)
  }

  /// The kind of a device, in the plugin's words.
  ///
  /// - Throws: `PJRTError` with XLA's message.
  public func describe(_ device: Device) throws -> String {
    var get = pj_device_get_description_args()
    get.device = device.handle
    try plugin.call(PJ_DEVICE_GET_DESCRIPTION, &get)
    var text = pj_device_description_to_string_args()
    text.device_description = get.device_description
    try plugin.call(PJ_DEVICE_DESCRIPTION_TO_STRING, &text)
    return String(decoding: UnsafeRawBufferPointer(start: text.to_string, count: text.to_string_size), as: UTF8.self)
  }

  /// Compiles a program given as MLIR text or bytecode in StableHLO.
  ///
  /// - Throws: `PJRTError` with XLA's message.
  public func compile(mlir: String, options: CompileOptions = CompileOptions()) throws -> Executable {
    var (code, format) = (mlir, "mlir")
    let options = options.serialized
    var args = pj_client_compile_args()
    args.client = handle
    try code.withUTF8 { code in
      try format.withUTF8 { format in
        try options.withUnsafeBytes { options in
          var program = pj_program()
          program.struct_size = MemoryLayout<pj_program>.size
          program.code = UnsafeMutableRawPointer(mutating: code.baseAddress)?.assumingMemoryBound(to: CChar.self)
          program.code_size = code.count
          program.format = UnsafeRawPointer(format.baseAddress)?.assumingMemoryBound(to: CChar.self)
          program.format_size = format.count
          args.compile_options = options.baseAddress?.assumingMemoryBound(to: CChar.self)
          args.compile_options_size = options.count
          try withUnsafePointer(to: program) {
            args.program = $0
            try plugin.call(PJ_CLIENT_COMPILE, &args)
          }
        }
      }
    }
    return try Executable(client: self, handle: args.executable)
  }

  /// Loads an executable that was serialised by the same plugin on the same kind of machine.
  ///
  /// - Throws: `PJRTError` where the bytes are something else.
  public func load(_ bytes: [UInt8]) throws -> Executable {
    var args = pj_executable_deserialize_and_load_args()
    args.client = handle
    try bytes.withUnsafeBytes { bytes in
      args.serialized_executable = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      args.serialized_executable_size = bytes.count
      try plugin.call(PJ_EXECUTABLE_DESERIALIZE_AND_LOAD, &args)
    }
    return try Executable(client: self, handle: args.loaded_executable)
  }
}

/// One device, such as a CPU or a GPU.
public struct Device: @unchecked Sendable {
  let handle: OpaquePointer
  init(_ handle: OpaquePointer) { self.handle = handle }
}

/// What compilation may be told: a `CompileOptionsProto`.
public struct CompileOptions: Hashable, Sendable {
  /// Copies of the program that run together on devices of their own, each with its share of the data.
  /// `nil` for one program on one device.
  public var partitions: Int?
  /// Settings of XLA by name, such as `xla_cpu_enable_fast_min_max`, for this compilation.
  public var settings: [String: Setting]

  /// The value of a setting: what XLA calls its debug options.
  public enum Setting: Hashable, Sendable, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    case bool(Bool)
    /// Not negative.
    case int(Int)

    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
  }

  public init(partitions: Int? = nil, settings: [String: Setting] = [:]) {
    self.partitions = partitions
    self.settings = settings
  }

  /// `executable_build_options` (field 3) with `num_replicas` (4) and `num_partitions` (5), and
  /// `env_option_overrides` (7), a map whose values have `bool_field` (2) or `int_field` (3).
  public var serialized: [UInt8] {
    var inner: [UInt8] = [0x20, 0x01, 0x28] + Self.varint(partitions ?? 1)
    // use_spmd_partitioning (6): one program for all partitions; use_shardy_partitioner (19) splits it;
    // allow_spmd_sharding_propagation_to_output (12): results lie as it comes.
    if partitions != nil { inner += [0x30, 0x01, 0x98, 0x01, 0x01, 0x62, 0x01, 0x01] }
    var bytes = [0x1a] + Self.varint(inner.count) + inner
    for (name, setting) in settings.sorted(by: { $0.key < $1.key }) {
      let key = [0x0a] + Self.varint(name.utf8.count) + Array(name.utf8)
      let value: [UInt8] =
        switch setting {
        case .bool(let value): [0x10, value ? 1 : 0]
        case .int(let value): [0x18] + Self.varint(value)
        }
      let entry = key + [0x12] + Self.varint(value.count) + value
      bytes += [0x3a] + Self.varint(entry.count) + entry
    }
    return bytes
  }

  private static func varint(_ value: Int) -> [UInt8] {
    var (rest, bytes) = (value, [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}

/// Calls `body` with pointers to zero-terminated strings, valid during the call.
private func withPointers<R>(_ strings: [[CChar]], _ body: ([UnsafePointer<CChar>]) throws -> R) rethrows -> R {
  let copies = strings.map { string in
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count)
    copy.initialize(from: string, count: string.count)
    return copy
  }
  defer { for copy in copies { copy.deallocate() } }
  return try body(copies.map { UnsafePointer($0) })
}
