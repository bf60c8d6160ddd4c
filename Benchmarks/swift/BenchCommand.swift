import ArgumentParser
import Foundation
import Lab
import PJRT

/// Measures Pinion, and other libraries beside it.
@main struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure how long steps take, beside PyTorch and JAX if wanted.",
    discussion: """
      All start from the same weights, must agree in the values of the first steps, and are timed in turns. The table \
      goes to the terminal, and with --out to a file of Markdown and one of JSON.
      """,
    subcommands: [WorkerCommand.self])

  @Flag(help: "Measure PyTorch and JAX too.")
  var peers = false

  @Flag(help: "Measure torch.compile too; it compiles for minutes.")
  var torchCompile = false

  @Option(help: .init("Workloads to measure, separated by commas (default: all).", valueName: "names"))
  var only: String?

  @Flag(help: "Few rounds and checks.")
  var quick = false

  @Flag(help: "Tiny sizes: does the suite itself work?")
  var tiny = false

  @Flag(help: "List the workloads.")
  var list = false

  @Option(help: .init("Python that has torch, jax, numpy and safetensors.", valueName: "path"))
  var python: String?

  @Option(help: "CPU threads of each library (default: 2, or 1 with --cpu-time).")
  var threads: Int?

  @Flag(
    help: "Count time on the CPU, for a machine that others use meanwhile; only --threads 1 makes it comparable.")
  var cpuTime = false

  @Flag(help: "Measure a build from nothing too.")
  var build = false

  @Option(help: .init("Write the table to <name>.md and <name>.json.", valueName: "name"))
  var out: String?

  func run() throws {
    if list {
      for workload in Workload.all {
        print("\(workload.name.padding(toLength: 20, withPad: " ", startingAt: 0))  \(workload.title)")
      }
      return
    }
    let chosen = try workloads()
    // What is written last must not fail after minutes.
    if let out { try prepare(out) }
    if cpuTime, let threads, threads != 1 {
      throw ValidationError("--cpu-time: threads that wait for each other make time on the CPU; take --threads 1")
    }
    let threads = try Threads.limit(to: threads ?? (cpuTime ? 1 : 2))
    let participants = try participants(threads)
    let folder = FileManager.default.temporaryDirectory.appending(path: "pinion-bench-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let say: (String) -> Void = { Terminal.standardError.write($0 + "\n") }
    var plan = quick ? Driver.Plan.quick : .init()
    plan.countsProcessorTime = cpuTime
    let driver = Driver(
      participants.map(\.peer), plan: plan, size: tiny ? .tiny : .standard, folder: folder, say: say
    )
    var outcome = Outcome(
      date: Date(), commit: CodeVersion.current, machine: .current, threads: threads, isProcessorTime: cpuTime,
      participants: participants.map { .init(name: $0.peer.name, title: $0.peer.title, version: $0.version) }, rows: [],
      others: [], installBytes: [:])
    for (i, workload) in chosen.enumerated() {
      say("\(i + 1)/\(chosen.count) \(workload.name)")
      outcome.rows.append(try driver.measure(workload))
      try write(outcome)
    }
    if only == nil { try measureOthers(&outcome, driver, folder, say) }
    try write(outcome)
    print(outcome.markdown, terminator: "")
  }

  private func workloads() throws -> [Workload] {
    guard let only else { return Workload.all }
    return try only.split(separator: ",").map { name in
      guard let workload = Workload.find(String(name)) else {
        throw ValidationError("no workload is named \(name); --list names all")
      }
      return workload
    }
  }

  private func prepare(_ out: String) throws {
    let folder = URL(fileURLWithPath: out).deletingLastPathComponent()
    guard FileManager.default.isWritableFile(atPath: folder.path) else {
      throw ValidationError("--out \(out): can't write to \(folder.path)")
    }
  }

  private func write(_ outcome: Outcome) throws {
    guard let out else { return }
    try Data(outcome.markdown.utf8).write(to: URL(fileURLWithPath: out + ".md"), options: .atomic)
    try outcome.json.write(to: URL(fileURLWithPath: out + ".json"), options: .atomic)
  }

  /// The checkout.
  private var root: String {
    ProcessInfo.processInfo.environment["PINION_ROOT"] ?? FileManager.default.currentDirectoryPath
  }

  private func participants(_ threads: Int) throws -> [(peer: PeerDescription, version: String)] {
    let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
    var found = [
      (
        peer: PeerDescription(name: "pinion", title: "Pinion", command: [program, "worker"]),
        version: CodeVersion.current
      )
    ]
    guard peers || torchCompile else { return found }
    guard let python else {
      throw ValidationError("--peers takes a Python: ./pinion bench --peers makes one, or name yours with --python")
    }
    let environment = ["OMP_NUM_THREADS": "\(threads)", "JAX_PLATFORMS": "cpu", "PYTHONDONTWRITEBYTECODE": "1"]
    func add(_ name: String, _ title: String, _ library: String, _ arguments: [String]) throws {
      let version = try output(of: [python, "-c", "import \(library); print(\(library).__version__)"])
      let command = [python, "\(root)/Benchmarks/\(library)/worker.py"] + arguments
      found.append((PeerDescription(name: name, title: title, command: command, environment: environment), version))
    }
    try add("torch", "PyTorch", "torch", [])
    if torchCompile { try add("torch-compile", "torch.compile", "torch", ["--compile"]) }
    try add("jax", "JAX", "jax", [])
    return found
  }

  private func measureOthers(_ outcome: inout Outcome, _ driver: Driver, _ folder: URL, _ say: (String) -> Void) throws
  {
    say("tracing")
    outcome.others.append(
      .init(name: "tracing and lowering of a 12-layer transformer's step", unit: "ms", findings: try driver.tracing()))
    say("start-up")
    let (cold, warm) = try driver.startUp(.gptNarrow)
    outcome.others.append(
      .init(name: "start to first step of gpt-d64, nothing compiled before", unit: "s", findings: cold))
    outcome.others.append(.init(name: "the same a second time", unit: "s", findings: warm))
    if build {
      say("build")
      let seconds = try cleanBuild(root: root, folder: folder)
      outcome.others.append(
        .init(name: "build from nothing", unit: "s", findings: ["pinion": .timed(Timing(samples: [seconds]))]))
    }
    let site = try python.map {
      try output(of: [$0, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"])
    }
    outcome.installBytes = InstallSize.measure(root: root, sitePackages: site)
  }
}

/// What the driver starts for Pinion's part.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

  func run() throws {
    var worker = Worker()
    try worker.serve()
  }
}
