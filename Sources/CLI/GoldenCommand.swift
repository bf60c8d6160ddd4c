import ArgumentParser
import Formats
import Foundation
import Lab
import Pinion
import Synchronization

/// Runs StableHLO programs that check themselves.
struct GoldenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "golden", abstract: "Run StableHLO programs that check themselves.",
    discussion: """
      Takes .mlir files or folders of them, such as stablehlo/testdata of openxla/stablehlo: inputs and what the \
      program should compute stand in its text. Each is read, its types are inferred and compared with the printed \
      ones, and our own text of it is compiled, run and compared. In files with 'expected-error' lines (such as \
      stablehlo/tests/ops_stablehlo.mlir) the shape rules must refuse what is marked and accept the rest.
      """)

  @Argument(help: ArgumentHelp("Files or folders.", valueName: "path"))
  var paths: [String]

  @Flag(help: "Also on a batch of 3: each slice equals the program's own results.")
  var vmap = false

  @Flag(help: "Also derivatives in double precision, against central differences.")
  var grad = false

  @Flag(help: "Also read our own text of each program again.")
  var roundtrip = false

  @Option(help: "Processes that run programs.")
  var jobs = 2

  @Option(help: "Only files whose name contains this.")
  var filter: String?

  @Option(help: "Write all verdicts to this file, as JSON.")
  var json: String?

  @Option(help: .hidden)
  var worker: Int?

  func validate() throws {
    guard (1...64).contains(jobs) else { throw ValidationError("--jobs is \(jobs), expected 1 to 64") }
  }

  func run() throws {
    // Thousands of small programs have no place among those that are kept.
    setenv("PINION_CACHE", "off", 0)
    let files = try Self.files(paths).filter { path in
      filter.map { path.split(separator: "/").last?.contains($0) ?? false } ?? true
    }
    guard !files.isEmpty else {
      let named = filter.map { " whose name contains '\($0)'" } ?? ""
      throw UsageError("no .mlir file\(named) in \(paths.joined(separator: ", "))")
    }
    var options = GoldenProgram.Options()
    (options.vmap, options.grad, options.roundtrip) = (vmap, grad, roundtrip)
    if let worker {
      try GoldenWorker.work(files, from: worker, step: jobs, options)
      return
    }
    // What would fail every program, or lose all verdicts at the end, is found now.
    _ = try Device.platformName()
    let file = try json.map { try AtomicFile($0) }
    let output = Terminal.standardOutput
    let start = Date()
    let reports = try GoldenWorker.run(files, jobs: min(jobs, files.count), arguments: workerArguments)
    guard !reports.isEmpty else { throw UsageError("no program in \(paths.joined(separator: ", "))") }
    let summary = GoldenSummary(reports)
    for line in summary.leftOut(width: output.width) + summary.failures { output.write(line + "\n") }
    output.write(summary.table(output) + "\n")
    output.write(String(format: "%d files in %.0f s\n", files.count, Date().timeIntervalSince(start)))
    if let file {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try file.append([UInt8](try encoder.encode(reports)))
      try file.commit()
    }
    if !summary.failures.isEmpty { throw ExitCode(1) }
  }

  private var workerArguments: [String] {
    var arguments = ["golden"] + paths
    if vmap { arguments.append("--vmap") }
    if grad { arguments.append("--grad") }
    if roundtrip { arguments.append("--roundtrip") }
    if let filter { arguments += ["--filter", filter] }
    return arguments
  }

  /// The files of the paths, in order; folders aren't searched below their first level.
  static func files(_ paths: [String]) throws -> [String] {
    try paths.flatMap { path -> [String] in
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw UsageError("\(path): no such file or folder")
      }
      guard isFolder.boolValue else { return [path] }
      return try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".mlir") }.sorted()
        .map { "\(path)/\($0)" }
    }
  }
}

/// Other processes of this program, which do the work: one that crashes takes one file with it.
enum GoldenWorker {
  /// Examines every `step`th file and prints a line for each: its number, then the reports as JSON.
  static func work(_ files: [String], from first: Int, step: Int, _ options: GoldenProgram.Options) throws {
    let encoder = JSONEncoder()
    for number in stride(from: first, to: files.count, by: step) {
      let name = files[number].split(separator: "/").last.map(String.init) ?? files[number]
      let reports: [GoldenProgram.Report]
      do {
        reports = GoldenProgram.examine(try File.read(files[number], limit: 1 << 31), file: name, options)
      } catch let error as FormatError {
        reports = [.init(name: name, cause: "read", message: error.message)]
      }
      let line = "\(number) " + String(decoding: try encoder.encode(reports), as: UTF8.self) + "\n"
      FileHandle.standardOutput.write(Data(line.utf8))
    }
  }

  /// This program.
  static let ownExecutable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()

  /// The reports of all files, in order.
  static func run(
    _ files: [String], jobs: Int, arguments: [String], executable: URL = ownExecutable
  ) throws -> [GoldenProgram.Report] {
    let results = Mutex<[Int: [GoldenProgram.Report]]>([:])
    let progress = Mutex(0)
    let group = DispatchGroup()
    let failure = Mutex<(any Error)?>(nil)
    for job in 0..<jobs {
      DispatchQueue.global().async(group: group) {
        var next = job
        do {
          while next < files.count {
            let end = try process(executable, arguments + ["--jobs", "\(jobs)", "--worker", "\(next)"]) {
              number, reports in
              results.withLock { $0[number] = reports }
              next = number + jobs
              let done = progress.withLock { count in
                count += 1
                return count
              }
              if done % 100 == 0 { Terminal.standardError.write("\(done) of \(files.count) files\n") }
            }
            guard next < files.count else { break }
            // The process ended before its time: the file that it had at hand did that.
            let name = files[next].split(separator: "/").last.map(String.init) ?? files[next]
            results.withLock { $0[next] = [.init(name: name, cause: "crash", message: end)] }
            next += jobs
          }
        } catch {
          failure.withLock { $0 = error }
        }
      }
    }
    group.wait()
    if let error = failure.withLock({ $0 }) { throw error }
    return results.withLock { results in files.indices.flatMap { results[$0] ?? [] } }
  }

  /// Runs one process to its end; says how it came.
  private static func process(
    _ executable: URL, _ arguments: [String], _ handle: (Int, [GoldenProgram.Report]) throws -> Void
  ) throws -> String {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    var rest = Data()
    let decoder = JSONDecoder()
    while true {
      let part = pipe.fileHandleForReading.availableData
      if part.isEmpty { break }
      rest += part
      while let end = rest.firstIndex(of: 0x0A) {
        let line = rest[rest.startIndex..<end]
        rest = Data(rest[(end + 1)...])
        guard let space = line.firstIndex(of: 0x20),
          let number = Int(String(decoding: line[line.startIndex..<space], as: UTF8.self))
        else { continue }
        try handle(number, try decoder.decode([GoldenProgram.Report].self, from: Data(line[(space + 1)...])))
      }
    }
    process.waitUntilExit()
    let status = process.terminationStatus
    return process.terminationReason == .uncaughtSignal
      ? "the process that ran it crashed (signal \(status))"
      : "the process that ran it ended early (exit code \(status))"
  }
}

/// Verdicts counted by examination and cause.
struct GoldenSummary {
  /// A line for each program that isn't right.
  private(set) var failures: [String] = []
  /// Programs by examination and the reason why there was nothing to examine.
  private var skipped: [String: [String]] = [:]
  private var counts: [String: [String: Int]] = [:]

  init(_ reports: [GoldenProgram.Report]) {
    for report in reports {
      for (examination, verdict) in report.verdicts.sorted(by: { $0.key < $1.key }) {
        switch verdict {
        case .right: counts[examination, default: [:]]["right", default: 0] += 1
        case .wrong(let cause, let message):
          counts[examination, default: [:]]["failed: \(cause)", default: 0] += 1
          failures.append("\(report.name): \(examination): \(cause): \(message)")
        case .skipped(let reason):
          counts[examination, default: [:]]["left out: \(reason)", default: 0] += 1
          skipped["\(examination) left out: \(reason)", default: []].append(report.name)
        }
      }
    }
  }

  /// For each examination and reason the programs that were left out, in lines of a width.
  func leftOut(width: Int) -> [String] {
    skipped.sorted { $0.key < $1.key }.flatMap { reason, names -> [String] in
      var lines = ["\(reason) (\(names.count))", " "]
      for word in Self.ranges(names) {
        let last = lines.count - 1
        if lines[last].count + 1 + word.count > width, lines[last].count > 1 {
          lines.append("  \(word)")
        } else {
          lines[last] += " \(word)"
        }
      }
      return lines
    }
  }

  /// Names, of which those of neighbouring modules of one file are one: `a.mlir b.mlir#1-3 #5`.
  private static func ranges(_ names: [String]) -> [String] {
    var words: [String] = []
    var (file, first, last) = ("", 0, 0)
    for name in names {
      let parts = name.split(separator: "#", maxSplits: 1).map(String.init)
      guard parts.count == 2, let number = Int(parts[1]) else {
        words.append(name)
        file = ""
        continue
      }
      if parts[0] == file, number == last + 1 {
        let start = words.removeLast().prefix { $0 != "#" }
        words.append("\(start)#\(first)-\(number)")
      } else {
        words.append(parts[0] == file ? "#\(number)" : name)
        first = number
      }
      (file, last) = (parts[0], number)
    }
    return words
  }

  /// For each examination how many are right, of how many, and what is with the others.
  func table(_ terminal: Terminal) -> String {
    var table = TextTable(
      [("examination", .left), ("verdict", .left), ("programs", .right), ("share", .right)], flexible: 1)
    for (examination, verdicts) in counts.sorted(by: { $0.key < $1.key }) {
      let examined = verdicts.reduce(0) { $0 + ($1.key.hasPrefix("left out") ? 0 : $1.value) }
      let order = verdicts.sorted {
        ($0.key == "right" ? 0 : 1, -$0.value, $0.key) < ($1.key == "right" ? 0 : 1, -$1.value, $1.key)
      }
      for (verdict, count) in order {
        let share =
          verdict.hasPrefix("left out") ? "" : String(format: "%.1f %%", 100 * Double(count) / Double(max(examined, 1)))
        table.add([.init(examination), .init(verdict), .init("\(count)"), .init(share)])
      }
    }
    return terminal.lines(of: table).joined(separator: "\n")
  }
}
