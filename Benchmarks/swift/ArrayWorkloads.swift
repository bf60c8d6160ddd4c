import NN
import Pinion

extension Workload {
  static let cholesky = computation(
    "cholesky", "10,000 Cholesky factorisations 8 x 8, each with a solution",
    data: { size in
      let keys = Key(7).split()
      let count = size.pick(10_000, tiny: 4)
      let x = keys[0].normal([count, 8, 8])
      return ["a": x.matmul(x.swapAxes(-1, -2)) + 8 * Tensor.eye(8), "b": keys[1].normal([count, 8, 1])]
    },
    { data, _ in
      let solution = try choleskySolve(Pinion.cholesky(data.at("a")), data.at("b"))
      return (solution.square().mean(), solution)
    })

  static let fourier = computation(
    "fft2", "2-d Fourier transform of 1,024 x 1,024, a filter, and back",
    data: { size in
      let keys = Key(7).split()
      let side = size.pick(1024, tiny: 8)
      return ["x": keys[0].normal([side, side]), "filter": keys[1].uniform([side, side])]
    },
    { data, _ in
      let y = try (data.at("x").fft(axes: [-2, -1]) * data.at("filter").cast(.complex64)).ifft(axes: [-2, -1]).real()
      return (y.square().mean(), y)
    })

  static let pendulums = computation(
    "pendulums", "10,000 damped pendulums, 1,000 steps of Runge-Kutta 4",
    settings: { ["steps": $0.pick(1000, tiny: 5)] },
    data: { size in
      let keys = Key(7).split()
      let count = size.pick(10_000, tiny: 8)
      return ["angle": keys[0].uniform([count], from: -3, to: 3), "speed": keys[1].normal([count])]
    },
    { data, size in
      let h = 0.01
      func slope(_ y: [Tensor]) -> [Tensor] { [y[1], -y[0].sin() - 0.1 * y[1]] }
      func moved(_ y: [Tensor], _ k: [Tensor], _ t: Double) -> [Tensor] { zip(y, k).map { $0 + t * $1 } }
      let start = [try data.at("angle"), try data.at("speed")]
      let end = try forLoop(start, steps: size.pick(1000, tiny: 5)) { y, _ in
        let k1 = slope(y)
        let k2 = slope(moved(y, k1, h / 2))
        let k3 = slope(moved(y, k2, h / 2))
        let k4 = slope(moved(y, k3, h))
        return y.indices.map { i in y[i] + (h / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) }
      }
      return (end[0].square().mean(), stack(end))
    })

  static let elementwise = computation(
    "elementwise", "10 operations on each of 4 M numbers",
    data: { ["x": Key(7).normal([$0.pick(1 << 22, tiny: 64)])] },
    { data, _ in
      let x = try data.at("x")
      let y = (1.5 * x + 0.5).tanh()
      let z = relu(x) * y - x.abs().sqrt() / (1 + x.square())
      return (z.mean(), z)
    })

  static let reductions = computation(
    "reductions", "sums by row and column, maxima, variances of 4,096 x 4,096",
    data: { ["x": Key(7).normal([$0.pick(4096, tiny: 8), $0.pick(4096, tiny: 8)])] },
    { data, _ in
      let x = try data.at("x")
      let array = stack([x.sum(0), x.sum(1), x.max(0), x.max(1), x.variance(axes: [0]), x.variance(axes: [1])])
      return (array.mean(), array)
    })

  static let softmax = computation(
    "softmax", "softmax of the rows of 4,096 x 4,096",
    data: { ["x": Key(7).normal([$0.pick(4096, tiny: 8), $0.pick(4096, tiny: 8)])] },
    { data, _ in
      let y = try data.at("x").softmax(axis: -1)
      return (y[.all, 0].mean(), y)
    })

  /// The arrays are small, so that time goes to passing them.
  static let callOverhead = call(
    "call-overhead", "call of a compiled step with 300 leaves of 8 numbers, all of which change"
  ) { leaves in leaves.map { 0.5 * $0 } }

  static let callUnchanged = call(
    "call-unchanged", "call of a compiled step with 300 leaves of 8 numbers, one of which changes"
  ) { leaves in
    var leaves = leaves
    leaves[0] = 0.5 * leaves[0] + leaves[leaves.count - 1]
    return leaves
  }

  private static func call(
    _ name: String, _ title: String, _ next: @escaping @Sendable ([Tensor]) -> [Tensor]
  ) -> Workload {
    Workload(
      name: name, title: title, kind: .overhead, settings: { _ in [:] },
      prepare: { size in
        let x = Key(7).normal([size.pick(300, tiny: 5), 8])
        return ["data.x": x]
      },
      start: { _, tensors in
        let x = try tensors.at("data.x")
        var leaves = (0..<x.shape[0]).map { x[$0].copy() }
        try evaluate(leaves)
        let step = jit(donating: 0) { (leaves: [Tensor]) in
          let leaves = next(leaves)
          return (leaves, leaves[0].sum())
        }
        return {
          let (next, value) = try step(leaves)
          leaves = next
          return value
        }
      })
  }
}
