import Foundation
import Testing

@testable import Pinion

@Suite struct GradientTests {
  @Test func higherOrders() throws {
    let f: (Tensor) throws -> Tensor = { $0 ** 4 }
    let x = Tensor(2.0)
    #expect(try grad(f)(x).item() == 32)
    #expect(try grad(grad(f))(x).item() == 48)
    #expect(try grad(grad(grad(f)))(x).item() == 48)
  }

  @Test func stopsAndCustomRules() throws {
    let x = Tensor(3.0)
    #expect(try grad { (x: Tensor) in x * stopGradient(x) }(x).item() == 3)
    let clipped = try grad { (x: Tensor) in
      try customVJP(inputs: [x]) { inputs in
        ([inputs[0] * inputs[0]], [inputs[0]])
      } backward: { r, g in
        [g[0] * r[0] * 100]
      }[0]
    }(x)
    #expect(try clipped.item() == 300)
  }

  @Test func readingInsideAnEagerGradient() throws {
    var seen = 0.0
    let g = try grad { (x: Tensor) in
      let y = x * x
      seen = try y.item()
      return y * x
    }(Tensor(2.0))
    #expect(seen == 4)
    #expect(try g.item() == 12)
  }

  @Test func vjpOfManyResults() throws {
    let (value, pull) = try vjp(Tensor([1.0, 2.0])) { [$0.sum(), $0 * $0] }
    #expect(try value[1].array(of: Double.self) == [1, 4])
    #expect(try pull([Tensor(1.0), Tensor([1.0, 1.0])]).array(of: Double.self) == [3, 5])
  }

  @Test func notAScalar() {
    #expect(throws: TensorError.self) { try grad { (x: Tensor) in x }(Tensor([1.0, 2.0])) }
    #expect(throws: TensorError.self) { try grad { (x: Tensor) in x.cast(.int32) }(Tensor(1.0)) }
  }
}

@Suite struct JitTests {
  @Test func tracesOnceForEachSignature() throws {
    var traces = 0
    let f = jit { (x: Tensor, y: Tensor) -> Tensor in
      traces += 1
      return x * 2 + y
    }
    #expect(try f(Tensor([1 as Float, 2]), Tensor([10 as Float, 20])).array(of: Float.self) == [12, 24])
    #expect(try f(Tensor([3 as Float, 4]), Tensor([10 as Float, 20])).array(of: Float.self) == [16, 28])
    #expect(traces == 1)
    #expect(try f(Tensor([3 as Float]), Tensor([10 as Float])).array(of: Float.self) == [16])
    #expect(traces == 2)
  }

  @Test func capturesAndSeveralResults() throws {
    let table = Tensor([1, 2, 3] as [Float]) * 10
    let f = jit { (x: Tensor) -> (Tensor, [Tensor]) in (x + table, [x, table, Tensor.ones([2])]) }
    let (sum, list) = try f(Tensor([1, 1, 1] as [Float]))
    #expect(try sum.array(of: Float.self) == [11, 21, 31])
    #expect(try list[0].array(of: Float.self) == [1, 1, 1])
    #expect(try list[1].array(of: Float.self) == [10, 20, 30])
    #expect(try list[2].array(of: Float.self) == [1, 1])
  }

  @Test func donatedTensorsSaySo() throws {
    let f = jit(donating: 0) { (x: Tensor) -> Tensor in x + 1 }
    let x = Tensor([1 as Float]) + 0
    let y = try f(x)
    #expect(try y.array(of: Float.self) == [2])
    #expect(throws: TensorError.self) { try x.array(of: Float.self) }
  }

  /// An argument that is a result as it came never reaches the program; neither does its memory change hands.
  @Test func unchangedArgumentsPassBy() throws {
    let f = jit(donating: 0) { (x: [Tensor], y: Tensor) in ([x[0] * 2, x[1], x[1] + x[0], x[0]], y) }
    let (x, y) = ([Tensor([1 as Float]) + 0, Tensor([10 as Float]) + 0], Tensor([5 as Float]) + 0)
    for _ in 0..<2 {
      let (results, same) = try f(x, y)
      let values = try results.map { try $0.array(of: Float.self) }
      #expect(values == [[2], [10], [11], [1]])
      #expect(try same.array(of: Float.self) == [5])
      #expect(results[1].node === x[1].node && same.node === y.node)
    }
    // With nothing to do it works too.
    let identity = jit { (x: Tensor, y: Tensor) in (y, x) }
    let (second, first) = try identity(x[0], y)
    #expect(try second.array(of: Float.self) == [5])
    #expect(try first.array(of: Float.self) == [1])
  }

  @Test func copiesSurviveDonation() throws {
    let f = jit(donating: 0) { (x: Tensor) -> Tensor in x + 1 }
    let x = Tensor([1 as Float]) + 0
    #expect(try f(x.copy()).array(of: Float.self) == [2])
    #expect(try x.array(of: Float.self) == [1])
  }

  @Test func donatingOneTensorTwice() throws {
    let f = jit(donating: 0) { (x: [Tensor], y: Tensor) -> [Tensor] in [x[0] + 1, x[1] * 2 + y] }
    let x = Tensor([1 as Float, 2]) + 0
    let z = try f([x, x], x)
    #expect(try z[0].array(of: Float.self) == [2, 3])
    #expect(try z[1].array(of: Float.self) == [3, 6])
    #expect(try x.array(of: Float.self) == [1, 2])
  }

  @Test func readingATracedValue() throws {
    let f = jit { (x: Tensor) -> Tensor in try x.item() > 0 ? x : -x }
    do {
      _ = try f(Tensor(1.0))
      Issue.record("reading a traced value must throw")
    } catch let error as TensorError {
      #expect(error.kind == .traced)
    }
  }

  @Test func leakedPlaceholder() throws {
    var kept: Tensor?
    let f = jit { (x: Tensor) -> Tensor in
      kept = x * 2
      return x
    }
    _ = try f(Tensor(1.0))
    let leaked = try #require(kept)
    #expect(throws: TensorError.self) { try leaked.item() }
    let g = jit { (x: Tensor) -> Tensor in x + leaked }
    #expect(throws: TensorError.self) { try g(Tensor(1.0)) }
  }

  @Test func gradientOfCompiledAndCompiledGradient() throws {
    let f = jit { (x: Tensor) -> Tensor in (x * x * x).sum() }
    #expect(try grad { (x: Tensor) in try f(x) }(Tensor([1.0, 2.0])).array(of: Double.self) == [3, 12])
    let g = jit { (x: Tensor) -> Tensor in try grad { (x: Tensor) in (x * x * x).sum() }(x) }
    #expect(try g(Tensor([1.0, 2.0])).array(of: Double.self) == [3, 12])
  }
}

@Suite struct EvaluationTests {
  @Test func equalGraphsShareAProgram() throws {
    func key(_ values: [Float], _ factor: Double) -> ProgramKey {
      let x = Tensor(values)
      let y = (x * factor).exp() + 1
      let nodes = Graph.order([y.node], stop: \.isLeaf)
      return Program(nodes: nodes, arguments: [x.value], outputs: [y.value]).key()
    }
    #expect(key([1, 2, 3], 3) == key([4, 5, 6], 3))
    #expect(key([1, 2, 3], 3).hashValue == key([4, 5, 6], 3).hashValue)
    #expect(key([1, 2, 3], 3) != key([1, 2, 3], 4))
    #expect(key([1, 2, 3], 3) != key([1, 2], 3))
  }

  @Test func partsOfOneStructureShareAProgram() throws {
    let before = try Device.compiledProgramCount()
    let tensors = (0..<40).map { i in ((Tensor([Double(i), 1, 2, 3, 4]) * 2.5 + 1).exp() - 3).sqrt() }
    try evaluate(tensors)
    // Other tests compile at the same time, so count generously: forty programs would be far more.
    #expect(try Device.compiledProgramCount() - before < 30)
    #expect(try tensors[0].array(of: Double.self)[0].isNaN)
    #expect(abs(try tensors[1].array(of: Double.self)[0] - (exp(3.5) - 3).squareRoot()) < 1e-12)
  }

  @Test func keysOnTheHostAreThoseOfPrograms() throws {
    let key = Key(7)
    let traced = jit { (key: Key) -> [Key] in key.split(3) + [key.foldIn(5)] }
    let (host, device) = (key.split(3) + [key.foldIn(5)], try traced(key))
    for (a, b) in zip(host, device) {
      #expect(try a.words.array(of: UInt32.self) == b.words.array(of: UInt32.self))
    }
  }

  @Test func printing() {
    #expect("\(Tensor([1, 2.5, -3] as [Float]))" == "[ 1.   2.5 -3. ]")
    #expect("\(Tensor([1e-10, 1] as [Float]))" == "[1.e-10 1.e+00]")
    #expect("\(Tensor(2.5))" == "2.5")
    #expect("\(Tensor([[1, 2], [30, 4]] as [[Int32]]))" == "[[ 1  2]\n [30  4]]")
    #expect("\(Tensor([true, false]))" == "[ True False]")
    #expect("\(Tensor.arange(2000))" == "[   0    1    2 ... 1997 1998 1999]")
  }

  /// 100,000 operations: built, evaluated, differentiated and released, on a thread with a stack of 512 KB.
  @Test func longChain() throws {
    let box = ResultBox()
    let thread = Thread {
      box.result = Result {
        let g = try grad { (x: Tensor) in
          var y = x
          for _ in 0..<50_000 { y = y * 1.00001 + 0.5 }
          return y.sum()
        }(Tensor([1.0, 2.0]))
        return try g.array(of: Double.self)
      }
      box.done.signal()
    }
    thread.stackSize = 512 << 10
    thread.start()
    box.done.wait()
    let slope = try #require(box.result).get()
    #expect(abs(slope[0] - pow(1.00001, 50_000)) < 1e-9)
  }
}

private final class ResultBox: @unchecked Sendable {
  var result: Result<[Double], any Error>?
  let done = DispatchSemaphore(value: 0)
}

@Suite struct CompanionTests {
  /// One program computes the value and all of the gradient, whatever is read first.
  @Test func gradientsAreComputedTogether() throws {
    let (value, gradients) = try valueAndGrad([numbers([3]), numbers([3], seed: 2)]) { x in (x[0] * x[1]).sin().sum() }
    #expect(!gradients[1].node.isLeaf)
    _ = try gradients[0].bytes()
    #expect(gradients[1].node.isLeaf && value.node.isLeaf)
  }

  @Test func whatNobodyHoldsIsNotComputed() throws {
    func value() throws -> (Tensor, Node) {
      let (value, gradient) = try valueAndGrad(numbers([3])) { $0.exp().sum() }
      return (value, gradient.node)
    }
    let (loss, node) = try value()
    _ = try loss.item()
    #expect(loss.node.isLeaf && !node.isLeaf)
  }
}
