import Pinion
import Testing

@testable import Formats

@Suite struct CSVTests {
  @Test func reads() throws {
    let table = try CSV(
      parsing: "\u{feff}name,size\r\n\"a, \"\"b\"\"\",1.5\r\n\"two\nlines\", -2e3 \n\n,3", file: "t.csv")
    #expect(table.header == ["name", "size"])
    #expect(try table.column("name") == ["a, \"b\"", "two\nlines", ""])
    #expect(try table.numbers("size") == [1.5, -2000, 3])
    #expect(try CSV(parsing: "1;2\n3;4", hasHeader: false, separator: ";").rows == [["1", "2"], ["3", "4"]])
  }

  @Test func roundTrips() throws {
    let scratch = try Scratch()
    let path = try scratch.file("t.csv")
    let tables = [
      CSV(header: ["a", "b,c"], rows: [["\"", "x\r\ny"], ["", " z "], ["é", "\n"]]),
      CSV(header: ["one"], rows: [[""], ["x"]]),
    ]
    for table in tables {
      try table.write(to: path)
      #expect(try CSV(path: path) == table)
    }
    #expect(CSV(rows: [["a", "b\"c"]]).text == "a,\"b\"\"c\"\r\n")
  }

  @Test func refused() {
    func failure(_ text: String) -> String { message { _ = try CSV(parsing: text, file: "t.csv").numbers("b") } }
    #expect(failure("a,b\n1,2\n3\n") == "t.csv:3: 1 fields, the first line has 2")
    #expect(failure("a,b\n\"1\n\n") == "t.csv:2: a quoted field doesn't end")
    #expect(failure("a,b\n\"1\"x,2") == "t.csv:2: text after a closing quote")
    #expect(failure("a,b\n1\"x,2") == "t.csv:2: a quote inside an unquoted field")
    #expect(failure("a,b\n\"1\n\",2\n3,x") == "t.csv:4: column 'b': 'x' isn't a number")
    #expect(failure("a,c\n1,2") == "t.csv: has no column 'b'; it has a, c")
    #expect(failure("") == "t.csv: is empty, expected names of columns")
  }
}

@Suite struct IDXTests {
  private func decode(_ bytes: [UInt8]) throws -> IDX {
    try bytes.withUnsafeBytes { try IDX(decoding: $0, file: "a.idx") }
  }

  @Test func readsPlainAndCompressed() throws {
    let plain = try IDX.encode(Array(0..<24), shape: [2, 3, 4])
    for bytes in [plain, try Zlib.compress(plain, .gzip, file: "a.gz")] {
      let array = try decode(bytes)
      #expect(array.shape == [2, 3, 4])
      #expect(array.dtype == .uint8)
      #expect(array.bytes == Array(0..<24))
    }
    let numbers = try decode([0, 0, 0x0d, 1, 0, 0, 0, 2, 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0])
    #expect(try numbers.tensor.array(of: Float.self) == [1, -2])
  }

  @Test func refused() throws {
    let plain = try IDX.encode(Array(0..<24), shape: [2, 3, 4])
    let packed = try Zlib.compress(plain, .gzip, file: "a.gz")
    #expect(message { _ = try decode(plain.dropLast()) } == "a.idx: uint8[2, 3, 4] takes 24 bytes, file has 23")
    #expect(message { _ = try decode(plain + [0]) } == "a.idx: uint8[2, 3, 4] takes 24 bytes, file has 25")
    #expect(message { _ = try decode(Zlib.compress(plain + [0, 0], .gzip, file: "")) }.hasSuffix("file has more"))
    #expect(message { _ = try decode(packed.dropLast(10)) } == "a.idx: is truncated: the compressed data ends early")
    #expect(message { _ = try decode([0, 0, 8, 3, 0]) } == "a.idx: is truncated in its header")
    #expect(message { _ = try decode([0, 0, 7, 1, 0, 0, 0, 0]) }.contains("isn't an IDX file"))
    #expect(message { _ = try decode([]) }.contains("isn't an IDX file"))
    #expect(message { _ = try decode([0, 0, 8, 4] + Array(repeating: 0xff, count: 16)) }.contains("impossible shape"))
    #expect(message { _ = try IDX.encode([1], shape: [2]) }.contains("1 bytes don't make [2]"))
  }

  @Test func survivesMutations() throws {
    let plain = try IDX.encode(Array(0..<24), shape: [2, 3, 4])
    for good in [plain, try Zlib.compress(plain, .gzip, file: "a.gz")] {
      mutations(of: good, count: 1_500, seed: 4) { bytes in
        if let array = try? decode(bytes) { #expect(array.tensor.failure == nil) }
      }
    }
  }
}

@Suite struct CIFAR10Tests {
  @Test func reads() throws {
    let scratch = try Scratch()
    func record(_ label: UInt8) -> [UInt8] {
      var bytes = [label]
      for plane in 0..<3 { for pixel in 0..<1024 { bytes.append(UInt8(80 * plane + pixel % 64)) } }
      return bytes
    }
    let path = try scratch.file("data_batch_1.bin", record(3) + record(9))
    let batch = try CIFAR10(paths: [path, path])
    #expect(batch.labels == [3, 9, 3, 9])
    #expect(batch.images.count == 4 * 3072)
    #expect(batch.images.prefix(6) == [0, 80, 160, 1, 81, 161])
    #expect(batch.images[3072 + 3 * 33 + 2] == 160 + 33)
    let short = try scratch.file("short.bin", Array(record(3).dropLast()))
    #expect(
      message { _ = try CIFAR10(paths: [short]) }.hasSuffix(
        "has 3,072 bytes, expected a multiple of 3,073, a CIFAR-10 record"))
    let wrong = try scratch.file("wrong.bin", record(10))
    #expect(message { _ = try CIFAR10(paths: [wrong]) }.hasSuffix("record 0 has label 10, expected 0 to 9"))
    let empty = try scratch.file("empty.bin", [])
    #expect(message { _ = try CIFAR10(paths: [empty]) }.contains("has 0 bytes"))
  }
}
