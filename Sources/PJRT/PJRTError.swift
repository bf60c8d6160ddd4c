import CPJRT

/// An error of the run-time: a plugin that can't be loaded, or what XLA reports.
public struct PJRTError: Error, Sendable, CustomStringConvertible {
  /// XLA's class of error (the numbers of `absl::StatusCode`); 0 for errors of our own.
  public let code: Int
  /// What is wrong, and for errors of our own what to do.
  public let message: String

  public init(_ message: String, code: Int = 0) {
    self.message = message
    self.code = code
  }

  /// XLA ran out of memory.
  public var isOutOfMemory: Bool { code == 8 }

  public var description: String { message }
}

extension Plugin {
  /// Calls a function of the plugin's table.
  ///
  /// - Throws: XLA's message.
  func call<Args: BitwiseCopyable>(_ slot: pj_slot, _ args: inout Args) throws {
    let error = withUnsafeMutableBytes(of: &args) { bytes in
      // Each struct of arguments begins with its size.
      bytes.storeBytes(of: MemoryLayout<Args>.size, as: Int.self)
      return pj_call(api, slot, bytes.baseAddress)
    }
    try check(error)
  }

  /// Turns an error of the plugin into a Swift error, and releases it.
  func check(_ error: OpaquePointer?) throws {
    guard let error else { return }
    var text = pj_error_message_args()
    text.struct_size = MemoryLayout<pj_error_message_args>.size
    text.error = error
    pj_call_void(api, PJ_ERROR_MESSAGE, &text)
    let message = text.message.map { bytes in
      String(decoding: UnsafeRawBufferPointer(start: bytes, count: text.message_size), as: UTF8.self)
    }
    var code = pj_error_get_code_args()
    code.struct_size = MemoryLayout<pj_error_get_code_args>.size
    code.error = error
    // An error while asking for the code would only hide the first one.
    _ = pj_call(api, PJ_ERROR_GET_CODE, &code)
    release(error)
    throw PJRTError(message ?? "unknown error", code: Int(code.code))
  }

  func release(_ error: OpaquePointer) {
    var destroy = pj_error_destroy_args()
    destroy.struct_size = MemoryLayout<pj_error_destroy_args>.size
    destroy.error = error
    pj_call_void(api, PJ_ERROR_DESTROY, &destroy)
  }
}
