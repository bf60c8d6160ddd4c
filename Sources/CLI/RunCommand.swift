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

  @Option(help: "Folder for the results, one .npy each (bfloat16 as float32); only a summary without it.")
  var out: String?

  @Option(help: "Function to run; main without it, or the first.")
  var function: String?

  func run() throws {
    let output = Terminal.standardOutput
    let text = try File.read(program)
    let modules = try StableHLOModule.modules(in: text, file: program)
    guard modules.count == 1, let module = modules.first else {
      let count = modules.isEmpty ? "no module" : "\(modules.count) modules (divided by lines // -----)"
      throw UsageError("\(program) has \(count), expected one")
    }
    if let function, !module.functionNames.contains(function) {
      let names = module.functionNames.map { "@\($0)" }.joined(separator: ", ")
      throw UsageError("\(program) has no function @\(function), it has \(names)")
    }
    let (names, types) = (module.argumentNames(of: function), try module.argumentTypes(of: function))
    let files = try ordered(names, types)
    var arguments: [Tensor] = []
    for (k, (file, type)) in zip(files, types).enumerated() {
      let tensor = try NumPy.read(file)
      guard tensor.type == type else {
        throw UsageError("\(file) is \(tensor.type), argument \(k) (\(names[k])) of the program is \(type)")
      }
      output.write("in  \(k)  \(tensor.type)  \(file)\n")
      arguments.append(tensor)
    }
    if let out { try Self.makeFolder(out) }
    let start = Date()
    let compiled = jit { (inputs: [Tensor]) in try module(inputs, function: function) }
    let results = try compiled(arguments)
    try evaluate(results)
    let first = Date()
    try evaluate(compiled(arguments))
    let second = Date()
    for (k, result) in results.enumerated() {
      var note = Self.values(of: result)
      if let out {
        note = "\(out)/\(k).npy"
        try NumPy.write(result.dtype == .bfloat16 ? result.cast(.float32) : result, to: note)
      }
      output.write("out \(k)  \(result.type)\(note.isEmpty ? "" : "  \(note)")\n")
    }
    if results.isEmpty { output.write("out    nothing: the function returns no tensor\n") }
    output.write(
      String(
        format: "compiled and run in %.3f s, run again in %.6f s\n", first.timeIntervalSince(start),
        second.timeIntervalSince(first)))
  }

  /// The values of a small result, on one line; nothing of others.
  private static func values(of result: Tensor) -> String {
    let text = result.count <= 12 ? "\(result)" : ""
    return text.contains("\n") ? text.split(whereSeparator: \.isWhitespace).joined(separator: " ") : text
  }

  /// Makes the folder for the results.
  private static func makeFolder(_ path: String) throws {
    do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
      throw UsageError("--out \(path): can't make this folder")
    }
  }

  /// Files in the arguments' order.
  private func ordered(_ names: [String], _ types: [TensorType]) throws -> [String] {
    guard inputs.count == types.count else {
      let list = zip(names, types).map { "\($0): \($1)" }.joined(separator: ", ")
      let takes = types.isEmpty ? "no arguments" : "\(types.count) argument\(types.count == 1 ? "" : "s") (\(list))"
      throw UsageError("\(program) takes \(takes), --in names \(inputs.isEmpty ? "none" : "\(inputs.count)")")
    }
    guard inputs.contains(where: { $0.contains("=") }) else { return inputs }
    var files = [String?](repeating: nil, count: types.count)
    for input in inputs {
      let parts = input.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let place = names.firstIndex(of: parts[0]) else {
        throw UsageError("'\(input)' isn't name=file with one of the names \(names.joined(separator: ", "))")
      }
      guard files[place] == nil else { throw UsageError("argument \(parts[0]) is given twice") }
      files[place] = parts[1]
    }
    return files.compactMap { $0 }
  }
}
