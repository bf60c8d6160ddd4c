import Foundation
import Testing

@testable import Lab

/// A folder of its own for a test, removed at the end.
final class DataFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "pinion-data-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = URL(fileURLWithPath: "\(path)/\(name)")
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  /// A shell script that anyone may run.
  func tool(_ name: String, _ script: String) throws {
    let file = try write("bin/\(name)", Array("#!/bin/sh\n\(script)\n".utf8))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
  }

  func contents(_ name: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(name)")) ?? []).sorted()
  }
}

/// The one-line message of the error that `body` throws.
func dataMessage(_ body: () throws -> Void, sourceLocation: Testing.SourceLocation = #_sourceLocation) -> String {
  do {
    try body()
    Issue.record("expected an error", sourceLocation: sourceLocation)
    return ""
  } catch {
    #expect(!"\(error)".contains("\n"), sourceLocation: sourceLocation)
    return "\(error)"
  }
}

/// Grey pictures whose pixel at (y, x) of picture i is (100 i + 10 y + x) mod 256, labels 0, 1, 2, 0, …
func numbered(_ count: Int, height: Int = 4, width: Int = 5, channels: Int = 1) throws -> ImageDataset {
  var pixels: [UInt8] = []
  for i in 0..<count {
    for y in 0..<height {
      for x in 0..<width { for c in 0..<channels { pixels.append(UInt8((100 * i + 10 * y + x + 50 * c) % 256)) } }
    }
  }
  return try ImageDataset(
    name: "numbered", images: pixels, height: height, width: width, channels: channels,
    labels: (0..<count).map { Int32($0 % 3) }, classNames: ["a", "b", "c"])
}
