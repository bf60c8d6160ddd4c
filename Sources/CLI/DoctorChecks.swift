import Foundation
import Lab
import PJRT
import Pinion

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension DoctorCheck {
  private static let setUp = "run any ./pinion command with a network: it sets up what is missing in .pinion"

  /// All checks, those that others build on first.
  static var all: [DoctorCheck] {
    [
      swift, plugin, program, gathers, foreignFunctions, oneDNN, openBLAS, vips, sqlite, charts, cache, space,
    ]
  }

  private static let swift = DoctorCheck(
    "Swift", isNeeded: false, remedy: "install Swift 6.1 or newer from https://swift.org/install to build anew"
  ) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["swift", "--version"]
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    guard let version = text.firstMatch(of: /Swift version ([0-9.]+)/)?.1 else {
      throw Failure(problem: "no Swift compiler on PATH")
    }
    return String(version)
  }

  private static let plugin = DoctorCheck("XLA plugin", remedy: setUp) {
    let path = try Plugin.locate()
    let version = try Plugin(path: path).apiVersion
    return "platform \(try Device.platformName()), PJRT \(version.major).\(version.minor), \(path)"
  }

  private static let program = DoctorCheck("tiny program", remedy: "the plugin computes wrong; \(setUp)") {
    let numbers = Tensor.arange(from: 1, to: 11)
    let sum = try (numbers * numbers).sum().item()
    guard sum == 385 else { throw Failure(problem: "1² + … + 10² = \(sum), not 385") }
    return "1² + … + 10² = 385"
  }

  /// Gathers that some plugins get wrong, with known answers.
  private static let gathers = DoctorCheck(
    "gathers", remedy: "this plugin gathers wrong: unset PINION_PLUGIN, or name another one"
  ) {
    let table = Tensor.arange(24).reshape([2, 3, 4])
    func indices(_ values: [Int32], _ shape: [Int]? = nil) -> Tensor { Tensor(values, shape: shape) }
    let columns: [Int32] = [3, 0, 3, 7, 4, 7, 11, 8, 11, 15, 12, 15, 19, 16, 19, 23, 20, 23]
    let cases: [(String, Tensor, [Int32])] = [
      ("rows", table.take(indices([1, 0])), Array(12..<24) + Array(0..<12)),
      ("columns", table.take(indices([3, 0, 3]), axis: 2), columns),
      ("middle axis", table.take(indices([2]), axis: 1), [8, 9, 10, 11, 20, 21, 22, 23]),
      ("table of indices", table.take(indices([0, 1, 1, 1], [2, 2])).reshape([4, 12])[.all, 5], [5, 17, 17, 17]),
      ("beyond the end", Tensor.arange(4).take(indices([9])), [3]),
      ("along an axis", table.takeAlong(indices([2, 0, 1, 3, 1, 0], [2, 3, 1]), axis: 2), [2, 4, 9, 15, 17, 20]),
    ]
    for (name, result, expected) in cases {
      let values = try result.array(of: Int32.self)
      guard values == expected else { throw Failure(problem: "\(name): \(values), not \(expected)") }
    }
    return "\(cases.count) programs right"
  }

  private static let foreignFunctions = DoctorCheck(
    "FFI", remedy: "convolutions run in XLA, several times slower; take a plugin of PJRT 0.115 or newer"
  ) {
    let plugin = try Plugin(path: Plugin.locate())
    guard plugin.hasForeignFunctions else { throw Failure(problem: "the plugin takes no foreign functions") }
    return "foreign functions can be registered"
  }

  private static let oneDNN = DoctorCheck(
    "oneDNN", remedy: "convolutions run in XLA, several times slower; \(setUp)"
  ) {
    let library = try load("libdnnl.so.3")
    let version = unsafeBitCast(
      try library.symbol("dnnl_version"), to: (@convention(c) () -> UnsafePointer<Int32>?).self)
    guard let numbers = version() else { throw Failure(problem: "\(library.path) doesn't tell its version") }
    // Found is not yet used: its functions must be registered with the plugin too.
    do { _ = try Pinion.Device.convolutionLibrary() } catch { throw Failure(problem: "\(error)") }
    return "\(numbers[0]).\(numbers[1]).\(numbers[2]), \(library.path)"
  }

  private static let openBLAS = DoctorCheck("OpenBLAS", remedy: setUp) {
    let library = try load("libscipy_openblas.so")
    let configuration = unsafeBitCast(
      try library.symbol("scipy_openblas_get_config"), to: (@convention(c) () -> UnsafePointer<CChar>?).self)
    guard let text = configuration().map({ String(cString: $0) }) else {
      throw Failure(problem: "\(library.path) doesn't tell its version")
    }
    return text.split(separator: " ").prefix(2).joined(separator: " ") + ", \(library.path)"
  }

  private static let vips = DoctorCheck("libvips", remedy: "PNG and JPEG files can't be read; \(setUp)") {
    let library = try load("libvips.so.42")
    let version = unsafeBitCast(
      try library.symbol("vips_version_string"), to: (@convention(c) () -> UnsafePointer<CChar>?).self)
    guard let text = version().map({ String(cString: $0) }) else {
      throw Failure(problem: "\(library.path) doesn't tell its version")
    }
    return "\(text), \(library.path)"
  }

  private static let sqlite = DoctorCheck(
    "SQLite", remedy: "runs can't be stored: free some disk, or set TMPDIR to a folder that you can write"
  ) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "pinion-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = try RunStore(root: folder, create: true)
    guard try store.count() == 0 else { throw Failure(problem: "a new store isn't empty") }
    return "\(RunStore.sqliteVersion), a store of runs can be made"
  }

  private static let charts = DoctorCheck(
    "chart scripts", isNeeded: false, remedy: "reports show tables in place of charts; \(setUp)"
  ) {
    guard let scripts = ChartScripts.locate() else {
      throw Failure(problem: "\(ChartScripts.names.joined(separator: ", ")) not found")
    }
    return scripts.folder.path
  }

  private static let cache = DoctorCheck("data cache", remedy: "set XDG_CACHE_HOME to a folder that you can write") {
    let folder = RuntimeParts.cacheFolder + "/data"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    guard access(folder, W_OK) == 0 else { throw Failure(problem: "\(folder) can't be written") }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }.sorted()
    return "\(folder), \(names.isEmpty ? "empty" : names.joined(separator: ", "))"
  }

  private static let space = DoctorCheck("disk space", remedy: "make room for data sets, runs and the build") {
    let places = [FileManager.default.currentDirectoryPath, RuntimeParts.cacheFolder]
    let free = try places.map { place in
      let attributes = try FileManager.default.attributesOfFileSystem(forPath: place)
      return (place, (attributes[.systemFreeSize] as? NSNumber)?.intValue ?? 0)
    }
    for (place, bytes) in free where bytes < 1_000_000_000 {
      throw Failure(problem: "only \(Format.bytes(bytes)) free in \(place)")
    }
    return free.map { "\(Format.bytes($0.1)) free in \($0.0)" }.joined(separator: ", ")
  }

  /// Opens a part of the run time.
  private static func load(_ name: String) throws -> DynamicLibrary {
    guard let path = RuntimeParts.find(name) else {
      throw Failure(problem: "\(name) isn't in \(RuntimeParts.folders.joined(separator: ", "))")
    }
    return try DynamicLibrary(path: path)
  }
}
