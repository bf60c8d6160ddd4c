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
    var options = pj_execute_options()
    options.struct_size = MemoryLayout<pj_execute_options>.size
    var args = pj_loaded_executable_execute_args()
    args.executable = handle
    args.num_devices = 1
    args.num_args = arguments.count
    let kept = keeping.map(Int64.init)
    let inputs = arguments.map { Optional($0.handle) }
    var outputs = [OpaquePointer?](repeating: nil, count: outputCount)
    try kept.withUnsafeBufferPointer { kept in
      options.non_donatable_input_indices = kept.baseAddress
      options.num_non_donatable_input_indices = kept.count
      try inputs.withUnsafeBufferPointer { inputs in
        try outputs.withUnsafeMutableBufferPointer { outputs in
          var (inputList, outputList) = (inputs.baseAddress, outputs.baseAddress)
          try withUnsafePointer(to: &inputList) { inputList in
            try withUnsafePointer(to: &outputList) { outputList in
              try withUnsafeMutablePointer(to: &options) { options in
                args.options = options
                args.argument_lists = UnsafePointer(inputList)
                args.output_lists = UnsafePointer(outputList)
                try client.plugin.call(PJ_LOADED_EXECUTABLE_EXECUTE, &args)
              }
            }
          }
        }
      }
    }
    withExtendedLifetime(arguments) {}
    return try outputs.map { try DeviceBuffer(client: client, handle: $0) }
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
