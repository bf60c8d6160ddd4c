import Pinion
import Testing

@testable import Formats

@Suite struct NumPyTests {
  private var base: [Double] {
    (0..<24).map { place -> Double in
      let (i, j, k) = (place / 12, place / 4 % 3, place % 4)
      return Double(100 * i + 10 * j + k)
    }
  }

  @Test(arguments: ["stored.npz", "deflated.npz"]) func readsReferenceArchive(_ name: String) throws {
    let arrays = try NumPy.readArchive(fixture(name))
    #expect(arrays.count == 10)
    let types: [(String, DType)] = [
      ("c_f4", .float32), ("fortran_f8", .float64), ("big_i4", .int32), ("big_fortran_u2", .uint16), ("half", .float16),
    ]
    for (key, dtype) in types {
      let array = try #require(arrays[key])
      #expect(array.dtype == dtype)
      #expect(array.shape == [2, 3, 4])
      #expect(try array.cast(.float64).array(of: Double.self) == base, "\(key)")
    }
    let complex = try #require(arrays["big_c8"]).bytes().withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(complex == base.flatMap { [Float($0), 1] })
    #expect(try arrays["bool"]?.array(of: Bool.self) == base.map { Int($0) % 2 == 1 })
    #expect(try arrays["vector"]?.array(of: Int64.self) == [0, 1, 2, 3, 4])
    #expect(try arrays["scalar"]?.item() == 2.5)
    #expect(arrays["empty"]?.shape == [0, 3])
  }

  @Test func roundTrips() throws {
    let scratch = try Scratch()
    let path = try scratch.file("a.npy")
    for dtype in DType.allCases where dtype != .bfloat16 {
      let bytes = (0..<6 * dtype.byteCount).map { dtype == .bool ? UInt8($0 % 2) : UInt8($0 * 7 % 120) }
      let tensor = Tensor(bytes: bytes, shape: [3, 2], dtype: dtype)
      try NumPy.write(tensor, to: path)
      let back = try NumPy.read(path)
      #expect(back.type == tensor.type)
      #expect(try back.bytes() == bytes)
      #expect(try (File.read(path).count - bytes.count) % 64 == 0)
    }
    for compressed in [false, true] {
      let path = try scratch.file("a.npz")
      let tensors = ["x": Tensor.ones([3000]), "y/z": Tensor([1, 2] as [Int32])]
      try NumPy.writeArchive(tensors, to: path, compressed: compressed)
      let back = try NumPy.readArchive(path)
      #expect(try back["x"]?.array(of: Float.self) == Array(repeating: 1, count: 3000))
      #expect(try back["y/z"]?.array(of: Int32.self) == [1, 2])
      #expect(try (File.read(path).count < 2_000) == compressed)
    }
  }

  private func file(_ header: String, _ data: Int, version: UInt8 = 1) -> [UInt8] {
    let length = header.utf8.count
    let start: [UInt8] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, UInt8(length % 256), UInt8(length / 256)]
    return start + Array(header.utf8) + Array(repeating: 0, count: data)
  }

  private func failure(_ bytes: [UInt8]) -> String {
    message { _ = try bytes.withUnsafeBytes { try NumPy.decode($0, file: "a.npy") } }
  }

  @Test func refusesBadFiles() throws {
    func header(_ descriptor: String = "'<f4'", _ shape: String = "(2,)") -> String {
      "{'descr': \(descriptor), 'fortran_order': False, 'shape': \(shape), }\n"
    }
    #expect(failure([1, 2, 3]) == "a.npy: isn't a NumPy file: it doesn't begin with \\x93NUMPY")
    #expect(failure(file(header(), 7)) == "a.npy: float32[2] takes 8 bytes, file has 7")
    #expect(failure(file(header(), 9)) == "a.npy: has 1 bytes after the array")
    #expect(failure(file(header(), 8, version: 9)).contains("format version 9"))
    #expect(failure(Array(file(header(), 8).prefix(30))).contains("header says"))
    for shape in ["(-2,)", "(2", "2", "(2 2)", "(2.0,)", "(99999999999999999999,)"] {
      #expect(failure(file(header("'<f4'", shape), 8)).contains("malformed header"), "\(shape)")
    }
    #expect(failure(file(header("'<f4'", "(4611686018427387904, 4)"), 8)).contains("impossible shape"))
    #expect(failure(file(header("'<f8'", "(2305843009213693952,)"), 8)).contains("takes too many bytes"))
    #expect(failure(file("{}", 0)).contains("malformed header"))
    #expect(message { _ = try NumPy.read(fixture("records.npy")) }.hasSuffix("holds records, which tensors can't"))
    #expect(
      message { _ = try NumPy.read(fixture("objects.npy")) }.hasSuffix("holds Python objects, which tensors can't"))
    #expect(message { _ = try NumPy.read(fixture("text.npy")) }.hasSuffix("holds elements '<U3', which tensors can't"))
    #expect(message { _ = try NumPy.encode(.ones([1], dtype: .bfloat16)) }.contains("NumPy has no bfloat16"))
  }

  @Test func refusesBadArchives() throws {
    let scratch = try Scratch()
    let good = try File.read(fixture("deflated.npz"))
    func failure(_ bytes: [UInt8]) throws -> String {
      let path = try scratch.file("a.npz", bytes)
      return message { _ = try NumPy.readArchive(path) }
    }
    #expect(try failure([]).contains("isn't a zip file"))
    #expect(try failure(Array(good.dropLast(30))).contains("isn't a zip file, or is truncated"))
    var flipped = try File.read(fixture("stored.npz"))
    let data = try #require((0..<flipped.count - 6).first { flipped[$0] == 0x93 && flipped[$0 + 1] == 0x4e })
    flipped[data + 130] ^= 1
    #expect(try failure(flipped).hasSuffix("c_f4.npy: is damaged: its checksum is wrong"))
  }

  @Test(arguments: ["stored.npz", "deflated.npz"]) func survivesMutations(_ name: String) throws {
    let scratch = try Scratch()
    let path = try scratch.file("m.npz")
    var refused = 0
    try mutations(of: File.read(fixture(name)), count: 600, seed: 2) { bytes in
      do {
        _ = try scratch.file("m.npz", bytes)
        for tensor in try NumPy.readArchive(path).values { #expect(tensor.failure == nil) }
      } catch { refused += 1 }
    }
    #expect(refused > 300)
    let array = file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24)
    mutations(of: array, count: 2_000, seed: 3) { bytes in
      if let tensor = try? bytes.withUnsafeBytes({ try NumPy.decode($0) }) { #expect(tensor.failure == nil) }
    }
  }
}

@Suite struct ZlibTests {
  private let text = Array(String(repeating: "the quick brown fox ", count: 20_000).utf8)

  private func inflate(_ bytes: [UInt8], limit: Int = 1 << 20) throws -> (bytes: [UInt8], isComplete: Bool) {
    try bytes.withUnsafeBytes { try Zlib.decompress($0, .gzip, limit: limit, file: "a.gz") }
  }

  @Test func roundTrips() throws {
    let packed = try Zlib.compress(text, .gzip, file: "a.gz")
    #expect(packed.count < text.count / 50)
    #expect(try inflate(packed) == (text, true))
    #expect(try inflate(packed + packed).bytes == text + text)
    #expect(try inflate(packed, limit: 10) == (Array(text.prefix(10)), false))
    #expect(try inflate(Zlib.compress([], .gzip, file: "a.gz")) == ([], true))
  }

  @Test func refusesDamage() throws {
    var packed = try Zlib.compress(text, .gzip, file: "a.gz")
    #expect(message { _ = try inflate(packed.dropLast(9)) } == "a.gz: is truncated: the compressed data ends early")
    packed[packed.count - 6] ^= 1
    #expect(message { _ = try inflate(packed) } == "a.gz: the compressed data is damaged: incorrect data check")
    #expect(message { _ = try inflate([]) }.contains("truncated"))
  }
}

@Suite struct SHA256Tests {
  /// Vectors of FIPS 180-4 and the million letters of NIST's examples.
  @Test func vectors() {
    #expect(SHA256.hex([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(SHA256.hex(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    #expect(SHA256.hex(Array(two.utf8)) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    var hash = SHA256()
    for length in [1, 63, 64, 65, 127, 130, 550] {
      Array(repeating: UInt8(ascii: "a"), count: length).withUnsafeBytes { hash.update($0) }
    }
    #expect(hash.hex() == "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3")
  }
}
