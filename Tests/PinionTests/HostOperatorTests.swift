import Testing

@testable import Pinion

@Suite struct HostOperatorTests {
  private static let matrix = [[1.0, 2, 3], [4, 5, -6]]

  /// A matrix [2, 3] as Swift code.
  private let product = HostOperator(
    rows: 2, columns: 3,
    apply: { x in matrix.map { row in zip(row, x).reduce(0) { $0 + $1.0 * $1.1 } } },
    transpose: { y in (0..<3).map { j in zip(matrix, y).reduce(0) { $0 + $1.0[j] * $1.1 } } })

  private var tensor: Tensor { Tensor(Self.matrix.flatMap { $0 }, shape: [2, 3]) }

  @Test func products() throws {
    let x = Tensor([1.0, -1, 2, 0.5, 0, 1], shape: [2, 3])
    #expect(try product(x).array(of: Double.self) == [5, -13, 3.5, -4])
    #expect(try product.transposed(Tensor([1.0, 2], shape: [2])).array(of: Double.self) == [9, 12, -9])
    #expect(product(x).shape == [2, 2])
    #expect(product(Tensor.zeros([0, 3], dtype: .float64)).shape == [0, 2])
  }

  /// Derivatives of first and second order, batches and loops are those of the matrix.
  @Test func transforms() throws {
    let x = Tensor([0.3, -1, 2], shape: [3])
    let f = { (x: Tensor) in (self.product(x).sin() * Tensor([1.0, 2], shape: [2])).sum() }
    let g = { (x: Tensor) in (self.tensor.matmul(x).sin() * Tensor([1.0, 2], shape: [2])).sum() }
    func expectClose(_ a: Tensor, _ b: Tensor) throws {
      let (a, b) = (try a.array(of: Double.self), try b.array(of: Double.self))
      #expect(a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 })
    }
    try expectClose(try grad(f)(x), try grad(g)(x))
    try expectClose(
      try grad { try grad(f)($0).square().sum() }(x), try grad { try grad(g)($0).square().sum() }(x))
    let many = Tensor((0..<12).map { Double($0) / 7 }, shape: [4, 3])
    try expectClose(try vmap { self.product($0) }(many), many.matmul(tensor.matrixTranspose()))
    let twice = jit { (x: Tensor) in self.product.transposed(self.product(x)) }
    try expectClose(try twice(x), tensor.matrixTranspose().matmul(tensor.matmul(x)))
  }

  @Test func errors() throws {
    #expect(throws: TensorError.self) { try product(Tensor([1.0, 2], shape: [2])).array(of: Double.self) }
    #expect(throws: TensorError.self) { try product(Tensor([1 as Float, 2, 3], shape: [3])).array(of: Float.self) }
    struct Refused: Error, CustomStringConvertible {
      var description: String { "refused" }
    }
    let broken = HostOperator(rows: 1, columns: 1, apply: { _ in throw Refused() }, transpose: { _ in [1, 2] })
    do {
      _ = try broken(Tensor([1.0], shape: [1])).array(of: Double.self)
      Issue.record("nothing was thrown")
    } catch { #expect("\(error)".contains("refused")) }
    do {
      _ = try broken.transposed(Tensor([1.0], shape: [1])).array(of: Double.self)
      Issue.record("nothing was thrown")
    } catch { #expect("\(error)".contains("gave 2 numbers, expected 1")) }
  }
}
