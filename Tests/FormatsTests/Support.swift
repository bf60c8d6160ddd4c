import Foundation
import Testing

@testable import Formats

/// Path of a file made by `Fixtures/make.py`.
func fixture(_ name: String) throws -> String {
  try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil)).path + "/\(name)"
}

/// A folder of its own for a test, removed at the end.
final class Scratch {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "pinion-formats-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String, _ bytes: [UInt8]? = nil) throws -> String {
    let file = "\(path)/\(name)"
    if let bytes { try Data(bytes).write(to: URL(fileURLWithPath: file)) }
    return file
  }

  var contents: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

/// Numbers of a linear congruence, the same in each run.
struct Numbers: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493 }
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}

/// Calls `body` with damaged copies of a good file: bytes changed, runs removed, repeated, cut off.
func mutations(of good: [UInt8], count: Int, seed: UInt64, _ body: ([UInt8]) -> Void) {
  var random = Numbers(seed)
  for _ in 0..<count {
    var bytes = good
    for _ in 0...Int.random(in: 0..<3, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes.removeLast(bytes.count - place)
      case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes[place] = [0, 0x7f, 0x80, 0xff, 0x39, 0x2d, 0x22].randomElement(using: &random) ?? 0
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1..<9, using: &random)))
      case 4: bytes.insert(contentsOf: bytes[place...].prefix(16), at: place)
      default: for i in place..<min(bytes.count, place + 8) { bytes[i] = UInt8.random(in: 0...255, using: &random) }
      }
    }
    body(bytes)
  }
}

/// The one-line message of the error that `body` throws.
func message(_ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) -> String {
  do {
    try body()
    Issue.record("expected an error", sourceLocation: sourceLocation)
    return ""
  } catch {
    let text = "\(error)"
    #expect(!text.contains("\n"), sourceLocation: sourceLocation)
    return text
  }
}
