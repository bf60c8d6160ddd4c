import Pinion
import Testing

/// The snippets of `Documentation/arrays.md` on derivatives, batches and loops, word for word, and what they promise.
@Suite struct DocumentationTransformTests {
  @Test func derivatives() throws {
    let rosenbrock = { (x: Tensor) -> Tensor in 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 }
    let place = Tensor([1.0, 1.0])
    let curvatures = try hessian(rosenbrock)(place)  // [[802, -400], [-400, 200]]
    let along = try hessianVectorProduct(place, direction: Tensor([1.0, 0.0]), rosenbrock)  // [802, -400]
    let polar = { (p: Tensor) -> Tensor in stack([p[0] * p[1].cos(), p[0] * p[1].sin()]) }
    let derivatives = try jacobian(polar)(Tensor([2.0, 0.0]))  // [[1, 0], [0, 2]]
    let (point, velocity) = try jvp(Tensor([2.0, 0.0]), tangent: Tensor([0.0, 1.0]), polar)  // [2, 0], [0, 2]
    try expectClose(curvatures, Tensor([[802.0, -400], [-400, 200]]))
    try expectClose(along, Tensor([802.0, -400]))
    try expectClose(derivatives, Tensor([[1.0, 0], [0, 2]]))
    try expectClose(point, Tensor([2.0, 0]))
    try expectClose(velocity, Tensor([0.0, 2]))
  }

  @Test func batches() throws {
    let distance = { (a: Tensor, b: Tensor) -> Tensor in (a - b).square().sum().sqrt() }
    let pairs = vmap(distance)
    let lefts = Key(0).normal([8, 3])
    let rights = Key(1).normal([8, 3])
    let eight = try pairs(lefts, rights)  // [8]
    let toOrigin = vmap(inAxes: [0, nil], distance)
    let norms = try toOrigin(lefts, Tensor.zeros([3]))  // [8]: all examples share the second argument
    try expectClose(eight, (lefts - rights).square().sum(1).sqrt(), 1e-6)
    try expectClose(norms, lefts.square().sum(1).sqrt(), 1e-6)

    let weights = Tensor([[0.5], [-1]] as [[Float]])
    let loss = { (w: Tensor, x: Tensor, y: Tensor) -> Tensor in (x.matmul(w) - y).square().sum() }
    let perExample = vmap(inAxes: [nil, 0, 0]) { (w: Tensor, x: Tensor, y: Tensor) -> Tensor in
      try grad { w in loss(w, x, y) }(w)
    }
    let gradients = try perExample(weights, Key(2).normal([16, 2]), Key(3).normal([16, 1]))  // [16, 2, 1]
    let whole = try grad { w in loss(w, Key(2).normal([16, 2]), Key(3).normal([16, 1])) }(weights)
    #expect(gradients.shape == [16, 2, 1])
    try expectClose(gradients.sum(0), whole, 1e-5)
  }

  @Test func loops() throws {
    let deposits = Tensor([100.0, 50.0, 25.0])
    let (balance, history) = try scan(Tensor(0.0), over: deposits) { balance, deposit in
      let next = balance * 1.1 + deposit
      return (next, next)
    }
    // balance 201, history [100, 160, 201]
    let power = try forLoop(Tensor(1.0), steps: 10) { x, _ in x * 2 }  // 1024
    try expectClose(balance, Tensor(201.0))
    try expectClose(history, Tensor([100.0, 160, 201]))
    try expectClose(power, Tensor(1024.0))

    let root = { (a: Tensor) -> Tensor in
      try whileLoop(a) {
        ($0 * $0 - a).abs() .> 1e-12
      } do: {
        ($0 + a / $0) / 2
      }
    }
    let three = try root(Tensor(9.0))  // 3
    let larger = try cond(three .> 2, { three * 10 }, else: { three })  // 30; only this branch runs
    let chosen = try switchCase(Tensor(1 as Int32), [{ three }, { -three }, { three / 2 }])  // -3
    try expectClose(three, Tensor(3.0))
    try expectClose(larger, Tensor(30.0))
    try expectClose(chosen, Tensor(-3.0))
  }

  @Test func hostOperators() throws {
    let shift = HostOperator(
      rows: 3, columns: 3, apply: { [$0[2], $0[0], $0[1]] }, transpose: { [$0[1], $0[2], $0[0]] })
    let gradient = try grad { (x: Tensor) in (x * shift(x)).sum() }(Tensor([1.0, 2, 3], shape: [3]))
    try expectClose(gradient, Tensor([5.0, 4, 3]))
  }
}
