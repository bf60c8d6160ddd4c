import Testing

@testable import Pinion

/// Operations that the reader writes in others.
@Suite struct StableHLOFormsTests {
  /// Verdicts of a function's body that makes comparisons.
  private func verdicts(_ body: String) -> [String: GoldenProgram.Verdict] {
    var options = GoldenProgram.Options()
    options.roundtrip = true
    let text = "func.func @main() {\n\(body)\n  func.return\n}\n"
    return GoldenProgram.examine(Array(text.utf8), file: "f.mlir", options)[0].verdicts
  }

  private func message(_ text: String) -> String {
    do {
      for result in try StableHLOModule(text, file: "t.mlir")([]) { _ = try result.bytes() }
      return "no error"
    } catch { return words(error) }
  }

  @Test func loopsWithAndWithoutCarriedValues() {
    let body = """
        %x = stablehlo.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
        %w = stablehlo.constant dense<[[1, 1, 2], [2, 3, 1]]> : tensor<2x3xi32>
        %zero = stablehlo.constant dense<0> : tensor<2xi32>
        %r:3 = chlo.scan(%x, %w) inits(%zero) dimension=1 attributes {is_reverse = true} {
        ^bb0(%a: tensor<2xi32>, %b: tensor<2xi32>, %sum: tensor<2xi32>):
          %p = stablehlo.multiply %a, %b : tensor<2xi32>
          %next = stablehlo.add %p, %sum : tensor<2xi32>
          stablehlo.return %next, %p, %next : tensor<2xi32>, tensor<2xi32>, tensor<2xi32>
        } : (tensor<2x3xi32>, tensor<2x3xi32>, tensor<2xi32>) -> (tensor<2x3xi32>, tensor<2x3xi32>, tensor<2xi32>)
        check.expect_eq_const %r#0, dense<[[9, 8, 6], [29, 21, 6]]> : tensor<2x3xi32>
        check.expect_eq_const %r#1, dense<[[1, 2, 6], [8, 15, 6]]> : tensor<2x3xi32>
        check.expect_eq_const %r#2, dense<[9, 29]> : tensor<2xi32>
        %s = "chlo.scan"(%zero) <{dimension = 0 : i64, operandSegmentSizes = array<i32: 1, 0>}> ({
        ^bb0(%a: tensor<i32>):
          %n = stablehlo.not %a : tensor<i32>
          stablehlo.return %n : tensor<i32>
        }) : (tensor<2xi32>) -> tensor<2xi32>
        check.expect_eq_const %s, dense<-1> : tensor<2xi32>
      """
    #expect(verdicts(body) == ["run": .right, "roundtrip": .right])
    let wrong = body.replacing("dimension=1", with: "dimension=2")
    #expect("\(verdicts(wrong))".contains("axis 2 isn"))
  }

  @Test func upperHalvesOfProducts() {
    var body = ""
    func add<T: FixedWidthInteger>(_ type: T.Type, _ mlir: String) {
      let a: [T] = [.max, .min, .max, .min, .max / 3, .min / 5, 7, 0]
      let b: [T] = [.max, .min, .min, 1, .max / 7, .max / 3, 9, .max]
      let products = zip(a, b).map { $0.multipliedFullWidth(by: $1).high }
      let tensor = "tensor<8x\(mlir)>"
      body += """
          %a\(mlir) = stablehlo.constant dense<\(a)> : \(tensor)
          %b\(mlir) = stablehlo.constant dense<\(b)> : \(tensor)
          %r\(mlir) = chlo.mulhi %a\(mlir), %b\(mlir) : (\(tensor), \(tensor)) -> \(tensor)
          check.expect_eq_const %r\(mlir), dense<\(products)> : \(tensor)

        """
    }
    add(Int8.self, "i8")
    add(UInt16.self, "ui16")
    add(Int32.self, "i32")
    add(UInt32.self, "ui32")
    add(Int64.self, "i64")
    add(UInt64.self, "ui64")
    #expect(verdicts(body) == ["run": .right, "roundtrip": .right])
  }

  @Test func productsOfGroups() throws {
    // Rows 0 and 1 belong to group 0, row 2 to group 2, row 3 to none.
    let x: [Float] = [1, 2, 3, 4, 5, 6, 7, 8]
    let w: [Float] = [1, 0, 2, 1, 9, 9, 9, 9, 1, 1, 0, 1]
    let groups = [0, 0, 2, nil]
    var (rows, summed) = ([Float](repeating: 0, count: 8), [Float](repeating: 0, count: 12))
    for i in 0..<4 {
      guard let g = groups[i] else { continue }
      for k in 0..<2 {
        for j in 0..<2 {
          rows[2 * i + j] += x[2 * i + k] * w[4 * g + 2 * k + j]
          summed[4 * g + 2 * k + j] += x[2 * i + k] * x[2 * i + j]
        }
      }
    }
    let fields = "lhs_batching_dimensions = [], rhs_batching_dimensions = [], lhs_ragged_dimensions = [0]"
    let body = """
        %x = stablehlo.constant dense<\(x)> : tensor<8xf32>
        %m = stablehlo.reshape %x : (tensor<8xf32>) -> tensor<4x2xf32>
        %w = stablehlo.constant dense<\(w)> : tensor<12xf32>
        %n = stablehlo.reshape %w : (tensor<12xf32>) -> tensor<3x2x2xf32>
        %sizes = stablehlo.constant dense<[2, 0, 1]> : tensor<3xi64>
        %r = "chlo.ragged_dot"(%m, %n, %sizes) {ragged_dot_dimension_numbers = #chlo.ragged_dot<\(fields),
          lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1], rhs_group_dimensions = [0]>
        } : (tensor<4x2xf32>, tensor<3x2x2xf32>, tensor<3xi64>) -> tensor<4x2xf32>
        %f = stablehlo.reshape %r : (tensor<4x2xf32>) -> tensor<8xf32>
        check.expect_eq_const %f, dense<\(rows)> : tensor<8xf32>
        %s = "chlo.ragged_dot"(%m, %m, %sizes) {ragged_dot_dimension_numbers = #chlo.ragged_dot<\(fields),
          lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0], rhs_group_dimensions = []>
        } : (tensor<4x2xf32>, tensor<4x2xf32>, tensor<3xi64>) -> tensor<3x2x2xf32>
        %g = stablehlo.reshape %s : (tensor<3x2x2xf32>) -> tensor<12xf32>
        check.expect_eq_const %g, dense<\(summed)> : tensor<12xf32>
      """
    #expect(verdicts(body) == ["run": .right, "roundtrip": .right])
  }

  @Test func integersOfFewBitsAndBitsAsBooleans() {
    let body = """
        %a = stablehlo.constant dense<[7, -8, 3, -1]> : tensor<4xi4>
        %b = stablehlo.constant dense<[1, -1, 3, -8]> : tensor<4xi4>
        %sum = stablehlo.add %a, %b : tensor<4xi4>
        check.expect_eq_const %sum, dense<[-8, 7, 6, 7]> : tensor<4xi4>
        %product = stablehlo.multiply %a, %b : tensor<4xi4>
        check.expect_eq_const %product, dense<[7, -8, -7, -8]> : tensor<4xi4>
        %wide = stablehlo.convert %product : (tensor<4xi4>) -> tensor<4xf32>
        check.expect_eq_const %wide, dense<[7.0, -8.0, -7.0, -8.0]> : tensor<4xf32>
        %u = stablehlo.constant dense<[15, 9, 2, 0]> : tensor<4xui4>
        %not = stablehlo.not %u : tensor<4xui4>
        check.expect_eq_const %not, dense<[0, 6, 13, 15]> : tensor<4xui4>
        %less = stablehlo.subtract %not, %u : tensor<4xui4>
        check.expect_eq_const %less, dense<[1, 13, 11, 15]> : tensor<4xui4>
        %cut = stablehlo.convert %u : (tensor<4xui4>) -> tensor<4xi2>
        check.expect_eq_const %cut, dense<[-1, 1, -2, 0]> : tensor<4xi2>
        %places = stablehlo.iota dim = 0 : tensor<4xui2>
        %t:2 = call @second(%places, %a) : (tensor<4xui2>, tensor<4xi4>) -> (tensor<4xi4>, tensor<4xi1>)
        check.expect_eq_const %t#0, dense<[7, -8, 3, -1]> : tensor<4xi4>
        check.expect_eq_const %t#1, dense<[false, true, true, true]> : tensor<4xi1>
        %w = stablehlo.constant dense<0xA5> : tensor<ui8>
        %bits = stablehlo.bitcast_convert %w : (tensor<ui8>) -> tensor<8xi1>
        check.expect_eq_const %bits, dense<[true, false, true, false, false, true, false, true]> : tensor<8xi1>
        %f = stablehlo.constant dense<[1.5, -0.0]> : tensor<2xf32>
        %fb = stablehlo.bitcast_convert %f : (tensor<2xf32>) -> tensor<2x32xi1>
        %back = stablehlo.bitcast_convert %fb : (tensor<2x32xi1>) -> tensor<2xi32>
        check.expect_eq_const %back, dense<[0x3FC00000, 0x80000000]> : tensor<2xi32>
        func.return
      }
      func.func private @second(%x: tensor<4xui2>, %y: tensor<4xi4>) -> (tensor<4xi4>, tensor<4xi1>) {
        %zero = stablehlo.constant dense<0> : tensor<4xui2>
        %c = stablehlo.compare NE, %x, %zero : (tensor<4xui2>, tensor<4xui2>) -> tensor<4xi1>
        return %y, %c : tensor<4xi4>, tensor<4xi1>
      }
      func.func private @rest() {
      """
    #expect(verdicts(body)["run"] == .right)
    let cases = [
      ("%r = stablehlo.constant dense<8> : tensor<2xi4>", "2:32: '8' isn't a i4"),
      (
        "%c = stablehlo.constant dense<1> : tensor<2xi8>\n %r = stablehlo.add %c, %c : tensor<2xi4>",
        "3:21: operand %c is tensor<2xi8>, the text says tensor<2xi4>"
      ),
      (
        "%c = stablehlo.constant dense<1> : tensor<2xi4>\n %r = stablehlo.popcnt %c : tensor<2xi4>",
        "3:7: stablehlo.popcnt: isn't done here on integers of less than 8 bits"
      ),
    ]
    for (line, expected) in cases {
      let found = message("func.func @main() -> tensor<2xi4> {\n \(line)\n return %r : tensor<2xi4>\n}")
      #expect(found == "t.mlir:\(expected)")
    }
  }

  /// Updates that overlap, fall outside, and don't commute: XLA applies them in order, and so does the derivative.
  @Test func derivativesOfScattersWithABody() throws {
    let module = try StableHLOModule(
      """
      func.func @main(%x: tensor<3x4xf64>, %y: tensor<3x4xf64>, %u: tensor<5x2xf64>, %v: tensor<5x2xf64>,
          %z: tensor<2x3xf64>, %w: tensor<4x2xf64>) -> (tensor<3x4xf64>, tensor<3x4xf64>, tensor<2x3xf64>) {
        %i = stablehlo.constant dense<[[0, 1], [2, 2], [0, 1], [1, 3], [0, 2]]> : tensor<5x2xi64>
        %r:2 = "stablehlo.scatter"(%x, %y, %i, %u, %v) <{scatter_dimension_numbers = #stablehlo.scatter<
          update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0, 1],
          index_vector_dim = 1>}> ({
        ^bb0(%a: tensor<f64>, %b: tensor<f64>, %c: tensor<f64>, %d: tensor<f64>):
          %p = stablehlo.multiply %a, %c : tensor<f64>
          %s = stablehlo.sine %b : tensor<f64>
          %q = stablehlo.add %p, %s : tensor<f64>
          %t = stablehlo.multiply %b, %d : tensor<f64>
          %n = stablehlo.subtract %t, %c : tensor<f64>
          stablehlo.return %q, %n : tensor<f64>, tensor<f64>
        }) : (tensor<3x4xf64>, tensor<3x4xf64>, tensor<5x2xi64>, tensor<5x2xf64>, tensor<5x2xf64>)
          -> (tensor<3x4xf64>, tensor<3x4xf64>)
        %j = stablehlo.constant dense<[[[0], [2]], [[1], [2]], [[0], [3]], [[0], [1]]]> : tensor<4x2x1xi32>
        %k = "stablehlo.scatter"(%z, %j, %w) <{scatter_dimension_numbers = #stablehlo.scatter<
          inserted_window_dims = [1], input_batching_dims = [0], scatter_indices_batching_dims = [1],
          scatter_dims_to_operand_dims = [1], index_vector_dim = 2>}> ({
        ^bb0(%a: tensor<f64>, %b: tensor<f64>):
          %e = stablehlo.exponential %b : tensor<f64>
          %p = stablehlo.multiply %a, %e : tensor<f64>
          %n = stablehlo.subtract %p, %b : tensor<f64>
          stablehlo.return %n : tensor<f64>
        }) : (tensor<2x3xf64>, tensor<4x2x1xi32>, tensor<4x2xf64>) -> tensor<2x3xf64>
        return %r#0, %r#1, %k : tensor<3x4xf64>, tensor<3x4xf64>, tensor<2x3xf64>
      }
      """)
    let inputs = try module.argumentTypes().enumerated().map { k, type in numbers(type.shape, seed: UInt64(k + 2)) }
    try checkGradients("scatter", inputs) { x in concatenate(try module(x).map { $0.reshape([-1]) }) }
  }

  @Test func collectivesHaveShapeRulesOnly() {
    /// One collective that turns a `tensor<4x6xf32>` into another type, right or with one word replaced.
    func section(_ operation: String, _ type: String, _ change: (String, String)? = nil) -> String {
      let body = """
          %r = \(operation) : (tensor<4x6xf32>) -> \(type)
          func.return %r : \(type)
        """
      let mark = change == nil ? "" : "// expected-error@+1 {{}}\n"
      let changed = change.map { body.replacing($0.0, with: $0.1) } ?? body
      return "func.func @f(%x: tensor<4x6xf32>) -> \(type) {\n\(mark)\(changed)\n}\n"
    }
    let groups = "replica_groups = dense<[[0, 2], [1, 3]]> : tensor<2x2xi64>"
    let channel = "channel_handle = #stablehlo.channel_handle<handle = 1, type = 0>, use_global_device_ids"
    let sum = """
      ({
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %s = stablehlo.add %a, %b : tensor<f32>
        stablehlo.return %s : tensor<f32>
      })
      """
    let gather = "\"stablehlo.all_gather\"(%x) {all_gather_dim = 1 : i64, \(groups), \(channel)}"
    let reduce = "\"stablehlo.all_reduce\"(%x) \(sum) {\(groups), \(channel)}"
    let scatter = "\"stablehlo.reduce_scatter\"(%x) \(sum) {scatter_dimension = 0 : i64, \(groups), \(channel)}"
    let exchange = """
      "stablehlo.all_to_all"(%x) {split_dimension = 1 : i64, concat_dimension = 0 : i64, split_count = 2 : i64, \(groups)}
      """
    let permute = """
      "stablehlo.collective_permute"(%x) {source_target_pairs = dense<[[0, 1], [1, 2]]> : tensor<2x2xi64>}
      """
    let broadcast = "\"stablehlo.collective_broadcast\"(%x) {\(groups)}"
    let sections = [
      section(gather, "tensor<4x12xf32>"), section(reduce, "tensor<4x6xf32>"), section(scatter, "tensor<2x6xf32>"),
      section(exchange, "tensor<8x3xf32>"), section(permute, "tensor<4x6xf32>"), section(broadcast, "tensor<4x6xf32>"),
      section(gather, "tensor<4x12xf32>", ("all_gather_dim = 1", "all_gather_dim = 2")),
      section(gather, "tensor<4x13xf32>", ("%x)", "%x)")),
      section(gather, "tensor<4x12xf32>", ("[1, 3]", "[1, 2]")),
      section(gather, "tensor<4x12xf32>", ("[1, 3]", "[1, 4]")),
      section(gather, "tensor<4x12xf32>", ("handle = 1", "handle = 0")),
      section(reduce, "tensor<4x6xf32>", ("[[0, 2], [1, 3]]> : tensor<2x2xi64>", "[0, 1, 2, 3]> : tensor<4xi64>")),
      section(reduce, "tensor<4x6xf32>", ("return %s : tensor<f32>", "return %s, %s : tensor<f32>, tensor<f32>")),
      section(reduce, "tensor<4x6xf64>", ("%x)", "%x)")),
      section(scatter, "tensor<3x6xf32>", ("%x)", "%x)")),
      section(exchange, "tensor<8x3xf32>", ("split_count = 2", "split_count = 3")),
      section(exchange, "tensor<8x3xf32>", ("split_dimension = 1", "split_dimension = 2")),
      section(permute, "tensor<4x6xf32>", ("[1, 2]", "[0, 2]")),
      section(broadcast, "tensor<4x6xf32>", ("[1, 3]", "[1, -1]")),
    ]
    let reports = GoldenProgram.examine(
      Array(sections.joined(separator: "// -----\n").utf8), file: "p.mlir", GoldenProgram.Options())
    #expect(reports.count == sections.count)
    for (report, section) in zip(reports, sections) { #expect(report.verdicts == ["types": .right], "\(section)") }
    let text = """
      func.func @main() -> tensor<2xf32> {
        %x = stablehlo.constant dense<1.0> : tensor<2xf32>
        %r = "stablehlo.all_reduce"(%x) \(sum) {\(groups), \(channel)} : (tensor<2xf32>) -> tensor<2xf32>
        func.return %r : tensor<2xf32>
      }
      """
    #expect(
      message(text).hasSuffix(
        "exchanges data between devices, which programs read from text don't; write it with shardMap"))
  }
}
