import Foundation
import Pinion
import Testing

/// The snippets of `Documentation/sharding.md`, word for word, and what they promise.
@Suite struct DocumentationShardingTests {
  struct Net: Module {
    var up = numbers([6, 8], seed: 11, dtype: .float32)
    var down = numbers([8, 4], seed: 12, dtype: .float32)

    func callAsFunction(_ x: Tensor) -> Tensor { x.matmul(up).tanh().matmul(down) }
  }

  func step(_ net: Net, _ x: Tensor, _ y: Tensor) throws -> (Net, Tensor) {
    let (loss, gradient) = try valueAndGrad(net) { ($0(x) - y).square().mean() }
    let moved = zip(try tensorLeaves(of: net), try tensorLeaves(of: gradient)).map { $0 - 0.1 * $1 }
    return (try replacing(leaves: moved, in: net), loss)
  }

  @Test func parts() throws {
    let mesh = try Mesh(["data": 2, "model": 2])  // four devices in a grid
    #expect(mesh.deviceCount == 4)

    let x = Tensor.arange(32, dtype: .float32).reshape([8, 4]).sharded(mesh, ["data", nil])
    let w = Tensor.ones([4, 6]).sharded(mesh, [nil, "model"])
    let y = x.matmul(w)  // runs on four devices
    let total = try y.sum().item()  // 2976
    print(try y.array(of: Float.self).count)  // 48: reading puts the parts together
    #expect(total == 2976)
    #expect(try y.array(of: Float.self).prefix(7) == [6, 6, 6, 6, 6, 6, 22])

    try evaluate(y)
    let layout = y.sharding  // [data, model] on [data: 2, model: 2]
    #expect(layout?.description == "[data, model] on [data: 2, model: 2]")
  }

  @Test func training() throws {
    let (inputs, targets) = (numbers([16, 6], seed: 1, dtype: .float32), numbers([16, 4], seed: 2, dtype: .float32))
    let mesh = try Mesh(["data": 2, "model": 2])
    var losses: [Double] = []
    let devices = try Mesh(["data": 4])
    let train = jit(donating: 0) { (net: Net, x: Tensor, y: Tensor) in try step(net, x, y) }
    var net = try sharded(Net(), devices)  // whole on every device
    let (images, labels) = (inputs.sharded(devices, ["data"]), targets.sharded(devices, ["data"]))
    for _ in 0..<4 {
      let (next, loss) = try train(net, images, labels)
      net = next
      losses.append(try loss.item())
    }
    #expect(losses[3] < losses[0])

    var large = try sharded(Net(), mesh) { leaf in leaf.path == "up" ? [nil, "model"] : ["model", nil] }
    let (rows, wanted) = (inputs.sharded(mesh, ["data"]), targets.sharded(mesh, ["data"]))
    let (next, loss) = try train(large, rows, wanted)
    large = next  // its weights lie as before
    #expect(abs(try loss.item() - losses[0]) < 1e-6)
    #expect(large.down.sharding?.spec == ["model", nil])

    let byHand = shardMap(devices, in: [[], ["data"], ["data"]], out: [[], []]) { (net: Net, x: Tensor, y: Tensor) in
      let (loss, gradient) = try valueAndGrad(net) { ($0(x) - y).square().mean() }
      let mean = try tensorLeaves(of: gradient).map { $0.pmean("data") }
      let moved = zip(try tensorLeaves(of: net), mean).map { $0 - 0.1 * $1 }
      return (try replacing(leaves: moved, in: net), loss.pmean("data"))
    }
    let handStep = jit(donating: 0, function: byHand)
    let (moved, error) = try handStep(Net(), inputs, targets)
    #expect(abs(try error.item() - losses[0]) < 1e-6)
    try expectClose(moved.up, large.up, 1e-5)
  }

  @Test func exchange() throws {
    let devices = try Mesh(["data": 4])
    let normalize = shardMap(devices, in: [["data"]], out: [["data"]]) { (part: Tensor) -> Tensor in
      part / part.sum().psum("data")  // [2]: two of eight elements
    }
    let shares = try normalize(Tensor.arange(8, dtype: .float32))  // [8], sum 1
    try expectClose(shares, Tensor.arange(8, dtype: .float32) / 28, 1e-6)
  }

  /// Each snippet of the page is in this file, line for line.
  @Test func thePageIsThisFile() throws {
    let here = URL(fileURLWithPath: #filePath)
    let page = here.deletingLastPathComponent().appendingPathComponent("../../Documentation/sharding.md")
    let source = lines(try String(contentsOf: here, encoding: .utf8))
    let parts = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```swift\n").dropFirst()
    #expect(parts.count == 8)
    for part in parts {
      let snippet = lines(part.components(separatedBy: "```")[0])
      let found = source.indices.contains { source[$0...].starts(with: snippet) }
      #expect(found, "not in this file: \(snippet.joined(separator: "\n"))")
    }
  }

  /// Lines of code without indentation; those that are comments alone are left out.
  private func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("// ") }
  }
}
