import ArgumentParser
import Formats
import Foundation
import Lab
import Pinion

/// Runs a StableHLO program on arrays in files.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a StableHLO program on .npy files.",
    discussion:
      "Programs come from jax.jit(f).lower(x).as_text(), torch_xla, or any other compiler that writes StableHLO.")

  @Argument(help: "StableHLO text, in its own or in the generic form.")
  var program: String

  @Option(
    name: .customLong("in"), parsing: .upToNextOption,
    help: ArgumentHelp("Arguments in order, .npy; or name=file by the function's own names.", valueName: "file.npy"))
  var inputs: [String] = []

  @Option(help: "Folder for the results, one .npy each; only a summary without it.")
  var out: String?

  @Option(help: "Function to run; main without it, or the first.")
  var function: String?

  func run() throws {
    let output = Terminal.standardOutput
    let text = try File.read(program)
    let modules = try StableHLOModule.modules(in: text, file: program)
    guard modules.count == 1, let module = modules.first else {
      throw ValidationError("\(program) has \(modules.count) modules, expected one")
    }
    let types = try module.argumentTypes(of: function)
    let files = try ordered(module.argumentNames(of: function), types.count)
    var arguments: [Tensor] = []
    for (k, (file, type)) in zip(files, types).enumerated() {
      let tensor = try NumPy.read(file)
      guard tensor.type == type else {
        throw ValidationError("\(file) is \(tensor.type), argument \(k) of the program is \(type)")
      }
      output.write("in  \(k)  \(tensor.type)  \(file)\n")
      arguments.append(tensor)
    }
    let start = Date()
    let compiled = jit { (inputs: [Tensor]) in try module(inputs, function: function) }
    let results = try compiled(arguments)
    try evaluate(results)
    let first = Date()
    try evaluate(compiled(arguments))
    let second = Date()
    if let out { try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true) }
    for (k, result) in results.enumerated() {
      var place = ""
      if let out {
        place = "  \(out)/\(k).npy"
        try NumPy.write(result.dtype == .bfloat16 ? result.cast(.float32) : result, to: "\(out)/\(k).npy")
      }
      output.write("out \(k)  \(result.type)\(place)\n")
    }
    output.write(
      String(
        format: "compiled and run in %.3f s, run again in %.6f s\n", first.timeIntervalSince(start),
        second.timeIntervalSince(first)))
  }

  /// Files in the arguments' order.
  private func ordered(_ names: [String], _ count: Int) throws -> [String] {
    guard inputs.count == count else {
      throw ValidationError("\(program) takes \(count) argument(s), --in names \(inputs.count) file(s)")
    }
    guard inputs.contains(where: { $0.contains("=") }) else { return inputs }
    var files = [String?](repeating: nil, count: count)
    for input in inputs {
      let parts = input.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let place = names.firstIndex(of: parts[0]) else {
        throw ValidationError("'\(input)' isn't name=file with one of the names \(names.joined(separator: ", "))")
      }
      guard files[place] == nil else { throw ValidationError("argument \(parts[0]) is given twice") }
      files[place] = parts[1]
    }
    return files.compactMap { $0 }
  }
}
