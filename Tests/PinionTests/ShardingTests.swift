import Foundation
import Testing

@testable import Pinion

/// Tensors on several devices, collectives, and steps that equal those of one device. A CPU shows four devices.
@Suite struct ShardingTests {
  let grid: Mesh
  let line: Mesh

  init() throws {
    grid = try Mesh(["data": 2, "model": 2])
    line = try Mesh(["data": 4])
  }

  // MARK: Layouts

  @Test func partsAreReadBackWhole() throws {
    let x = Tensor.arange(8 * 4 * 6, dtype: .float32).reshape([8, 4, 6])
    let expected = try x.array(of: Float.self)
    let specs: [PartitionSpec] = [
      [], ["data"], [nil, "model"], [nil, nil, "data"], ["model", "data"], [["data", "model"]],
      [["model", "data"], nil],
      ["model", nil, "data"],
    ]
    for spec in specs {
      let data = Tensor(expected, shape: [8, 4, 6]).sharded(grid, spec)
      #expect(try data.array(of: Float.self) == expected, "\(spec)")
      #expect(data.sharding?.spec.axes.prefix(spec.axes.count) == spec.axes[...], "\(spec)")
      #expect(data.sharding?.isReplicated == (spec == []))
    }
    let all = specs.map { x.sharded(grid, $0) }
    try evaluate(all)
    for (spec, moved) in zip(specs, all) {
      #expect(try moved.array(of: Float.self) == expected, "\(spec)")
      #expect(moved.sharding?.spec.axes.prefix(spec.axes.count) == spec.axes[...], "\(spec)")
    }
    // From one layout to another.
    let first = all[1].sharded(grid, [nil, ["model", "data"]])
    #expect(try first.array(of: Float.self) == expected)
    #expect(first.sharding?.description == "[nil, (model, data), nil] on [data: 2, model: 2]")
    // And from one mesh to another.
    let other = first.sharded(line, ["data"])
    #expect(try other.array(of: Float.self) == expected)
    #expect(other.sharding?.mesh == line)
    #expect(Tensor(1 as Float).sharding == nil)
    #expect(try Tensor(2 as Float).sharded(grid, []).item() == 2)
    let empty = Tensor([] as [Float], shape: [0, 2]).sharded(grid, ["data"])
    #expect(try (empty + 1).array(of: Float.self) == [])
  }

  @Test func layoutsSpread() throws {
    let x = numbers([8, 6], seed: 3)
    let w = numbers([6, 4], seed: 4)
    let (sx, sw) = (x.sharded(grid, ["data"]), w.sharded(grid, [nil, "model"]))
    let product = sx.matmul(sw)
    let rows = sx.sum(1)
    let total = sx.sum()
    let turned = sw.transpose()
    try evaluate(product, rows, total, turned)
    try expectClose(product, x.matmul(w))
    try expectClose(rows, x.sum(1))
    try expectClose(total, x.sum())
    try expectClose(turned, w.transpose())
    #expect(product.sharding?.spec == ["data", "model"])
    #expect(rows.sharding?.spec == ["data"])
    #expect(total.sharding?.isReplicated == true)
    #expect(turned.sharding?.spec == ["model", nil])
    // What the mesh's axes can't name is whole on every device.
    let halves = numbers([8, 2], seed: 5).sharded(line, ["data"]).reshape([2, 4, 2])
    try expectClose(halves, numbers([8, 2], seed: 5).reshape([2, 4, 2]))
    #expect(halves.sharding != nil)
  }

  @Test func meshesOfOneAndThree() throws {
    let one = try Mesh(["data": 1])
    let x = numbers([6, 2])
    let step = jit { (x: Tensor) -> Tensor in (x * 2).sharded(one, ["data"]).sum(1) }
    try expectClose(step(x), (x * 2).sum(1))
    let alone = try each(one, ["data"], ["data"]) { x in x.psum("data") }(x)
    try expectClose(alone, x)
    let three = try Mesh(["ring": 3])
    try expectClose(x.sharded(three, ["ring"]).sum(0), x.sum(0))
  }

  // MARK: Steps

  /// Adds a step's gradient to a model of two layers.
  struct Net: Module {
    var up: Tensor
    var down: Tensor

    init() {
      up = numbers([6, 8], seed: 11, dtype: .float32)
      down = numbers([8, 4], seed: 12, dtype: .float32)
    }

    func callAsFunction(_ x: Tensor) -> Tensor { x.matmul(up).tanh().matmul(down) }
  }

  static func step(_ net: Net, _ x: Tensor, _ y: Tensor) throws -> (Net, Tensor) {
    let (loss, gradient) = try valueAndGrad(net) { ($0(x) - y).square().mean() }
    let moved = zip(try tensorLeaves(of: net), try tensorLeaves(of: gradient)).map { $0 - 0.1 * $1 }
    return (try replacing(leaves: moved, in: net), loss)
  }

  /// Four steps on one device.
  func reference(_ x: Tensor, _ y: Tensor) throws -> (Net, [Double]) {
    var (net, losses) = (Net(), [Double]())
    for _ in 0..<4 {
      let (next, loss) = try Self.step(net, x, y)
      net = next
      losses.append(try loss.item())
    }
    return (net, losses)
  }

  func expectEqual(_ a: (Net, [Double]), _ b: (Net, [Double])) throws {
    for (x, y) in zip(a.1, b.1) { #expect(abs(x - y) < 1e-6 * abs(y)) }
    #expect(b.1[3] < b.1[0])
    for (x, y) in zip(try tensorLeaves(of: a.0), try tensorLeaves(of: b.0)) { try expectClose(x, y, 1e-5) }
  }

  @Test func dataParallelStep() throws {
    let (x, y) = (numbers([16, 6], seed: 1, dtype: .float32), numbers([16, 4], seed: 2, dtype: .float32))
    let step = jit(donating: 0) { (net: Net, x: Tensor, y: Tensor) in try Self.step(net, x, y) }
    var (net, losses) = (try sharded(Net(), line), [Double]())
    let (sx, sy) = (x.sharded(line, ["data"]), y.sharded(line, ["data"]))
    let old = net
    for _ in 0..<4 {
      let (next, loss) = try step(net, sx, sy)
      net = next
      losses.append(try loss.item())
    }
    #expect(throws: TensorError.self) { try old.up.array(of: Float.self) }
    #expect(net.up.sharding?.isReplicated == true, "\(String(describing: net.up.sharding))")
    try expectEqual((net, losses), reference(x, y))
  }

  @Test func tensorParallelStep() throws {
    let (x, y) = (numbers([16, 6], seed: 1, dtype: .float32), numbers([16, 4], seed: 2, dtype: .float32))
    let step = jit(donating: 0) { (net: Net, x: Tensor, y: Tensor) in try Self.step(net, x, y) }
    // Hidden units are divided: the first layer's columns, the second one's rows.
    var net = try sharded(Net(), grid) { $0.path == "up" ? [nil, "model"] : ["model", nil] }
    var losses: [Double] = []
    let (sx, sy) = (x.sharded(grid, ["data"]), y.sharded(grid, ["data"]))
    for _ in 0..<4 {
      let (next, loss) = try step(net, sx, sy)
      net = next
      losses.append(try loss.item())
    }
    #expect(net.up.sharding?.spec == [nil, "model"])
    #expect(net.down.sharding?.spec == ["model", nil])
    try expectEqual((net, losses), reference(x, y))
  }

  /// The same, with the exchange written by hand.
  @Test func stepByShardMap() throws {
    let (x, y) = (numbers([16, 6], seed: 1, dtype: .float32), numbers([16, 4], seed: 2, dtype: .float32))
    let body = shardMap(line, in: [[], ["data"], ["data"]], out: [[], []]) { (net: Net, x: Tensor, y: Tensor) in
      let (loss, gradient) = try valueAndGrad(net) { ($0(x) - y).square().mean() }
      let mean = try tensorLeaves(of: gradient).map { $0.pmean("data") }
      let moved = zip(try tensorLeaves(of: net), mean).map { $0 - 0.1 * $1 }
      return (try replacing(leaves: moved, in: net), loss.pmean("data"))
    }
    let step = jit(donating: 0, function: body)
    var (net, losses) = (Net(), [Double]())
    for _ in 0..<4 {
      let (next, loss) = try step(net, x, y)
      net = next
      losses.append(try loss.item())
    }
    try expectEqual((net, losses), reference(x, y))
  }

  // MARK: Collectives

  @Test func collectives() throws {
    let x = Tensor.arange(16, dtype: .float32).reshape([4, 4])
    let all = shardMap(
      line, in: [["data"]],
      out: [[], [], [], [], [nil, "data"], ["data"], ["data"], ["data"], ["data"]]
    ) { (x: Tensor) in
      (
        x.psum("data"), x.pmean("data"), x.pmax("data"), x.pmin("data"), x.allGather("data"),
        x.transpose().reduceScatter("data"), x.allToAll("data", split: 1, concat: 0),
        x.ppermute("data", [(from: 0, to: 1), (from: 1, to: 2), (from: 3, to: 0)]), axisIndex("data").reshape([1])
      )
    }
    let (sum, mean, max, min, gathered, scattered, swapped, moved, places) = try all(x)
    try evaluate(sum, mean, max, min, gathered, scattered, swapped, moved, places)
    #expect(try sum.array(of: Float.self) == [24, 28, 32, 36])
    #expect(try mean.array(of: Float.self) == [6, 7, 8, 9])
    #expect(try max.array(of: Float.self) == [12, 13, 14, 15])
    #expect(try min.array(of: Float.self) == [0, 1, 2, 3])
    let rows = (0..<4).flatMap { i in (0..<4).flatMap { _ in (0..<4).map { Float(4 * i + $0) } } }
    #expect(gathered.shape == [4, 16])
    #expect(try gathered.array(of: Float.self) == rows)
    #expect(scattered.shape == [4, 1])
    #expect(try scattered.array(of: Float.self) == [24, 28, 32, 36])
    #expect(swapped.shape == [16, 1])
    #expect(try swapped.reshape([4, 4]).array(of: Float.self) == x.transpose().array(of: Float.self))
    #expect(try moved.array(of: Float.self) == [12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0])
    #expect(try places.array(of: Int32.self) == [0, 1, 2, 3])
  }

  @Test func collectivesAlongSomeAxes() throws {
    let x = Tensor.arange(4, dtype: .float64).reshape([2, 2])
    let table = Tensor([10, 20, 30, 40] as [Double])
    let all = shardMap(grid, in: [["data", "model"]], out: [["data"], [nil, "model"], [], [["model", "data"]], []]) {
      (x: Tensor) in
      let place = axisIndex(["data", "model"])
      let mine = (oneHot(place, classes: 4, dtype: .float64) * table).sum()
      return (
        x.psum("model"), x.psum("data"), x.psum(["data", "model"]), mine.reshape([1]),
        // The number of devices: what doesn't depend on the part is each device's too.
        Tensor(1.0).psum(["model", "data"])
      )
    }
    let (rows, columns, total, places, count) = try all(x)
    try evaluate(rows, columns, total, places, count)
    try expectClose(rows, Tensor([[1], [5]] as [[Double]]))
    try expectClose(columns, Tensor([[2, 4]] as [[Double]]))
    try expectClose(total, Tensor([[6]] as [[Double]]))
    try expectClose(places, Tensor([10, 30, 20, 40] as [Double]))
    #expect(try count.item() == 4)
  }

  @Test func collectivesOfElementTypes() throws {
    let types: [DType] = [.int8, .uint16, .int64, .float16, .bfloat16, .float64, .complex64]
    let body = shardMap(line, in: [["data"]], out: [[], [], ["data"], ["data"]]) { (parts: [Tensor]) in
      (
        parts.filter { $0.dtype != .bool }.map { $0.psum("data") }, parts.map { $0.allGather("data") },
        parts.map { $0.ppermute("data", [(from: 0, to: 3), (from: 3, to: 0)]) },
        parts.map { $0.expandDims(0).allGather("data").allToAll("data", split: 0, concat: 1).reshape([-1])[..<1] }
      )
    }
    let parts = types.map { Tensor([1, 0, 3, 4] as [Float]).cast($0) } + [Tensor([true, false, true, true])]
    let (sums, gathered, moved, swapped) = try body(parts)
    try evaluate(sums + gathered + moved + swapped)
    for sum in sums { #expect(try doubles(sum.real()) == [8], "\(sum.dtype)") }
    for (part, all) in zip(parts, gathered) { #expect(try all.bytes() == part.bytes(), "\(part.dtype)") }
    for (part, all) in zip(parts, moved) {
      let expected = concatenate([part[3...], Tensor.zeros(like: part[..<2]), part[..<1]])
      #expect(try all.bytes() == expected.bytes(), "\(part.dtype)")
    }
    // Everyone sends a device its own element back.
    for (part, all) in zip(parts, swapped) { #expect(try all.bytes() == part.bytes(), "\(part.dtype)") }
  }

  // MARK: Derivatives

  @Test func gradientsThroughShardMap() throws {
    let w = numbers([4, 3], seed: 8)
    let body = shardMap(grid, in: [["data", "model"], [nil]], out: [["data"], []]) { (x: Tensor, scale: Tensor) in
      // w is captured, whole on every device.
      let mixed = (x * scale[0]).allGather("model", axis: 1).matmul(w).tanh().psum("model")
      let away = mixed.ppermute("data", [(from: 0, to: 1), (from: 1, to: 0)]) * (axisIndex("data").cast(.float64) + 1)
      let swapped = (x * scale[1]).allToAll("model", split: 0, concat: 1).reduceScatter("data", axis: 1)
      return (mixed * away, (swapped * swapped).pmean(["data", "model"]))
    }
    try checkGradients("shardMap", [numbers([4, 4], seed: 5), numbers([2], 0.5, 1.5, seed: 6)], tolerance: 1e-5) { t in
      let (a, b) = try body(t[0], t[1])
      return concatenate([a.reshape([-1]), b.reshape([-1])])
    }
  }

  /// The derivative of a body writes its forward work down again; the compiler merges the two.
  @Test func forwardWorkIsDoneOnce() throws {
    let w = numbers([16, 16], seed: 8)
    let body = each(line, ["data"], []) { x in
      (x.matmul(w).tanh().psum("data").matmul(w).tanh() * x).sum().psum("data")
    }
    let x = numbers([16, 16], seed: 3)
    try evaluate(x, w)
    let (value, slope) = try valueAndGrad(x) { try body($0) }
    let program = try Graph.lock.withLock {
      let nodes = Graph.order([value.node, slope.node], stop: \.isLeaf)
      let arguments = [x.value, w.value]
      return try Program(nodes: nodes, arguments: arguments, outputs: [value.value, slope.value]).printed()
    }
    let optimized = String(
      decoding: try Backend.shared().compile(program).executable.optimizedProgram(), as: Unicode.ASCII.self)
    // HloInstructionProto.opcode: field 2, its length, its name.
    func count(_ opcode: String) -> Int {
      optimized.components(separatedBy: "\u{12}\(Character(UnicodeScalar(UInt8(opcode.utf8.count))))\(opcode)").count
        - 1
    }
    #expect(count("tanh") == 2)
    #expect(count("dot") == 4)
    #expect(count("all-reduce") == 3)
  }

  @Test func gradientsOfMaximaAndCaptures() throws {
    let x = Tensor([1, 5, 2, 5, 3, 0, -1, 4] as [Double])
    let highest = each(line, ["data"], []) { x in x.pmax("data") }
    let lowest = each(line, ["data"], []) { x in x.pmin("data") }
    // Places 0, 2, 4, 6 against 1, 3, 5, 7; two devices share the maximum 5.
    let (up, down) = try (
      grad { (x: Tensor) in try (highest(x) * Tensor([1, 10] as [Double])).sum() }(x),
      grad { (x: Tensor) in try lowest(x).sum() }(x)
    )
    try evaluate(up, down)
    #expect(try up.array(of: Double.self) == [0, 5, 0, 5, 1, 0, 0, 0])
    #expect(try down.array(of: Double.self) == [0, 0, 0, 0, 0, 1, 1, 0])
    // By something that the body captures.
    let slope = try grad { (a: Tensor) -> Tensor in
      try each(line, ["data"], ["data"]) { x in x * a }(x).sum()
    }(Tensor(2.0))
    #expect(try slope.item() == 19)
  }

  @Test func gradientsThroughLayouts() throws {
    try checkGradients("sharded", [numbers([4, 4], seed: 5), numbers([4, 4], seed: 6)]) { t in
      (t[0].sharded(grid, ["data"]).matmul(t[1].sharded(grid, [nil, "model"]))).sharded(grid, []).tanh()
    }
    let pinned = Tensor([1, 2, 3, 4] as [Double]).sharded(line, ["data"])
    let slope = try grad { (x: Tensor) in (x * x).sum() }(pinned)
    #expect(try slope.array(of: Double.self) == [2, 4, 6, 8])
    #expect(slope.sharding?.spec == ["data"])
  }

  @Test func loopsOnDevices() throws {
    let x = numbers([4, 3], seed: 5)
    // A loop inside of a body, with an exchange in every step.
    let ring = (0..<4).map { (from: $0, to: ($0 + 1) % 4) }
    let turning = each(line, ["data"], []) { x in
      let (_, all) = try scan(x, over: Tensor.arange(3, dtype: .float64)) { (x: Tensor, i: Tensor) in
        let next = x.ppermute("data", ring) * x + i
        return (next, next)
      }
      return all.pmean("data")
    }
    // The same on one device.
    let rolled = { (x: Tensor) -> Tensor in
      var (x, all) = (x, [Tensor]())
      for i in 0..<3 {
        x = concatenate([x[3...], x[..<3]]) * x + Double(i)
        all.append(x.mean(0, keepDims: true))
      }
      return stack(all)
    }
    let (value, slope) = try valueAndGrad(x) { (try turning($0) * numbers([3, 1, 3], seed: 7)).sum() }
    let (sameValue, sameSlope) = try valueAndGrad(x) { (rolled($0) * numbers([3, 1, 3], seed: 7)).sum() }
    try expectClose(value, sameValue)
    try expectClose(slope, sameSlope)
    // A loop over whole tensors that lie in parts.
    let (last, sums) = try scan(x.sharded(line, ["data"]), over: Tensor.arange(3, dtype: .float64)) { x, i in
      let next = (x + i).tanh().sharded(line, ["data"])
      return (next, next.sum())
    }
    let (sameLast, sameSums) = try scan(x, over: Tensor.arange(3, dtype: .float64)) { x, i in
      let next = (x + i).tanh()
      return (next, next.sum())
    }
    try expectClose(last, sameLast)
    try expectClose(sums, sameSums)
    #expect(last.sharding?.spec == ["data", nil])
  }

  /// Devices read the host's memory in place; a program that may reuse it must not.
  @Test func donationLeavesHostDataAlone() throws {
    let values = (0..<20_000).map(Float.init)
    let host = Tensor(values, shape: [4, 5_000])
    let step = jit(donating: 0) { (x: Tensor) -> Tensor in x + 1 }
    for spec in [[], ["data"]] as [PartitionSpec] {
      let part = host.sharded(line, spec)
      let next = try step(try step(part))
      #expect(try next.array(of: Float.self) == values.map { $0 + 2 })
      #expect(next.sharding?.spec == (spec == [] ? [nil, nil] : ["data", nil]))
      #expect(try host.array(of: Float.self) == values)
      #expect(throws: TensorError.self) { try part.array(of: Float.self) }
    }
    // A tensor of one device, given to a program of several.
    let place = jit(donating: 0) { (x: Tensor) -> Tensor in (x * 2).sharded(line, ["data"]) }
    let alone = try step(host)
    #expect(try place(alone).array(of: Float.self) == values.map { ($0 + 1) * 2 })
    #expect(throws: TensorError.self) { try alone.array(of: Float.self) }
  }

  @Test func threadsShareDevices() async throws {
    let x = numbers([8, 4], seed: 9)
    let body = shardMap(line, in: [["data"]], out: [[]]) { (x: Tensor) -> Tensor in x.psum("data") }
    let step = jit(function: body)
    let expected = try doubles(step(x))
    nonisolated(unsafe) let shared = step
    try await withThrowingTaskGroup(of: [Double].self) { group in
      for _ in 0..<8 {
        group.addTask {
          var result: [Double] = []
          for _ in 0..<20 { result = try shared(x).array(of: Double.self) }
          return result
        }
      }
      for try await result in group { #expect(result == expected) }
    }
  }

  @Test func batches() throws {
    let body = shardMap(grid, in: [["data", "model"], []], out: [["data"], ["model"], []]) { (x: Tensor, s: Tensor) in
      let gathered = x.allGather("model", axis: 1).ppermute("data", [(from: 0, to: 1), (from: 1, to: 0)])
      let swapped = x.allToAll("data", split: 1, concat: 0).psum("data").reduceScatter("data", axis: 0)
      return (gathered, swapped.pmax("data").allGather("model", axis: 0), s.psum("data"))
    }
    let x = numbers([4, 4, 3], seed: 5)
    let s = numbers([3], seed: 6)
    let both = vmap(inAxes: [2, 0], body)
    let first = vmap(inAxes: [2, nil]) { (x: Tensor, s: Tensor) in try body(x.sharded(grid, ["data"]), s) }
    let (a, b, sums) = try both(x, s)
    let (c, d, sum) = try first(x, s[0])
    try expectClose(sums, s * 2)
    try expectClose(sum, s[0] * Tensor([2.0, 2, 2]))
    for k in 0..<3 {
      let (e, f, _) = try body(x[.ellipsis, k], s[k])
      try evaluate(e, f)
      try expectClose(a[k], e)
      try expectClose(b[k], f)
      try expectClose(c[k], e)
      try expectClose(d[k], f)
    }
  }

  // MARK: Bad input

  /// `shardMap` of one tensor to one.
  func each(
    _ mesh: Mesh, _ input: PartitionSpec, _ output: PartitionSpec, _ body: @escaping (Tensor) throws -> Tensor
  ) -> (Tensor) throws -> Tensor { shardMap(mesh, in: [input], out: [output], body) }

  func expect(
    _ message: String, sourceLocation: Testing.SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    do {
      try body()
      Issue.record("no error", sourceLocation: sourceLocation)
    } catch {
      let found = words(error)
      #expect(found.contains(message), sourceLocation: sourceLocation)
      #expect(!found.contains("\n"), sourceLocation: sourceLocation)
    }
  }

  @Test func badMeshes() throws {
    expect("Mesh: [data: 3, model: 2] needs more devices than the 4 there are") {
      _ = try Mesh(["data": 3, "model": 2])
    }
    expect("needs more devices") { _ = try Mesh(["a": Int.max, "b": Int.max]) }
    expect("needs axes of at least one device") { _ = try Mesh(["data": 0]) }
    expect("needs axes of at least one device") { _ = try Mesh([:]) }
    expect("axis names repeat") { _ = try Mesh(["data": 1, "data": 2]) }
    expect("isn't a name of letters") { _ = try Mesh(["da\"ta": 2]) }
    expect("the 4 devices are in use already; ask for 8") { try Device.configure(count: 8) }
    expect("0 isn't a number of devices") { try Device.configure(count: 0) }
    #expect(throws: Never.self) { try Device.configure(count: 4) }
    #expect(try Device.count() == 4)
  }

  @Test func badLayouts() throws {
    let x = Tensor.zeros([6, 4])
    expect("axis 0 of [6, 4] can't be divided among 4 devices (data of [data: 4])") {
      _ = try x.sharded(line, ["data"]).item()
    }
    expect("'dta' isn't an axis of the mesh [data: 2, model: 2]") { _ = try x.sharded(grid, ["dta"]).item() }
    expect("mesh axes repeat") { _ = try x.sharded(grid, ["data", "data"]).item() }
    expect("names 3 axes, the tensor [6, 4] has 2") { _ = try x.sharded(grid, [nil, nil, "data"]).item() }
    expect("sharded: 'up': axis 0 of [6, 8] can't") { _ = try sharded(Net(), line) { _ in ["data"] } }
    expect("one program runs on one mesh") {
      _ = try (x.sharded(grid, ["data"]) + Tensor.ones([6, 4]).sharded(line, [])).sum().item()
    }
  }

  @Test func badBodies() throws {
    let x = Tensor.zeros([8, 4])
    let psum = { (x: Tensor) -> Tensor in x.psum("data") }
    expect("psum: devices exchange data inside of shardMap only") { _ = try psum(x).item() }
    expect("axisIndex: devices exchange data inside of shardMap only") { _ = try axisIndex("data").item() }
    expect("'rows' isn't an axis of the mesh") {
      _ = try each(line, [], []) { x in x.psum("rows") }(x)
    }
    expect("shardMap, argument 0: axis 1 of [8, 3]") {
      _ = try each(line, [nil, "data"], [], psum)(Tensor.zeros([8, 3]))
    }
    expect("in: has 2 specifications for 1 arguments") {
      let body = shardMap(line, in: [[], []], out: [[]], psum)
      _ = try body(x)
    }
    expect("out: has 0 specifications for 1 results") {
      let body = shardMap(line, in: [[]], out: [], psum)
      _ = try body(x)
    }
    expect("result 0 is float32[] on each device, out: names [data]") {
      _ = try each(line, [], ["data"]) { x in x.sum() }(x)
    }
    expect("axis 0 of [2, 4] can't be divided among 4 devices") {
      _ = try each(line, ["data"], ["data"]) { x in x.reduceScatter("data") }(x)
    }
    expect("[2, 4] has no axis 7") {
      _ = try each(line, ["data"], ["data"]) { x in x.allGather("data", axis: 7) }(x)
    }
    expect("has a source or a target twice") {
      _ = try each(line, ["data"], ["data"]) { x in
        x.ppermute("data", [(from: 0, to: 1), (from: 2, to: 1)])
      }(x)
    }
    expect("has places that aren't among the 4") {
      _ = try each(line, ["data"], ["data"]) { x in
        x.ppermute("data", [(from: 0, to: 4)])
      }(x)
    }
    expect("allGather: 4 parts of \(1 << 62) elements are too many") {
      _ = try each(line, [], []) { _ in Tensor.zeros([1 << 62]).allGather("data") }(x)
    }
    expect("shardMap: 4 parts of \(1 << 62) elements are too many") {
      _ = try each(line, [], ["data"]) { _ in Tensor.zeros([1 << 62]) }(x)
    }
    expect("psum: has no meaning for bool") { _ = try each(line, [], [], psum)(x .> 0) }
    expect("can't be inside of another shardMap") {
      _ = try each(line, [], []) { x in
        try each(line, [], [], psum)(x)
      }(x).array(of: Float.self)
    }
    expect("the value isn't known while the function is being traced") {
      _ = try each(line, [], []) { x in x * (try x.sum().item()) }(x)
    }
    expect("is for whole tensors, not for parts inside of shardMap") {
      _ = try each(line, [], []) { x in x.sharded(line, ["data"]) }(x)
        .array(of: Float.self)
    }
  }
}
