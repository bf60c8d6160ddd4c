import CPJRT

/// A compiled program on its device.
public final class Executable: @unchecked Sendable {
  let client: Client
  let handle: OpaquePointer
  /// Number of results.
  public let outputCount: Int

  init(client: Client, handle: OpaquePointer?) throws {
    guard let handle else { throw PJRTError("the plugin made no executable") }
    self.client = client
    self.handle = handle
    outputCount = try Self.withExecutable(client.plugin, handle) { executable in
      var count = pj_executable_num_outputs_args()
      count.executable = executable
      try client.plugin.call(PJ_EXECUTABLE_NUM_OUTPUTS, &count)
      return count.num_outputs
    }
  }

  deinit {
    var args = pj_loaded_executable_destroy_args()
    args.executable = handle
    try? client.plugin.call(PJ_LOADED_EXECUTABLE_DESTROY, &args)
  }

  private static func withExecutable<R>(
    _ plugin: Plugin, _ handle: OpaquePointer, _ body: (OpaquePointer) throws -> R
  ) throws -> R {
    var get = pj_loaded_executable_get_executable_args()
    get.loaded_executable = handle
    try plugin.call(PJ_LOADED_EXECUTABLE_GET_EXECUTABLE, &get)
    guard let executable = get.executable else { throw PJRTError("the plugin has lost an executable") }
    defer {
      var destroy = pj_executable_destroy_args()
      destroy.executable = executable
      try? plugin.call(PJ_EXECUTABLE_DESTROY, &destroy)
    }
    return try body(executable)
  }

  /// Runs the program on the first device. Results may be on their way when this returns.
  ///
  /// - Parameters:
  ///   - arguments: in the order of the program's parameters; donated ones can't be used afterwards.
  ///   - keeping: parameters that the program may reuse, but mustn't in this call.
  /// - Throws: `PJRTError` with XLA's message.
  public func execute(_ arguments: [DeviceBuffer], keeping: [Int] = []) throws -> [DeviceBuffer] {
    let inputs = arguments.map { Optional($0.handle) }
    let outputs = try inputs.withUnsafeBufferPointer { inputs in
      try execute([inputs.baseAddress], argumentCount: arguments.count, keeping: keeping)
    }
    withExtendedLifetime(arguments) {}
    return try outputs.map { try DeviceBuffer(client: client, handle: $0) }
  }

  /// Runs a program of several partitions, each on a device of its own.
  ///
  /// - Parameters:
  ///   - arguments: for each parameter of the program its buffers, one a device.
  ///   - devices: how many there are.
  ///   - keeping: parameters that the program may reuse, but mustn't in this call.
  /// - Returns: for each result its buffers, one a device.
  /// - Throws: `PJRTError` with XLA's message.
  public func execute(
    _ arguments: [[DeviceBuffer]], devices: Int, keeping: [Int] = []
  ) throws -> [[DeviceBuffer]] {
    guard arguments.allSatisfy({ $0.count == devices }) else {
      throw PJRTError("arguments lie on \(arguments.map(\.count)) devices, the program runs on \(devices)")
    }
    let count = arguments.count
    let inputs = (0..<devices).flatMap { d in arguments.map { Optional($0[d].handle) } }
    let outputs = try inputs.withUnsafeBufferPointer { inputs in
      try execute(
        (0..<devices).map { inputs.baseAddress?.advanced(by: $0 * count) }, argumentCount: count, keeping: keeping)
    }
    withExtendedLifetime(arguments) {}
    // Own every handle before any of them can be found missing.
    let buffers = try outputs.map { try DeviceBuffer(client: client, handle: $0) }
    return (0..<outputCount).map { k in (0..<devices).map { buffers[$0 * outputCount + k] } }
  }

  /// - Parameter inputs: for each device its list of arguments.
  /// - Returns: the devices' lists of results, one after the other.
  private func execute(
    _ inputs: [UnsafePointer<OpaquePointer?>?], argumentCount: Int, keeping: [Int]
  ) throws -> [OpaquePointer?] {
    var options = pj_execute_options()
    options.struct_size = MemoryLayout<pj_execute_options>.size
    var args = pj_loaded_executable_execute_args()
    args.executable = handle
    args.num_devices = inputs.count
    args.num_args = argumentCount
    let kept = keeping.map(Int64.init)
    var outputs = [OpaquePointer?](repeating: nil, count: inputs.count * outputCount)
    try kept.withUnsafeBufferPointer { kept in
      options.non_donatable_input_indices = kept.baseAddress
      options.num_non_donatable_input_indices = kept.count
      try outputs.withUnsafeMutableBufferPointer { outputs in
        let lists = inputs.indices.map { outputs.baseAddress?.advanced(by: $0 * outputCount) }
        try inputs.withUnsafeBufferPointer { inputs in
          try lists.withUnsafeBufferPointer { lists in
            try withUnsafeMutablePointer(to: &options) { options in
              args.options = options
              args.argument_lists = inputs.baseAddress
              args.output_lists = lists.baseAddress
              try client.plugin.call(PJ_LOADED_EXECUTABLE_EXECUTE, &args)
            }
          }
        }
      }
    }
    return outputs
  }

  /// The program as XLA optimized it: an `HloModuleProto`.
  ///
  /// - Throws: `PJRTError` with XLA's message.
  public func optimizedProgram() throws -> [UInt8] {
    try Self.withExecutable(client.plugin, handle) { executable in
      var program = pj_program()
      program.struct_size = MemoryLayout<pj_program>.size
      var args = pj_executable_optimized_program_args()
      args.executable = executable
      // The first call tells the size.
      try withUnsafeMutablePointer(to: &program) {
        args.program = $0
        try client.plugin.call(PJ_EXECUTABLE_OPTIMIZED_PROGRAM, &args)
      }
      var code = [UInt8](repeating: 0, count: program.code_size)
      try code.withUnsafeMutableBytes { code in
        program.code = code.baseAddress?.assumingMemoryBound(to: CChar.self)
        try withUnsafeMutablePointer(to: &program) {
          args.program = $0
          try client.plugin.call(PJ_EXECUTABLE_OPTIMIZED_PROGRAM, &args)
        }
      }
      return code
    }
  }

  /// Bytes from which `Client.load(_:)` makes the executable again.
  ///
  /// - Throws: `PJRTError` with XLA's message.
  public func serialized() throws -> [UInt8] {
    try Self.withExecutable(client.plugin, handle) { executable in
      var args = pj_executable_serialize_args()
      args.executable = executable
      try client.plugin.call(PJ_EXECUTABLE_SERIALIZE, &args)
      defer { args.serialized_executable_deleter?(args.serialized_executable) }
      return Array(UnsafeRawBufferPointer(start: args.serialized_bytes, count: args.serialized_bytes_size))
    }
  }
}
