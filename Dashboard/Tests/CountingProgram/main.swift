import Foundation
import Lab

// Takes of pinion-cli's arguments those that the dashboard gives.

func value(_ name: String) -> String? {
  CommandLine.arguments.first { $0.hasPrefix("--\(name)=") }.map { String($0.dropFirst(name.count + 3)) }
}

let settings = CommandLine.arguments.filter { $0.hasPrefix("--set=") }.map { String($0.dropFirst("--set=".count)) }
let scale = Scale.allCases.first { CommandLine.arguments.contains("--\($0.rawValue)") } ?? .standard
let root = URL(fileURLWithPath: value("out") ?? "runs", isDirectory: true)
Interrupt.listen()
do {
  guard CommandLine.arguments.dropFirst().starts(with: ["reproduce", "counting"]) else {
    throw UsageError("expected reproduce counting")
  }
  let runner = Runner(progress: .silent())
  if let run = value("resume") {
    _ = try runner.resume(Counting(), run: run, root: root)
  } else {
    let seed = UInt64(value("seed") ?? "") ?? 0
    // As a run would that can't begin, though its settings are right.
    if seed == 13 { throw UsageError("seed 13: bad luck; choose another") }
    _ = try runner.start(Counting(), .init(scale: scale, seed: seed, settings: settings, root: root))
  }
} catch {
  FileHandle.standardError.write(Data("pinion: \(error)\n".utf8))
  exit(2)
}
