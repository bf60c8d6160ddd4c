import CPJRT

/// Types of elements, by PJRT's numbers.
public enum ElementType: Int, Sendable {
  case pred = 1
  case s8, s16, s32, s64
  case u8, u16, u32, u64
  case f16, f32, f64, bf16
  case c64, c128
}

/// An array in a device's memory. Its value may still be on its way; whoever reads waits.
public final class DeviceBuffer: @unchecked Sendable {
  let client: Client
  let handle: OpaquePointer

  init(client: Client, handle: OpaquePointer?) throws {
    guard let handle else { throw PJRTError("the plugin made no buffer") }
    self.client = client
    self.handle = handle
  }

  deinit {
    var args = pj_buffer_args()
    args.buffer = handle
    try? client.plugin.call(PJ_BUFFER_DESTROY, &args)
  }

  /// Sizes of the axes.
  ///
  /// - Throws: `PJRTError` with XLA's message.
  public func shape() throws -> [Int] {
    var args = pj_buffer_dimensions_args()
    args.buffer = handle
    try client.plugin.call(PJ_BUFFER_DIMENSIONS, &args)
    return UnsafeBufferPointer(start: args.dims, count: args.num_dims).map(Int.init)
  }

  /// Type of the elements; `nil` for one that Pinion doesn't have.
  ///
  /// - Throws: `PJRTError` with XLA's message.
  public func elementType() throws -> ElementType? {
    var args = pj_buffer_element_type_args()
    args.buffer = handle
    try client.plugin.call(PJ_BUFFER_ELEMENT_TYPE, &args)
    return ElementType(rawValue: Int(args.type))
  }

  /// Bytes in the device's memory.
  ///
  /// - Throws: `PJRTError` with XLA's message.
  public func byteCount() throws -> Int {
    var args = pj_buffer_on_device_size_args()
    args.buffer = handle
    try client.plugin.call(PJ_BUFFER_ON_DEVICE_SIZE_IN_BYTES, &args)
    return args.on_device_size_in_bytes
  }

  /// Waits for the value.
  ///
  /// - Throws: `PJRTError` where the program that makes it failed.
  public func wait() throws {
    var args = pj_buffer_ready_event_args()
    args.buffer = handle
    try client.plugin.call(PJ_BUFFER_READY_EVENT, &args)
    try client.plugin.await(args.event)
  }

  /// Copies the elements, row-major, into `memory`, and waits for them.
  ///
  /// - Throws: `PJRTError` where the program that makes them failed, or the memory is too small.
  public func copy(to memory: UnsafeMutableRawBufferPointer) throws {
    var args = pj_buffer_to_host_buffer_args()
    args.src = handle
    args.dst = memory.baseAddress
    args.dst_size = memory.count
    // Nothing to copy, and no address to copy it to.
    if memory.isEmpty { return try wait() }
    try client.plugin.call(PJ_BUFFER_TO_HOST_BUFFER, &args)
    try client.plugin.await(args.event)
  }

  /// Frees the memory now; the buffer can't be used any more.
  ///
  /// - Throws: `PJRTError` with XLA's message.
  public func delete() throws {
    var args = pj_buffer_args()
    args.buffer = handle
    try client.plugin.call(PJ_BUFFER_DELETE, &args)
  }

  /// Address in the device's memory; on a CPU the elements can be read there while the buffer lives.
  ///
  /// - Throws: `PJRTError` where the program that makes the value failed.
  public func address() throws -> UnsafeMutableRawPointer? {
    try wait()
    var args = pj_buffer_opaque_pointer_args()
    args.buffer = handle
    try client.plugin.call(PJ_BUFFER_OPAQUE_DEVICE_MEMORY_DATA_POINTER, &args)
    return args.device_memory_ptr
  }
}

extension Plugin {
  /// Waits for an event and releases it.
  func await(_ event: OpaquePointer?) throws {
    guard let event else { return }
    var args = pj_event_args()
    args.event = event
    defer {
      var args = pj_event_args()
      args.event = event
      try? call(PJ_EVENT_DESTROY, &args)
    }
    try call(PJ_EVENT_AWAIT, &args)
  }
}

extension Client {
  /// Copies host data to a device.
  ///
  /// - Parameters:
  ///   - bytes: elements, row-major.
  ///   - type: type of the elements.
  ///   - shape: sizes of the axes.
  ///   - device: which of the client's devices.
  /// - Throws: `PJRTError` with XLA's message.
  public func buffer(
    from bytes: UnsafeRawBufferPointer, type: ElementType, shape: [Int], device: Int = 0
  ) throws -> DeviceBuffer {
    try makeBuffer(bytes, type, shape, PJ_HOST_IMMUTABLE_ONLY_DURING_CALL, device).buffer
  }

  /// Makes host data a buffer, without a copy where the device can use the memory as it is (a CPU, if it's aligned to
  /// 64 bytes).
  ///
  /// - Parameters:
  ///   - owner: keeps the memory, unchanged, until the device is done with it.
  ///   - device: which of the client's devices.
  /// - Throws: `PJRTError` with XLA's message.
  public func buffer(
    borrowing bytes: UnsafeRawBufferPointer, owner: AnyObject, type: ElementType, shape: [Int], device: Int = 0
  ) throws -> DeviceBuffer {
    let (buffer, event) = try makeBuffer(bytes, type, shape, PJ_HOST_IMMUTABLE_ZERO_COPY, device)
    guard let event else { return buffer }
    var args = pj_event_on_ready_args()
    args.event = event
    let release = ReleaseWhenDone(owner: owner, event: event, plugin: plugin)
    args.user_arg = Unmanaged.passRetained(release).toOpaque()
    args.callback = { error, argument in
      guard let argument else { return }
      let release = Unmanaged<ReleaseWhenDone>.fromOpaque(argument).takeRetainedValue()
      if let error { release.plugin.release(error) }
      release.destroyEvent()
    }
    do {
      try plugin.call(PJ_EVENT_ON_READY, &args)
    } catch {
      release.destroyEvent()
      throw error
    }
    return buffer
  }

  private func makeBuffer(
    _ bytes: UnsafeRawBufferPointer, _ type: ElementType, _ shape: [Int], _ semantics: pj_host_buffer_semantics,
    _ device: Int
  ) throws -> (buffer: DeviceBuffer, event: OpaquePointer?) {
    guard devices.indices.contains(device) else { throw PJRTError("device \(device) isn't one of \(devices.count)") }
    var args = pj_client_buffer_from_host_buffer_args()
    args.client = handle
    args.type = Int32(type.rawValue)
    args.num_dims = shape.count
    args.host_buffer_semantics = semantics
    args.device = devices[device].handle
    let dims = shape.map(Int64.init)
    // An empty array has no address, and the plugin wants one.
    var nothing: UInt64 = 0
    try dims.withUnsafeBufferPointer { dims in
      try withUnsafePointer(to: &nothing) { nothing in
        args.data = bytes.baseAddress ?? UnsafeRawPointer(nothing)
        args.dims = dims.baseAddress
        try plugin.call(PJ_CLIENT_BUFFER_FROM_HOST_BUFFER, &args)
      }
    }
    let buffer = try DeviceBuffer(client: self, handle: args.buffer)
    if semantics == PJ_HOST_IMMUTABLE_ONLY_DURING_CALL {
      try plugin.await(args.done_with_host_buffer)
      return (buffer, nil)
    }
    return (buffer, args.done_with_host_buffer)
  }
}

/// Keeps host memory until the device is done with it.
private final class ReleaseWhenDone: @unchecked Sendable {
  let owner: AnyObject
  let event: OpaquePointer
  let plugin: Plugin

  init(owner: AnyObject, event: OpaquePointer, plugin: Plugin) {
    self.owner = owner
    self.event = event
    self.plugin = plugin
  }

  func destroyEvent() {
    var args = pj_event_args()
    args.event = event
    try? plugin.call(PJ_EVENT_DESTROY, &args)
  }
}
