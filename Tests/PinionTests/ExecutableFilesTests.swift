import Foundation
import PJRT
import Testing

@testable import Pinion

@Suite struct ExecutableFilesTests {
  private let program = """
    module @pinion { func.func public @main(%a: tensor<2xf32>) -> tensor<2xf32> {
      %0 = "stablehlo.add"(%a, %a) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      "func.return"(%0) : (tensor<2xf32>) -> () } }
    """

  @Test func keepsWhatWasCompiledAndNothingElse() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "pinion-programs-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let backend = try Backend.shared()
    let files = ExecutableFiles(folder: folder, setting: "this machine")
    let options = backend.options
    #expect(files.load(program, options: options, client: backend.client) == nil)
    files.save(try backend.client.compile(mlir: program, options: options), program, options: options)

    let known = try #require(files.load(program, options: options, client: backend.client))
    let results = try known.execute([Evaluator.buffer(of: Tensor([1, 2] as [Float]))])
    let sum = Tensor(buffer: results[0], types: [TensorType(.float32, [2])])
    #expect(try sum.array(of: Float.self) == [2, 4])

    // Another program, other options, another machine.
    #expect(files.load(program + "\n", options: options, client: backend.client) == nil)
    let other = CompileOptions(settings: ["xla_cpu_enable_fast_math": true])
    #expect(files.load(program, options: other, client: backend.client) == nil)
    let elsewhere = ExecutableFiles(folder: folder, setting: "that machine")
    #expect(elsewhere.load(program, options: options, client: backend.client) == nil)
  }

  @Test func damagedFilesAreCompiledAgain() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "pinion-programs-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let backend = try Backend.shared()
    let files = ExecutableFiles(folder: folder, setting: "this machine")
    let executable = try backend.client.compile(mlir: program, options: backend.options)
    files.save(executable, program, options: backend.options)
    let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder.path).first)
    let url = folder.appending(path: name)
    let whole = try Data(contentsOf: url)
    var flipped = whole
    flipped[whole.count - 9] ^= 1
    for damaged in [whole.prefix(0), whole.prefix(7), whole.prefix(100), whole.prefix(whole.count - 1), flipped] {
      try damaged.write(to: url)
      #expect(files.load(program, options: backend.options, client: backend.client) == nil)
    }
    try whole.write(to: url)
    #expect(files.load(program, options: backend.options, client: backend.client) != nil)
  }
}
