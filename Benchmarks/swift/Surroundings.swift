import Foundation
import PJRT

/// Variables that make each peer keep compiled programs in a folder. Pinion finds its run-time parts there too.
func cacheVariables(_ cache: URL) throws -> [String: String] {
  let files = FileManager.default
  let home = cache.appending(path: "pinion")
  try files.createDirectory(at: home, withIntermediateDirectories: true)
  let parts = home.appending(path: "lib")
  if !files.fileExists(atPath: parts.path), files.fileExists(atPath: RuntimeParts.cacheFolder + "/lib") {
    try files.createSymbolicLink(atPath: parts.path, withDestinationPath: RuntimeParts.cacheFolder + "/lib")
  }
  return [
    "XDG_CACHE_HOME": cache.path, "JAX_COMPILATION_CACHE_DIR": cache.path + "/jax",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "TORCHINDUCTOR_CACHE_DIR": cache.path + "/torch",
  ]
}

/// Bytes that a library takes on the disk.
enum InstallSize {
  /// Bytes of files below paths; of each file once, however many names it has.
  static func bytes(below paths: [String]) -> Int {
    var total = 0
    for path in paths {
      var places = [path]
      while let place = places.popLast() {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: place) else { continue }
        if attributes[.type] as? FileAttributeType == .typeDirectory {
          places += ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).map { "\(place)/\($0)" }
        } else {
          total += attributes[.size] as? Int ?? 0
        }
      }
    }
    return total
  }

  /// Pinion's run-time parts and program; the peers' packages with those that they need, without Python.
  static func measure(root: String, sitePackages: String?) -> [String: Int] {
    let parts = [root + "/.pinion/lib", RuntimeParts.cacheFolder + "/lib"].first {
      FileManager.default.fileExists(atPath: $0)
    }
    var sizes = ["pinion": bytes(below: [parts, root + "/.build/release/pinion-cli"].compactMap { $0 })]
    if let site = sitePackages {
      let numeric = ["numpy", "numpy.libs"].map { "\(site)/\($0)" }
      let all = (try? FileManager.default.contentsOfDirectory(atPath: site)) ?? []
      let torch = all.filter {
        ["torch", "torchgen", "sympy", "networkx", "jinja2", "fsspec", "mpmath", "functorch", "nvidia", "triton"]
          .contains($0)
      }
      let jax = ["jax", "jaxlib", "scipy", "scipy.libs", "ml_dtypes", "opt_einsum"]
      sizes["torch"] = bytes(below: numeric + torch.map { "\(site)/\($0)" })
      sizes["jax"] = bytes(below: numeric + jax.map { "\(site)/\($0)" })
    }
    return sizes
  }
}

/// Runs a program, and gives what it wrote.
///
/// - Throws: `BenchError` where it fails.
@discardableResult func output(of command: [String], environment: [String: String] = [:]) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = command
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  let standardOutput = Pipe()
  process.standardOutput = standardOutput
  process.standardError = FileHandle.nullDevice
  do { try process.run() } catch { throw BenchError("\(command[0]) can't be run") }
  let data = try standardOutput.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw BenchError("\(command.joined(separator: " ")) failed with exit code \(process.terminationStatus)")
  }
  return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
}

/// Seconds of a build from nothing, dependencies' sources being there.
func cleanBuild(root: String, folder: URL) throws -> Double {
  let scratch = folder.appending(path: "build").path
  defer { try? FileManager.default.removeItem(atPath: scratch) }
  let package = ["swift", "package", "--package-path", root, "--scratch-path", scratch, "resolve"]
  try output(of: package)
  let start = ContinuousClock.now
  try output(of: [
    "swift", "build", "-c", "release", "--product", "pinion-cli", "--package-path", root, "--scratch-path", scratch,
  ])
  return (ContinuousClock.now - start).inSeconds
}
