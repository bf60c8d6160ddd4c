import Pinion
import Testing

@testable import Formats

@Suite struct SafetensorsTests {
  /// A file of a header and zeros behind it.
  private func made(_ header: String, _ dataCount: Int = 0, length: UInt64? = nil) -> [UInt8] {
    let count = length ?? UInt64(header.utf8.count)
    let start = withUnsafeBytes(of: count.littleEndian) { Array($0) }
    return start + Array(header.utf8) + Array(repeating: 0, count: dataCount)
  }

  private func failure(_ bytes: [UInt8]) throws -> String {
    let scratch = try Scratch()
    let path = try scratch.file("weights.safetensors", bytes)
    return message { _ = try Safetensors(path: path) }.replacing("\(scratch.path)/", with: "")
  }

  @Test func readsReferenceFile() throws {
    let file = try Safetensors(path: fixture("all.safetensors"))
    #expect(file.metadata == ["made by": "safetensors"])
    #expect(file.names.count == 17)
    for dtype in DType.allCases where dtype != .complex128 {
      let tensor = try file.tensor(dtype.rawValue)
      #expect(tensor.dtype == dtype)
      #expect(tensor.shape == [2, 3])
      if dtype == .bool {
        #expect(try tensor.array(of: Bool.self) == [false, true, false, true, false, true])
      } else if !dtype.isComplex {
        let start = dtype.isUnsigned ? 0.0 : -1.0
        #expect(try tensor.cast(.float64).array(of: Double.self) == (0..<6).map { start + Double($0) }, "\(dtype)")
      } else {
        let parts = try tensor.bytes().withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        #expect(parts == [-1, -2, 0, 0, 1, 2, 2, 4, 3, 6, 4, 8])
      }
    }
    #expect(try file.tensor("scalar").item() == 7)
    #expect(try file.tensor("empty").shape == [0, 4])
    #expect(try file.tensor("größe \"x\"").array(of: UInt8.self) == [1])
  }

  @Test func writesReferenceBytes() throws {
    let scratch = try Scratch()
    let path = try scratch.file("copy.safetensors")
    let original = try Safetensors(path: fixture("all.safetensors"))
    try Safetensors.write(original.tensors(), to: path, metadata: original.metadata)
    #expect(try File.read(path) == File.read(fixture("all.safetensors")))
    #expect(scratch.contents == ["copy.safetensors"])
  }

  @Test func computesPendingTensors() throws {
    let scratch = try Scratch()
    let path = try scratch.file("sum.safetensors")
    let x = Tensor([1, 2, 3] as [Float])
    try Safetensors.write(["twice": x + x], to: path)
    #expect(try Safetensors.read(path)["twice"]?.array(of: Float.self) == [2, 4, 6])
  }

  @Test func failedWriteLeavesTheOldFile() throws {
    let scratch = try Scratch()
    let path = try scratch.file("model.safetensors")
    try Safetensors.write(["a": Tensor([1] as [Float])], to: path)
    let bad = Tensor([1, 2] as [Float]) + Tensor([1, 2, 3] as [Float])
    #expect(throws: TensorError.self) { try Safetensors.write(["a": bad], to: path) }
    let wide = Tensor(bytes: Array(repeating: 0, count: 16), shape: [1], dtype: .complex128)
    #expect(
      message { try Safetensors.write(["a": wide], to: path) }.hasSuffix(
        "tensor 'a' is complex128, which safetensors files can't hold"))
    #expect(
      message { try Safetensors.write(["a": .ones([1])], to: "\(scratch.path)/none/a") }.hasSuffix(
        "No such file or directory"))
    #expect(try Safetensors.read(path)["a"]?.array(of: Float.self) == [1])
    #expect(scratch.contents == ["model.safetensors"])
  }

  @Test func refusesBadFiles() throws {
    #expect(try failure([1, 2]) == "weights.safetensors: has 2 bytes, too few for a safetensors header")
    #expect(try failure(made("{}", 97, length: 1_234)) == "weights.safetensors: header says 1,234 bytes, file has 99")
    #expect(try failure(made("{}", length: .max)).contains("at most 100,000,000 are allowed"))
    #expect(try failure(made("[]")).hasSuffix("isn't a safetensors file: the header isn't a JSON object"))
    func entry(_ name: String, _ type: String, _ shape: String, _ offsets: String) -> String {
      "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }
    let a = entry("a", "F32", "[2]", "[0,8]")
    #expect(try failure(made("{\(a)}", 7)).hasSuffix("tensors take 8 bytes, file has 7"))
    #expect(try failure(made("{\(a)}", 9)).hasSuffix("tensors take 8 bytes, file has 9"))
    #expect(try failure(made("{\(a),\(a)}", 8)).hasSuffix("'a' stands twice"))
    #expect(
      try failure(made("{\(a),\(entry("b", "F32", "[2]", "[4,12]"))}", 12)).hasSuffix("tensors 'a' and 'b' overlap"))
    #expect(
      try failure(made("{\(a),\(entry("b", "U8", "[1]", "[9,10]"))}", 10)).hasSuffix(
        "1 bytes before 'b' belong to no tensor"))
    for shape in ["[-1]", "[4611686018427387904,4]", "[1e3]", "[\"2\"]", "[99999999999999999999]"] {
      #expect(
        try failure(made("{\(entry("a", "F32", shape, "[0,8]"))}", 8)).hasSuffix("tensor 'a' has an impossible shape"),
        "\(shape)")
    }
    #expect(
      try failure(made("{\(entry("a", "F64", "[2305843009213693952]", "[0,8]"))}", 8)).contains("takes too many bytes"))
    #expect(
      try failure(made("{\(entry("a", "F32", "[3]", "[0,8]"))}", 8)).contains("takes 12 bytes, header gives it 8"))
    for offsets in ["[8,0]", "[-8,0]", "[0]", "[0,1,2]"] {
      #expect(try failure(made("{\(entry("a", "F32", "[2]", offsets))}", 8)).hasSuffix("has impossible data_offsets"))
    }
    #expect(try failure(made("{\(entry("a", "F9", "[2]", "[0,8]"))}", 8)).contains("F9, which isn't supported"))
    #expect(try failure(made("{\"a\":{}}")).hasSuffix("tensor 'a' lacks dtype, shape or data_offsets"))
    #expect(try failure(made("{\"__metadata__\":{\"a\":1}}")).hasSuffix("__metadata__: 'a' isn't a string"))
    let deep = String(repeating: "[", count: 100_000)
    #expect(try failure(made("{\"a\":\(deep)")).contains("more than 4 levels"))
  }

  @Test func namesTheMissing() throws {
    #expect(
      message { _ = try Safetensors(path: "/nowhere/a.safetensors") } == "/nowhere/a.safetensors: there is no such file"
    )
    #expect(message { _ = try Safetensors(path: "/tmp") } == "/tmp: is a folder, expected a file")
    let file = try Safetensors(path: fixture("all.safetensors"))
    #expect(message { _ = try file.tensor("model.scalar") }.hasSuffix("has no tensor 'model.scalar', but 'scalar'"))
  }

  @Test func survivesMutations() throws {
    let scratch = try Scratch()
    let path = try scratch.file("m")
    var (good, refused) = (0, 0)
    try mutations(of: File.read(fixture("all.safetensors")), count: 1_500, seed: 1) { bytes in
      do {
        _ = try scratch.file("m", bytes)
        for tensor in try Safetensors.read(path).values { #expect(tensor.failure == nil) }
        good += 1
      } catch {
        refused += 1
      }
    }
    #expect(good > 0 && refused > good)
  }
}

@Suite struct JSONTests {
  private func parse(_ text: String) throws -> JSON {
    try Array(text.utf8).withUnsafeBytes { try JSON(parsing: $0, file: "x") }
  }

  @Test func values() throws {
    let value = try parse(#" { "a" : [1, -2.5e1, true, null, "\u00e9\ud83d\ude00\n\"\\"], "b": {} } "#)
    #expect(value["a"] == .array([.integer(1), .number(-25), .bool(true), .null, .string("é😀\n\"\\")]))
    #expect(try parse(value.text) == value)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":1,}", "01", "1.", "1e", "-", "tru", "\"\\x\"", "\"\\ud800\"", "\"\\u12g4\"", "\"a",
    "[1] 2", "\"\u{1}\"",
    "{\"a\":1,\"a\":2}", "nan", "[1 2]",
  ]) func refused(_ text: String) {
    #expect(throws: FormatError.self) { try parse(text) }
  }
}
