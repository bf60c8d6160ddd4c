import Foundation

/// Programs of others that results are compared with.
public enum OtherProgram {
  /// Runs a program to its end, without input and with its errors dropped; nil where it can't be started.
  ///
  /// - Parameters:
  ///   - program: a path, or a name that is looked for on the path.
  ///   - environment: variables that it gets besides.
  ///   - folder: where it's started; where this program was without.
  ///   - seconds: after which it's ended; never without.
  /// - Returns: its exit status and standard output.
  public static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], folder: URL? = nil,
    seconds: Int? = nil
  ) -> (status: Int32, output: String)? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = environment.map { "\($0)=\($1)" }.sorted() + [program] + arguments
    if let folder { process.currentDirectoryURL = folder }
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    process.standardInput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let deadline = DispatchWorkItem { if process.isRunning { process.terminate() } }
    if let seconds { DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds), execute: deadline) }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    deadline.cancel()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  /// Standard output of a program that ends well in time; nil else.
  public static func output(
    of program: String, _ arguments: [String], environment: [String: String] = [:], seconds: Int
  ) -> String? {
    guard let (status, output) = run(program, arguments, environment: environment, seconds: seconds), status == 0 else {
      return nil
    }
    return output
  }
}
