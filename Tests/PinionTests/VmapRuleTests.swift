import Foundation
import Testing

@testable import Pinion

/// What vmap does, against a loop over the examples.
@Suite struct VmapRuleTests {
  /// Something to map, and operands of one example and of two.
  private struct Rule {
    let name: String
    let axisCounts: [Int]
    let example: (Int) -> [Tensor]
    let function: ([Tensor]) throws -> [Tensor]

    /// An operation of the table with the operands of an oracle's case.
    init(_ c: OracleCase) {
      name = c.op
      axisCounts = c.inputs.map(\.s.count)
      example = { c.operands($0) }
      function = { operation(c.op, $0) ?? [] }
    }

    init(_ name: String, _ specs: [(Int) -> Tensor], _ function: @escaping ([Tensor]) throws -> [Tensor]) {
      self.name = name
      axisCounts = specs.map { $0(0).rank }
      example = { e in specs.map { $0(e) } }
      self.function = function
    }
  }

  /// Compares on the host, so that the programs hold nothing but what is compared.
  private func expectAgreement(_ a: Tensor, _ b: Tensor, _ name: String) throws {
    guard a.type == b.type else {
      Issue.record("\(name): \(a.type) is not \(b.type)")
      return
    }
    let tolerance = !a.dtype.isDifferentiable ? 0 : a.dtype.realType == .float64 ? 1e-11 : 4e-6
    for (x, y) in zip(hostNumbers(try a.bytes(), a.dtype), hostNumbers(try b.bytes(), b.dtype))
    where !(x == y || x.isNaN && y.isNaN || abs(x - y) <= tolerance * (1 + abs(y))) {
      Issue.record("\(name): \(x), single calls say \(y)")
      return
    }
  }

  private func gradients(_ f: @escaping ([Tensor]) throws -> [Tensor]) -> ([Tensor]) throws -> [Tensor] {
    { try grad { oracleLoss(try f($0)) }($0) }
  }

  /// Every combination of operands that differ, with their examples on changing axes; then derivatives: mapped, and of
  /// what is mapped, where an operand that the examples share sums over them.
  private func checks(_ rule: Rule, _ first: [Tensor], _ second: [Tensor]) throws -> [(String, Tensor, Tensor)] {
    var checks: [(String, Tensor, Tensor)] = []
    let n = first.count
    func input(_ i: Int, _ axis: Int?) -> Tensor { axis.map { stack([first[i], second[i]], axis: $0) } ?? first[i] }
    func chosen(_ mask: Int, _ turn: Int) -> [Int?] {
      (0..<n).map { mask >> $0 & 1 == 1 ? (mask + turn + $0) % (rule.axisCounts[$0] + 1) : nil }
    }
    /// Calls on single examples; those on the first one are shared.
    func singles(_ f: @escaping ([Tensor]) throws -> [Tensor]) throws -> ([Int?]) throws -> [[Tensor]] {
      let ofFirst = try f(first)
      return { axes in [ofFirst, try f((0..<n).map { axes[$0] == nil ? first[$0] : second[$0] })] }
    }
    let values = try singles(rule.function)
    let all = (1 << n) - 1
    for mask in 1...all {
      for turn in mask == all && n == 1 ? [0, 1] : [0] {
        let axes = chosen(mask, turn)
        let out = mask % 2 == turn ? -1 : 0
        let results = try mapped(axes, outAxis: out, axes.indices.map { input($0, axes[$0]) }, rule.function)
        let expected = try values(axes)
        for (k, result) in results.enumerated() {
          checks.append(
            ("\(rule.name) \(axes) -> \(out), \(k)", result, stack(expected.map { $0[k] }, axis: out)))
        }
      }
    }
    let isDifferentiable = first.map(\.dtype.isDifferentiable)
    guard isDifferentiable.contains(true), try rule.function(first).contains(where: \.dtype.isDifferentiable) else {
      return checks
    }
    let slopes = try singles(gradients(rule.function))
    for mask in Set([all, n % 2 == 0 ? 1 : 1 << (n - 1)]).sorted() {
      let axes = chosen(mask, 0)
      let inputs = axes.indices.map { input($0, axes[$0]) }
      let expected = try slopes(axes)
      for (k, result) in try mapped(axes, outAxis: 0, inputs, gradients(rule.function)).enumerated()
      where isDifferentiable[k] {
        checks.append(("\(rule.name) \(axes), gradient \(k) mapped", result, stack(expected.map { $0[k] })))
      }
      let whole = try grad { x in
        let results = try mapped(axes, outAxis: 0, x, rule.function)
        return oracleLoss(results.map { $0[0] }) + oracleLoss(results.map { $0[1] })
      }(inputs)
      for k in 0..<n where isDifferentiable[k] {
        let parts = expected.map { $0[k] }
        let sum = axes[k].map { stack(parts, axis: $0) } ?? parts[0] + parts[1]
        checks.append(("\(rule.name) \(axes), gradient \(k) of the mapped", whole[k], sum))
      }
    }
    return checks
  }

  private func check(_ rules: ArraySlice<Rule>) throws {
    let arguments = rules.flatMap { $0.example(0) + $0.example(1) }
    var names: [String] = []
    let program = jit { (given: [Tensor]) -> [Tensor] in
      var next = given[...]
      var results: [Tensor] = []
      for rule in rules {
        let n = rule.axisCounts.count
        let (first, second) = (Array(next.prefix(n)), Array(next.dropFirst(n).prefix(n)))
        next = next.dropFirst(2 * n)
        do {
          for (name, result, expected) in try checks(rule, first, second) {
            if let failure = result.failure ?? expected.failure { throw failure }
            names.append(name)
            results += [result, expected]
          }
        } catch {
          Issue.record("\(rule.name): \(error)")
        }
      }
      return results
    }
    let results = try program(arguments)
    for (i, name) in names.enumerated() { try expectAgreement(results[2 * i], results[2 * i + 1], name) }
  }

  /// Operations whose rule another one of the list shows as well; DifferentialTests maps them too.
  private static let sharing = [
    "expm1", "log1p", "cbrt", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "erf", "erfc",
    "erfInverse", "lgamma", "digamma", "polygamma", "rsqrt", "powHalf", "floor", "ceil", "cos", "log", "sqrt",
    "reciprocal", "round", "truncated", "subtract", "divide", "minimum", "atan2", "or", "xor", "shiftRight", "notEqual",
    "lessEqual", "greater", "greaterEqual", "normal", "uniform64", "negate", "sign", "exp", "sin", "sigmoid", "clamp",
    "isFinite", "copy", "real", "imaginary", "not", "populationCount", "remainder", "maximum", "nextAfter", "and",
    "shiftLeft", "shiftRightLogical", "equal", "permute", "swapAxes", "expandDims", "crop", "tile", "sumAll", "sumKeep",
    "min", "argMin", "any", "mean", "variance", "standardDeviation", "logSoftmax", "minPool", "averagePool",
    "averagePoolInside", "sortedDown", "cumulativeMin", "cumulativeSumBack", "cumulativeProductBack",
    "cumulativeMinBack", "scatterMin", "cast float32", "cast bfloat16", "cast float64", "cast float16", "cast uint8",
    "cast complex64", "cast bool", "argSort down", "einsum batch", "einsum dots", "take 1",
  ]

  /// Operations of the oracle, once each.
  @Test func operationsEqualALoop() throws {
    var seen = Set(Self.sharing)
    let cases = try oracle("differential", as: [OracleCase].self).filter { c in
      !c.inputs.contains { $0.d == "bfloat16" || $0.d == "float16" } && seen.insert(c.op).inserted
    }
    let rules = cases.map { Rule($0) }
    #expect(rules.count >= 75)
    for start in stride(from: 0, to: rules.count, by: 10) {
      try check(rules[start..<min(start + 10, rules.count)])
    }
  }

  /// Forms of the general operations that the public ones don't reach.
  @Test func generalFormsEqualALoop() throws {
    func real(_ shape: [Int], _ seed: UInt64 = 1) -> (Int) -> Tensor {
      { Tensor(congruence(shape.elementCount, -1, 1, seed + 9 * UInt64($0)), shape: shape) }
    }
    func places(_ shape: [Int], _ top: Double, _ seed: UInt64 = 5) -> (Int) -> Tensor {
      {
        let x = congruence(shape.elementCount, -2, top, seed + 9 * UInt64($0))
        return Tensor(x.map { Int32($0.rounded(.down)) }, shape: shape)
      }
    }
    let paired = GatherDimensions(
      sliceAxes: [0, 2], collapsedAxes: [1], operandBatchAxes: [2], indexBatchAxes: [0], indexedAxes: [1, 0],
      indexVectorAxis: 1)
    let scalarIndices = GatherDimensions(sliceAxes: [1, 3], collapsedAxes: [], indexedAxes: [1], indexVectorAxis: 2)
    let collapsed = GatherDimensions(
      sliceAxes: [], collapsedAxes: [0, 1], indexedAxes: [0, 1], indexVectorAxis: 0)
    func gathering(_ d: GatherDimensions, _ sizes: [Int]) -> ([Tensor]) throws -> [Tensor] {
      { [gather($0[0], $0[1], dimensions: d, sizes: sizes)] }
    }
    func scattering(_ kind: Scatter.Kind, _ d: GatherDimensions, _ sizes: [Int]) -> ([Tensor]) throws -> [Tensor] {
      { [Tensor.apply1(Scatter(kind: kind, dimensions: d, sizes: sizes), $0)] }
    }
    func words(_ shape: [Int], _ seed: UInt64) -> (Int) -> Tensor {
      { Tensor(congruence(shape.elementCount, 0, 4e9, seed + UInt64($0)).map { UInt32($0) }, shape: shape) }
    }
    let rules: [Rule] = [
      Rule("pad by a tensor", [real([2, 3]), real([])]) {
        [Tensor.apply1(Pad(low: [1, -1], high: [0, 2], interior: [0, 1]), $0)]
      },
      Rule("gather with batch axes", [real([3, 4, 2, 2]), places([2, 2, 3], 5)], gathering(paired, [2, 1, 1, 2])),
      Rule("gather by scalars", [real([3, 4]), places([2, 3], 5)], gathering(scalarIndices, [3, 2])),
      Rule("gather of elements", [real([3, 4]), places([2, 3], 5)], gathering(collapsed, [1, 1])),
      Rule(
        "scatter with batch axes", [real([3, 4, 2, 2]), places([2, 2, 3], 5), real([2, 2, 2, 3], 3)],
        scattering(.add, paired, [2, 1, 1, 2])),
      Rule(
        "scatter by scalars", [real([3, 4]), places([2, 3], 5), real([2, 3, 3, 2], 3)],
        scattering(.max, scalarIndices, [3, 2])),
      Rule(
        "scatter of elements", [real([3, 4]), places([2, 3], 5), real([3], 3)], scattering(.add, collapsed, [1, 1])),
      Rule("whole box", [real([]), real([])]) { x in
        [x[0].dynamicUpdateSlice(x[1], starts: []).dynamicSlice(starts: [], sizes: [])]
      },
      Rule("dot of many axes", [real([2, 3, 4, 2]), real([3, 4, 5, 2])]) {
        [dotGeneral($0[0], $0[1], batch: ([3, 1], [3, 0]), contract: ([2], [1]))]
      },
      Rule("grouped kernel gradient", [real([2, 5, 4]), real([3, 2, 6], 2)]) {
        [convolution($0[0], $0[1], strides: [2], padding: .same, kernelDilation: [2], groups: 2)]
      },
      Rule("cipher", [words([], 1), words([], 2), words([3], 3), words([3], 4)]) {
        Tensor.apply(Threefry2x32(), $0, resultCount: 2)
      },
      Rule("cipher of one", [words([], 1), words([], 2), words([], 3), words([], 4)]) {
        Tensor.apply(Threefry2x32(), $0, resultCount: 2)
      },
      Rule("barrier", [real([2]), real([3])]) { Tensor.apply(OptimizationBarrier(), $0, resultCount: 2) },
      Rule("reshape around", [real([2, 3, 4])]) { x in
        [x[0].reshape([6, 4]), x[0].reshape([2, 12]), x[0].reshape([4, 6]), x[0].reshape([2, 3, 2, 2, 1])]
      },
    ]
    for start in stride(from: 0, to: rules.count, by: 7) { try check(rules[start..<min(start + 7, rules.count)]) }
  }

  /// A rule that mapped twice still has the right axes.
  @Test func nestedEqualsALoop() throws {
    let (x, w) = (numbers([2, 3, 4, 5]), numbers([2, 5, 3], seed: 2))
    let f: (Tensor, Tensor) throws -> Tensor = { x, w in (x.matmul(w).sorted() + w.sum()).cumulativeSum() }
    let inner: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: [0, 1], f)
    let outer: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: [0, 0], outAxes: [1], inner)
    let result = try outer(x, w)
    #expect(result.shape == [3, 2, 4])
    for (k, e) in [(0, 0), (1, 2)] { try expectClose(result[e, k], f(x[k, e], w[k, .all, e])) }
  }

  /// No primitive comes in without its rules: derivative (the compiler sees to it) and batches.
  @Test func everyPrimitiveHasARule() throws {
    let without: Set = ["Failure", "Given", "Placeholder", "Constant", "Iota"]  // Have no operands.
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/Pinion")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var found = 0
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      for part in text.components(separatedBy: "struct ").dropFirst() {
        guard let header = part.components(separatedBy: "{").first, header.contains(": Primitive"),
          let name = header.components(separatedBy: ":").first
        else { continue }
        found += 1
        let body = part.components(separatedBy: "\n}\n")[0]
        #expect(body.contains("func batched(") != without.contains(name), "\(name) in \(file.lastPathComponent)")
      }
    }
    #expect(found >= 40)
  }
}
