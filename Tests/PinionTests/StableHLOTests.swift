import Testing

@testable import Pinion

@Suite struct StableHLOReaderTests {
  /// Runs a function of a text on inputs.
  private func run(_ text: String, _ inputs: [Tensor] = []) throws -> [Tensor] {
    try StableHLOModule(text, file: "t.mlir")(inputs)
  }

  private func message(_ text: String, _ inputs: [Tensor] = []) -> String {
    do {
      for result in try run(text, inputs) { _ = try result.bytes() }
      return "no error"
    } catch { return words(error) }
  }

  @Test func bothFormsAreTheSameProgram() throws {
    let own = try StableHLOModule(
      """
      module @m attributes {mhlo.num_partitions = 1 : i32} {
        func.func public @main(%arg0: tensor<2x3xf32> {mhlo.sharding = "x"}, %arg1: tensor<3x4xf32>) -> (tensor<4xf32> {jax.result_info = ""}) {
          %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
          %1 = call @f(%0) : (tensor<2x4xf32>) -> tensor<2x4xf32> loc("a.py":1:2)
          %cst = stablehlo.constant dense<0.0> : tensor<f32>
          %2 = stablehlo.reduce(%1 init: %cst) applies stablehlo.add across dimensions = [0] : (tensor<2x4xf32>, tensor<f32>) -> tensor<4xf32>
          return %2 : tensor<4xf32>
        }
        func.func private @f(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
          %0 = stablehlo.slice %x [0:2, 0:4:1] : (tensor<2x4xf32>) -> tensor<2x4xf32>
          %1 = stablehlo.compare GT, %0, %x, FLOAT : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xi1>
          %2 = stablehlo.select %1, %0, %x : tensor<2x4xi1>, tensor<2x4xf32>
          return %2 : tensor<2x4xf32>
        }
      }
      """)
    let generic = try StableHLOModule(
      """
      // A comment.
      #loc = loc(unknown)
      "func.func"() : () -> ()
      """.replacing(
        "\"func.func\"() : () -> ()",
        with: """
          func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<4xf32> {
            %0 = "stablehlo.dot_general"(%a, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
            %1 = "stablehlo.slice"(%0) {start_indices = array<i64: 0, 0>, limit_indices = array<i64: 2, 4>, strides = dense<1> : tensor<2xi64>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
            %2 = "stablehlo.compare"(%1, %0) <{comparison_direction = #stablehlo<comparison_direction GT>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xi1>
            %3 = "stablehlo.select"(%2, %1, %0) : (tensor<2x4xi1>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
            %zero = "stablehlo.constant"() <{value = dense<0x00000000> : tensor<f32>}> : () -> tensor<f32>
            %4 = "stablehlo.reduce"(%3, %zero) <{dimensions = array<i64: 0>}> ({
            ^bb0(%x: tensor<f32>, %y: tensor<f32>):
              %s = "stablehlo.add"(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
              "stablehlo.return"(%s) : (tensor<f32>) -> ()
            }) : (tensor<2x4xf32>, tensor<f32>) -> tensor<4xf32>
            "func.return"(%4) : (tensor<4xf32>) -> ()
          }
          """))
    let types = [TensorType(.float32, [2, 3]), TensorType(.float32, [3, 4])]
    #expect(try own.argumentTypes() == types)
    #expect(own.functionNames == ["main", "f"])
    #expect(own.argumentNames() == ["arg0", "arg1"])
    let a = try Region.trace(types, .made) { try own($0) }.region
    let b = try Region.trace(types, .made) { try generic($0) }.region
    #expect(a == b)
    let x = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    let w = Tensor.iota([3, 4], axis: 1, dtype: .float32)
    #expect(try own([x, w])[0].array(of: Float.self) == [0, 21, 42, 63])
    // Part of ordinary code: derivative and batch.
    let slope = try grad { (x: Tensor) in try own([x, w])[0].sum() }(x)
    #expect(try slope.array(of: Float.self) == [6, 6, 6, 6, 6, 6])
  }

  @Test func constantsOfAllKinds() throws {
    let cases: [(String, String, [UInt8])] = [
      ("dense<3> : tensor<2xi8>", "2xi8", [3, 3]),
      ("dense<[[1, -2], [3, 0x7F]]> : tensor<2x2xi8>", "2x2xi8", [1, 254, 3, 127]),
      ("dense<\"0x01020304\"> : tensor<2xui16>", "2xui16", [1, 2, 3, 4]),
      ("dense<\"0x05\"> : tensor<3xi1>", "3xi1", [1, 0, 1]),
      ("dense<[true, false]> : tensor<2xi1>", "2xi1", [1, 0]),
      ("dense<\"0x0A0B\"> : tensor<2xui8>", "2xui8", [10, 11]),
      ("dense<> : tensor<0xf32>", "0xf32", []),
      ("dense<[1.0, 0x3C00]> : tensor<2xf16>", "2xf16", [0, 0x3C, 0, 0x3C]),
      ("dense<[1.0, 0x3F81]> : tensor<2xbf16>", "2xbf16", [0x80, 0x3F, 0x81, 0x3F]),
      ("dense<[1.5e0, 0xFF800000]> : tensor<2xf32>", "2xf32", [0, 0, 0xC0, 0x3F, 0, 0, 0x80, 0xFF]),
      ("dense<[(1.0, -0.0)]> : tensor<1xcomplex<f32>>", "1xcomplex<f32>", [0, 0, 0x80, 0x3F, 0, 0, 0, 0x80]),
      (
        "dense<[18446744073709551615, 0]> : tensor<2xui64>", "2xui64",
        Array(repeating: 255, count: 8) + Array(repeating: 0, count: 8)
      ),
    ]
    var results: [Tensor] = []
    for (dense, type, _) in cases {
      results += try run(
        "func.func @f() -> tensor<\(type)> {\n %c = stablehlo.constant \(dense)\n return %c : tensor<\(type)> }")
    }
    try evaluate(results)
    for (result, (dense, _, bytes)) in zip(results, cases) { #expect(try result.bytes() == bytes, "\(dense)") }
  }

  @Test func errorsNameThePlace() {
    func body(_ line: String, result: String = "tensor<2xf32>") -> String {
      "func.func @main(%a: tensor<2xf32>, %b: tensor<3xf32>) -> tensor<2xf32> {\n  \(line)\n  return %r : \(result)\n}"
    }
    let inputs = [Tensor([1, 2] as [Float]), Tensor([1, 2, 3] as [Float])]
    let cases: [(String, String)] = [
      (
        body("%r = stablehlo.add %a, %b : tensor<2xf32>"),
        "2:26: operand %b is tensor<3xf32>, the text says tensor<2xf32>"
      ),
      (body("%r = stablehlo.add %a, %c : tensor<2xf32>"), "2:26: %c isn't defined before its use"),
      (
        body("%r = stablehlo.frobnicate %a : tensor<2xf32>"),
        "2:8: stablehlo.frobnicate: isn't an operation that can be read"
      ),
      (
        body("%r = stablehlo.reshape %b : (tensor<3xf32>) -> tensor<2xf32>"),
        "2:8: stablehlo.reshape: [3] has 3 elements, [2] has 2"
      ),
      (
        body("%r = stablehlo.slice %b [0:3] : (tensor<3xf32>) -> tensor<2xf32>"),
        "2:8: result of stablehlo.slice is tensor<3xf32>, the text says tensor<2xf32>"
      ),
      (
        body("%r = stablehlo.iota dim = 0 : tensor<2xf8E4M3FN>"),
        "2:8: tensors have no elements of type f8E4M3FN"
      ),
      (body("%r = stablehlo.add %a, %a : tensor<2xg32>"), "2:40: 'g32' isn't an element type"),
      (
        body("%r = stablehlo.constant dense<[1.0, 2.0, 3.0]> : tensor<2xf32>"),
        "2:33: axis 0 of tensor<2xf32> takes 2 elements, got 3"
      ),
      (body("%r = stablehlo.constant dense<[300, 1]> : tensor<2xi8>"), "2:34: '300' isn't a int8"),
      (body("%r = call @main(%a, %b) : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>"), "2:8: @main calls itself"),
      (body("%r = call @g(%a) : (tensor<2xf32>) -> tensor<2xf32>"), "2:8: there is no function @g"),
      (
        body("%r:2 = stablehlo.abs %a : tensor<2xf32>"),
        "2:10: stablehlo.abs has 1 result(s), 2 name(s) stand before it"
      ),
      (
        body("%r = stablehlo.dynamic_reshape %a, %b : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>"),
        "2:8: stablehlo.dynamic_reshape: the shape is float32[3], expected a list of integers"
      ),
      (
        "func.func @main() {\n  stablehlo.constant dense<0> : tensor<99999999999xi8>\n}",
        "2:49: the size of an axis is 9999999999…, expected less than 2^31"
      ),
      ("module {\n  func.func @f() {\n    return\n", "4:1: found the end of the text, expected an operation"),
      ("module {\n  gpu.func @f()\n}", "2:3: found 'gpu.func', expected 'module' or 'func.func'"),
      ("func.func @f() {\n  %0 = \"stablehlo.abs\"(%x : () -> ()\n}", "2:27: found ':', expected ')'"),
    ]
    for (text, expected) in cases {
      let found = message(text, text.contains("%a: tensor") ? inputs : [])
      #expect(found.hasPrefix("t.mlir:\(expected)"), "\(found)\n\(text)")
      #expect(!found.contains("\n"))
    }
  }

  @Test func hostileTextNeverTraps() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(message("func.func @f() attributes {a = \(deep)").contains("nested deeper than"))
    let regions = String(repeating: "\"a\"() ({", count: 10_000)
    #expect(message("func.func @f() {\n\(regions)").contains("nested deeper than"))
    // Doubling calls would take for ever.
    var functions = "func.func @f0(%a: tensor<f32>) -> tensor<f32> {\n return %a : tensor<f32> }\n"
    for k in 1...60 {
      functions += """
        func.func @f\(k)(%a: tensor<f32>) -> tensor<f32> {
          %0 = call @f\(k - 1)(%a) : (tensor<f32>) -> tensor<f32>
          %1 = call @f\(k - 1)(%0) : (tensor<f32>) -> tensor<f32>
          return %1 : tensor<f32>
        }

        """
    }
    functions += """
      func.func @main() -> tensor<f32> {
        %c = stablehlo.constant dense<1.0> : tensor<f32>
        %0 = call @f60(%c) : (tensor<f32>) -> tensor<f32>
        return %0 : tensor<f32>
      }
      """
    #expect(message(functions).contains("more than"))
    // A program cut off and with bytes changed is read, or refused with a place; nothing else.
    let bytes = Array(GoldenTests.program.utf8)
    var state: UInt32 = 7
    func random(_ n: Int) -> Int {
      state = state &* 1_664_525 &+ 1_013_904_223
      return Int(state >> 8) % n
    }
    var refused = 0
    for round in 0..<120 {
      var changed = bytes
      if round % 4 == 0 { changed.removeLast(random(bytes.count)) }
      for _ in 0..<(round % 4) {
        let place = random(changed.count)
        switch random(3) {
        case 0: changed[place] = UInt8(32 + random(95))
        case 1: changed.remove(at: place)
        default:
          changed.insert(
            contentsOf: Array("99999999999 -1 9 : < ( [ 0x".split(separator: " ")[random(8)].utf8), at: place)
        }
      }
      do {
        for module in try StableHLOModule.modules(in: changed, file: "t.mlir") {
          for name in module.functionNames where try module.argumentTypes(of: name).isEmpty {
            _ = try module([], function: name)
          }
        }
      } catch {
        refused += 1
        #expect(error is StableHLOError, "\(error)")
      }
    }
    #expect(refused > 40)
  }

  @Test func exportedTextIsReadAgain() throws {
    let x = Tensor([0.5, 1, 2] as [Float])
    let text = try stableHLO(of: [x.type]) { [($0[0] * 2).exp(), $0[0].softmax()] }
    #expect(text.contains("func.func public @main(%arg0: tensor<3xf32>)"))
    let results = try run(text, [x])
    #expect(try results[0].array(of: Float.self) == (x * 2).exp().array(of: Float.self))
    #expect(try results[1].array(of: Float.self) == x.softmax().array(of: Float.self))
    #expect(try (x + 1).stableHLO().contains("stablehlo.add"))
    #expect(throws: TensorError.self) { try stableHLO(of: [x.type]) { [$0[0].reshape([2])] } }
  }
}

@Suite struct GoldenTests {
  /// A program of the form of StableHLO's test data, with operations that have bodies.
  static let program = """
    module @jit_main attributes {mhlo.num_partitions = 1 : i32} {
      func.func public @main() -> (tensor<3xf32> {jax.result_info = ""}) {
        %0:2 = call @inputs() : () -> (tensor<2x3xf32>, tensor<3xf32>)
        %1:2 = call @expected() : () -> (tensor<3xf32>, tensor<2x3xf32>)
        %cst = stablehlo.constant dense<1.000000e+00> : tensor<f32>
        %2 = stablehlo.reduce(%0#0 init: %cst) across dimensions = [0] : (tensor<2x3xf32>, tensor<f32>) -> tensor<3xf32>
         reducer(%a: tensor<f32>, %b: tensor<f32>)  {
          %9 = stablehlo.multiply %a, %b : tensor<f32>
          %10 = stablehlo.abs %9 : tensor<f32>
          stablehlo.return %10 : tensor<f32>
        }
        %c = stablehlo.constant dense<[[0], [2]]> : tensor<2x1xi64>
        %3 = stablehlo.slice %0#1 [0:2] : (tensor<3xf32>) -> tensor<2xf32>
        %4 = "stablehlo.scatter"(%2, %c, %3) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, unique_indices = true}> ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %9 = stablehlo.add %a, %b : tensor<f32>
          stablehlo.return %9 : tensor<f32>
        }) : (tensor<3xf32>, tensor<2x1xi64>, tensor<2xf32>) -> tensor<3xf32>
        %5 = "stablehlo.sort"(%4) <{dimension = 0 : i64, is_stable = true}> ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %9 = stablehlo.compare GT, %a, %b, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
          stablehlo.return %9 : tensor<i1>
        }) : (tensor<3xf32>) -> tensor<3xf32>
        %6 = "stablehlo.reduce_window"(%0#0, %cst) <{padding = dense<[[0, 0], [1, 1]]> : tensor<2x2xi64>, window_dimensions = array<i64: 1, 3>}> ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %9 = stablehlo.multiply %a, %b : tensor<f32>
          stablehlo.return %9 : tensor<f32>
        }) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
        stablehlo.custom_call @check.expect_close(%5, %1#0) {has_side_effect = true} : (tensor<3xf32>, tensor<3xf32>) -> ()
        stablehlo.custom_call @check.expect_almost_eq(%6, %1#1) {has_side_effect = true} : (tensor<2x3xf32>, tensor<2x3xf32>) -> ()
        return %5 : tensor<3xf32>
      }
      func.func private @inputs() -> (tensor<2x3xf32>, tensor<3xf32>) {
        %cst = stablehlo.constant dense<[[1.0, -2.0, 3.0], [4.0, 5.0, 0.5]]> : tensor<2x3xf32>
        %cst_0 = stablehlo.constant dense<[7.0, 3.0, 1.0]> : tensor<3xf32>
        return %cst, %cst_0 : tensor<2x3xf32>, tensor<3xf32>
      }
      func.func private @expected() -> (tensor<3xf32>, tensor<2x3xf32>) {
        %cst = stablehlo.constant dense<[11.0, 10.0, 4.5]> : tensor<3xf32>
        %cst_0 = stablehlo.constant dense<[[-2.0, -6.0, -6.0], [20.0, 10.0, 2.5]]> : tensor<2x3xf32>
        return %cst, %cst_0 : tensor<3xf32>, tensor<2x3xf32>
      }
    }

    """

  private var all: GoldenProgram.Options {
    var options = GoldenProgram.Options()
    (options.vmap, options.grad, options.roundtrip) = (true, true, true)
    return options
  }

  @Test func aProgramIsRightInEveryWay() {
    let reports = GoldenProgram.examine(Array(Self.program.utf8), file: "p.mlir", all)
    #expect(reports.count == 1)
    #expect(reports[0].verdicts == ["run": .right, "roundtrip": .right, "vmap": .right, "grad": .right])
  }

  @Test func wrongValuesAreFound() {
    let text = Self.program.replacing("11.0, 10.0, 4.5", with: "11.0, 10.5, 4.5")
    let reports = GoldenProgram.examine(Array(text.utf8), file: "p.mlir", .init())
    #expect(
      reports[0].verdicts["run"]
        == .wrong(
          cause: "values",
          message: "p.mlir:29:5: 1 of 3 values differ: element 1 is 10.0, expected 10.5"))
  }

  @Test func loopsBranchesAndSeveralModules() {
    let text = """
      func.func @loop() {
        %i = stablehlo.constant dense<0> : tensor<i64>
        %s = stablehlo.constant dense<1> : tensor<i64>
        %one = stablehlo.constant dense<1> : tensor<i64>
        %ten = stablehlo.constant dense<10> : tensor<i64>
        %r:2 = stablehlo.while(%a = %i, %b = %s) : tensor<i64>, tensor<i64>
        cond {
          %c = stablehlo.compare LT, %a, %ten : (tensor<i64>, tensor<i64>) -> tensor<i1>
          stablehlo.return %c : tensor<i1>
        } do {
          %n = stablehlo.add %a, %one : tensor<i64>
          %d = stablehlo.add %b, %b : tensor<i64>
          stablehlo.return %n, %d : tensor<i64>, tensor<i64>
        }
        check.expect_eq_const %r#1, dense<1024> : tensor<i64>
        func.return
      }

      // -----

      func.func @branches() {
        %p = stablehlo.constant dense<false> : tensor<i1>
        %x = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>
        %r = "stablehlo.if"(%p) ({
          stablehlo.return %x : tensor<2xf32>
        }, {
          %n = stablehlo.negate %x : tensor<2xf32>
          stablehlo.return %n : tensor<2xf32>
        }) : (tensor<i1>) -> tensor<2xf32>
        check.expect_eq_const %r, dense<[-1.0, -2.0]> : tensor<2xf32>
        func.return
      }

      // -----

      func.func @shapes(%unused: tensor<2xf32>) -> tensor<2xf32> {
        return %unused : tensor<2xf32>
      }
      func.func @dynamic() {
        %x = stablehlo.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
        %s = stablehlo.constant dense<2> : tensor<2xi64>
        %t = stablehlo.multiply %s, %s : tensor<2xi64>
        %h = stablehlo.constant dense<2> : tensor<2xi64>
        %q = stablehlo.divide %t, %h : tensor<2xi64>
        %r = stablehlo.dynamic_reshape %x, %q : (tensor<4xi32>, tensor<2xi64>) -> tensor<?x?xi32>
        %y = stablehlo.slice %r [0:2, 1:2] : (tensor<?x?xi32>) -> tensor<2x1xi32>
        check.expect_eq_const %y, dense<[[2], [4]]> : tensor<2x1xi32>
        func.return
      }
      """
    let reports = GoldenProgram.examine(Array(text.utf8), file: "p.mlir", .init())
    #expect(reports.map(\.name) == ["p.mlir#1", "p.mlir#2", "p.mlir#3"])
    for report in reports { #expect(report.verdicts == ["run": .right], "\(report)") }
  }

  @Test func shapeErrorsAreRecognised() {
    let text = """
      func.func @good(%a: tensor<2x3xf32>) -> tensor<3x2xf32> {
        %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
        func.return %0 : tensor<3x2xf32>
      }
      // -----
      func.func @bad(%a: tensor<2x3xf32>) -> tensor<3x2xf32> {
        // expected-error@+1 {{not a permutation}}
        %0 = stablehlo.transpose %a, dims = [1, 1] : (tensor<2x3xf32>) -> tensor<3x2xf32>
        func.return %0 : tensor<3x2xf32>
      }
      // -----
      func.func @accepted(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
        // expected-error@+1 {{there is none}}
        %0 = stablehlo.abs %a : tensor<2x3xf32>
        func.return %0 : tensor<2x3xf32>
      }
      """
    let reports = GoldenProgram.examine(Array(text.utf8), file: "p.mlir", .init())
    #expect(reports.map { $0.verdicts["types"] == .right } == [true, true, false])
  }
}
