import CPJRT
import Foundation
import PJRT
import Synchronization
import Testing

private let sharedClient = Result { try Client(plugin: Plugin(path: Plugin.locate())) }

private func floats(_ buffer: DeviceBuffer) throws -> [Float] {
  var values = [Float](repeating: 0, count: try buffer.byteCount() / 4)
  try values.withUnsafeMutableBytes { try buffer.copy(to: $0) }
  return values
}

private func program(_ body: String, parameter: String = "") -> String {
  "module @m { func.func public @main(%a: tensor<3xf32>\(parameter)) -> tensor<3xf32> { \(body) func.return %r : tensor<3xf32> } }"
}

private let addOne = program(
  "%c = stablehlo.constant dense<1.0> : tensor<3xf32>\n %r = stablehlo.add %a, %c : tensor<3xf32>\n")

@Suite struct PJRTTests {
  let client: Client

  init() throws { client = try PJRTTestsClient.get() }

  private func buffer(_ values: [Float]) throws -> DeviceBuffer {
    try values.withUnsafeBytes { try client.buffer(from: $0, type: .f32, shape: [values.count]) }
  }

  @Test func namesItself() throws {
    #expect(client.platformName == "cpu")
    #expect(client.plugin.apiVersion.major == 0 && client.plugin.apiVersion.minor >= 81)
    #expect(try !client.describe(client.devices[0]).isEmpty)
    #expect(client.plugin.hasForeignFunctions)
  }

  @Test func hostToDeviceAndBack() throws {
    let b = try buffer([1, 2, 3])
    #expect(try b.shape() == [3])
    #expect(try b.elementType() == .f32)
    #expect(try floats(b) == [1, 2, 3])
    let empty = try client.buffer(from: UnsafeRawBufferPointer(start: nil, count: 0), type: .f32, shape: [0, 4])
    #expect(try empty.shape() == [0, 4])
    #expect(try floats(empty).isEmpty)
  }

  @Test func compilesAndRuns() throws {
    let add = try client.compile(mlir: addOne)
    #expect(add.outputCount == 1)
    #expect(try floats(add.execute([buffer([1, 2, 3])])[0]) == [2, 3, 4])
  }

  @Test func runsOnSeveralDevices() throws {
    let text = """
      module @m {
        sdy.mesh @mesh = <["x"=2]>
        func.func public @main(%a: tensor<4xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}]>}) -> tensor<4xf32> {
          %r = stablehlo.add %a, %a : tensor<4xf32>
          func.return %r : tensor<4xf32>
        }
      }
      """
    let double = try client.compile(mlir: text, options: CompileOptions(partitions: 2))
    let parts = try [[1, 2], [3, 4] as [Float]].enumerated().map { device, values in
      try values.withUnsafeBytes { try client.buffer(from: $0, type: .f32, shape: [2], device: device) }
    }
    let results = try double.execute([parts], devices: 2)
    #expect(try results[0].map(floats) == [[2, 4], [6, 8]])
    #expect(try !double.optimizedProgram().isEmpty)
    #expect(throws: PJRTError.self) { try double.execute([[parts[0]]], devices: 2) }
    #expect(throws: PJRTError.self) {
      try [1].withUnsafeBytes { try client.buffer(from: $0, type: .s64, shape: [1], device: 99) }
    }
  }

  @Test func alignedMemoryIsUsedInPlaceAndReleased() throws {
    let released = Flag()
    do {
      let memory = AlignedMemory(floats: 1 << 20, released: released)
      let b = try client.buffer(
        borrowing: UnsafeRawBufferPointer(memory.bytes), owner: memory, type: .f32, shape: [1 << 20])
      #expect(try b.address() == memory.bytes.baseAddress)
    }
    // The last use is over; the callback may run on a thread of XLA's.
    for _ in 0..<200 where !released.value { usleep(10_000) }
    #expect(released.value)
  }

  @Test func donatedMemoryIsReused() throws {
    let text = addOne.replacingOccurrences(
      of: "%a: tensor<3xf32>", with: "%a: tensor<3xf32> {tf.aliasing_output = 0 : i32}")
    let add = try client.compile(mlir: text)
    let b = try add.execute([buffer([0, 0, 0])])[0]
    let place = try b.address()
    let c = try add.execute([b])[0]
    #expect(try c.address() == place)
    #expect(try floats(c) == [2, 2, 2])
    #expect(throws: PJRTError.self) { try floats(b) }
  }

  @Test func serialisedProgramsRunAgain() throws {
    let bytes = try client.compile(mlir: addOne).serialized()
    let again = try client.load(bytes)
    #expect(try floats(again.execute([buffer([5, 6, 7])])[0]) == [6, 7, 8])
    #expect(throws: PJRTError.self) { try client.load(Array(bytes.prefix(bytes.count / 2))) }
    #expect(throws: PJRTError.self) { try client.load([1, 2, 3]) }
  }

  @Test func foreignFunctions() throws {
    try client.plugin.register("pinion_test_twice") { frame in
      guard let frame, !ffi_answer_metadata(frame) else { return nil }
      let source = frame.pointee.args.args[0]?.assumingMemoryBound(to: ffi_buffer.self)
      let target = frame.pointee.rets.rets[0]?.assumingMemoryBound(to: ffi_buffer.self)
      guard let from = source?.pointee, let to = target?.pointee, from.dtype == 11, from.rank == 1 else { return nil }
      let (x, y) = (from.data.assumingMemoryBound(to: Float.self), to.data.assumingMemoryBound(to: Float.self))
      for i in 0..<Int(from.dims[0]) { y[i] = 2 * x[i] }
      return nil
    }
    try client.plugin.register("pinion_test_fails") { frame in
      guard let frame, !ffi_answer_metadata(frame) else { return nil }
      var args = ffi_error_create_args()
      args.struct_size = MemoryLayout<ffi_error_create_args>.size
      args.errc = 3
      return "no good".withCString {
        args.message = $0
        return frame.pointee.api.pointee.error_create(&args)
      }
    }
    func call(_ name: String) throws -> [Float] {
      let text = program(
        "%r = \"stablehlo.custom_call\"(%a) <{call_target_name = \"\(name)\", api_version = 4 : i32}> : (tensor<3xf32>) -> tensor<3xf32>\n"
      )
      return try floats(client.compile(mlir: text).execute([buffer([1, 2, 3])])[0])
    }
    #expect(try call("pinion_test_twice") == [2, 4, 6])
    let error = #expect(throws: PJRTError.self) { try call("pinion_test_fails") }
    #expect(error?.message.contains("no good") == true)
    #expect(throws: PJRTError.self) { try call("pinion_test_missing") }
  }

  @Test func errorsCarryXLAsMessage() throws {
    let error = #expect(throws: PJRTError.self) { try client.compile(mlir: "module { nonsense }") }
    #expect(error?.code != 0)
    #expect(error?.message.isEmpty == false)
    let add = try client.compile(mlir: addOne)
    #expect(throws: PJRTError.self) { try add.execute([]) }
    #expect(throws: PJRTError.self) { try add.execute([buffer([1, 2, 3, 4])]) }
  }

  @Test func badPlugins() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pinion-plugin-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("no.so")
    try Data("not a library".utf8).write(to: file)
    #expect(throws: PJRTError.self) { try Plugin(path: file.path) }
    #expect(throws: PJRTError.self) { try Plugin(path: folder.appendingPathComponent("missing.so").path) }
    let error = #expect(throws: PJRTError.self) { try Plugin(path: "libm.so.6") }
    #expect(error?.message == "libm.so.6 isn't a PJRT plugin: it has no function GetPjrtApi")
  }
}

/// One client for all tests of the suite.
private enum PJRTTestsClient {
  static func get() throws -> Client { try sharedClient.get() }
}

private final class Flag: Sendable {
  private let state = Atomic<Bool>(false)
  var value: Bool { state.load(ordering: .acquiring) }
  func raise() { state.store(true, ordering: .releasing) }
}

private final class AlignedMemory: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer
  let released: Flag

  init(floats: Int, released: Flag) {
    bytes = .allocate(byteCount: floats * 4, alignment: 64)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    self.released = released
  }

  deinit {
    bytes.deallocate()
    released.raise()
  }
}
