import Foundation
import Lab

/// Has exports judged by mlcroissant, the reference library of the format.
struct CroissantValidator {
  let python: String

  private static let script = """
    import sys
    import mlcroissant
    errors = 0
    for path in sys.argv[1:]:
        try:
            dataset = mlcroissant.Dataset(jsonld=path)
            errors += len(dataset.metadata.ctx.issues.errors)
        except Exception as error:
            print(path, error, file=sys.stderr)
            errors += 1
    print(errors)
    """

  /// The claim that no export has an error.
  ///
  /// - Throws: `UsageError` where Python or mlcroissant can't be run.
  func claim(_ exports: [URL], log: URL) throws -> Claim {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", Self.script] + exports.map(\.path)
    let output = Pipe()
    // The library's many warnings go to a file: a second pipe could fill while the first is read.
    try Data().write(to: log)
    (process.standardOutput, process.standardError) = (output, try FileHandle(forWritingTo: log))
    do { try process.run() } catch { throw UsageError("--set python=\(python): can't be run") }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let problem = try String(contentsOf: log, encoding: .utf8)
    guard process.terminationStatus == 0, let count = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      let line = problem.split(whereSeparator: \.isNewline).last ?? "no answer"
      throw UsageError("--set python=\(python): mlcroissant can't be run: \(line)")
    }
    return Claim(
      "Croissant", statement: "mlcroissant finds no error in any export.", measured: Double(count), unit: "errors",
      comparison: .atMost, threshold: 0, baseline: "\(exports.count) exports", isStructural: true)
  }
}
