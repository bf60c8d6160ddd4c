import Formats
import Foundation
import Pinion
import Testing

@testable import CLI

/// A folder for one test.
private struct Folder: ~Copyable {
  let path = FileManager.default.temporaryDirectory.appending(path: "pinion-\(UUID().uuidString)").path

  init(_ files: [String: String] = [:]) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, text) in files { try File.write(text, to: "\(path)/\(name)") }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Programs that check themselves, of the form of StableHLO's test data.
private enum Programs {
  /// The cubes of three numbers; `expected` says what of them.
  static func cubes(_ expected: String) -> String {
    """
    module @cubes {
      func.func public @main() -> tensor<3xf32> {
        %0 = call @inputs() : () -> tensor<3xf32>
        %1 = call @expected() : () -> tensor<3xf32>
        %2 = stablehlo.multiply %0, %0 : tensor<3xf32>
        %3 = stablehlo.multiply %2, %0 : tensor<3xf32>
        stablehlo.custom_call @check.expect_close(%3, %1) {has_side_effect = true} : (tensor<3xf32>, tensor<3xf32>) -> ()
        return %3 : tensor<3xf32>
      }
      func.func private @inputs() -> tensor<3xf32> {
        %c = stablehlo.constant dense<[1.0, -2.0, 3.0]> : tensor<3xf32>
        return %c : tensor<3xf32>
      }
      func.func private @expected() -> tensor<3xf32> {
        %c = stablehlo.constant dense<[\(expected)]> : tensor<3xf32>
        return %c : tensor<3xf32>
      }
    }

    """
  }

  static let integers = """
    func.func @integers() {
      %a = stablehlo.constant dense<[1, 2]> : tensor<2xi32>
      %b = stablehlo.add %a, %a : tensor<2xi32>
      check.expect_eq_const %b, dense<[2, 4]> : tensor<2xi32>
      func.return
    }

    """

  /// Counts for ever.
  static let endless = """
    func.func @endless() {
      %i = stablehlo.constant dense<1> : tensor<i64>
      %r = stablehlo.while(%a = %i) : tensor<i64>
      cond {
        %zero = stablehlo.constant dense<0> : tensor<i64>
        %c = stablehlo.compare NE, %a, %zero : (tensor<i64>, tensor<i64>) -> tensor<i1>
        stablehlo.return %c : tensor<i1>
      } do {
        %n = stablehlo.add %a, %i : tensor<i64>
        stablehlo.return %n : tensor<i64>
      }
      check.expect_eq_const %r, dense<0> : tensor<i64>
      func.return
    }

    """
}

@Suite struct GoldenCommandTests {
  @Test func verdictsOfSeveralPrograms() throws {
    let folder = try Folder([
      "a-right.mlir": Programs.cubes("1.0, -8.0, 27.0"),
      "b-wrong.mlir": Programs.cubes("1.0, -8.0, 28.0"),
      "c-broken.mlir": "module {\n  func.func @main( {\n  }\n}\n",
      "d-two.mlir": Programs.integers + "// -----\n" + Programs.integers.replacing("[2, 4]", with: "[2, 5]"),
      "e-sizes.mlir": Programs.integers.replacing("%a, %a", with: "%a, %c"),
      "notes.txt": "isn't a program",
    ])
    let program = try Program(
      ["golden", folder.path, "--vmap", "--grad", "--roundtrip", "--jobs", "2", "--json", "\(folder.path)/v.json"],
      environment: ["COLUMNS": "90"])
    #expect(program.status == 1)
    #expect(program.errors.isEmpty)
    let lines = program.output.split(separator: "\n").map(String.init)
    let failures = lines.filter { $0.contains(".mlir") && !$0.hasPrefix("  ") }
    #expect(
      failures == [
        "b-wrong.mlir: run: values: b-wrong.mlir:7:5: 1 of 3 values differ: element 2 is 27.0, expected 28.0",
        "c-broken.mlir: run: parse: c-broken.mlir:2:20: found '{', expected a type",
        "d-two.mlir#2: run: values: d-two.mlir:11:3: 1 of 2 values differ: element 1 is 4, expected 5",
        "e-sizes.mlir: run: build: e-sizes.mlir:3:26: %c isn't defined before its use",
      ])
    // What was left out has its programs and the reason.
    let start = try #require(lines.firstIndex(of: "grad left out: no floating-point inputs (2)"))
    #expect(lines[start + 1] == "  d-two.mlir#1-2")
    #expect(lines.contains("vmap left out: no inputs (2)"))
    let table = lines.suffix(14).map { $0.split(separator: " ").joined(separator: " ") }
    #expect(table.contains("run right 2 33.3 %") && table.contains("run failed: values 2 33.3 %"))
    #expect(table.contains("vmap right 2 100.0 %") && table.contains("grad right 2 100.0 %"))
    #expect(lines.allSatisfy { $0.count <= 90 || $0.hasPrefix("b-wrong") || $0.hasPrefix("d-two") })
    let data = Data(try File.read("\(folder.path)/v.json"))
    let verdicts = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    #expect(
      verdicts.compactMap { $0["name"] as? String } == [
        "a-right.mlir", "b-wrong.mlir", "c-broken.mlir", "d-two.mlir#1", "d-two.mlir#2", "e-sizes.mlir",
      ])
  }

  @Test func allRightIsExitCode0() throws {
    let folder = try Folder(["a.mlir": Programs.cubes("1.0, -8.0, 27.0"), "b.mlir": Programs.cubes("0.0, 0.0, 0.0")])
    let program = try Program(["golden", folder.path, "--filter", "a.", "--jobs", "1"])
    #expect(program.status == 0)
    #expect(
      program.output.contains("run          right           1  100.0 %\n1 files in ")
        || program.output.contains("1 file in "))
    #expect(!program.output.contains("left out"))
  }

  @Test func aWorkerThatDiesTakesOneProgramWithIt() throws {
    let folder = try Folder(["a.mlir": Programs.endless, "b.mlir": Programs.integers])
    let executable = try #require(Bundle.main.executableURL).deletingLastPathComponent().appending(path: "pinion-cli")
    // Started by its own parent, so that the worker can be found among that one's children.
    let process = Process()
    process.executableURL = executable
    process.arguments = ["golden", folder.path, "--jobs", "1"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let children = "/proc/\(process.processIdentifier)/task"
    func worker() -> pid_t? {
      let threads = (try? FileManager.default.contentsOfDirectory(atPath: children)) ?? []
      for thread in threads {
        let list = (try? String(contentsOfFile: "\(children)/\(thread)/children", encoding: .utf8)) ?? ""
        if let first = list.split(separator: " ").first { return pid_t(first) }
      }
      return nil
    }
    let limit = Date().addingTimeInterval(60)
    var found: pid_t?
    while found == nil, Date() < limit {
      found = worker()
      usleep(20_000)
    }
    // Let it get to the program.
    usleep(300_000)
    kill(try #require(found), SIGKILL)
    let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
    #expect(output.hasPrefix("a.mlir: run: crash: the process that ran it crashed (signal 9)\n"))
    #expect(output.contains("run          right                 1  50.0 %"))
  }

  @Test func shapeRulesAreExamined() throws {
    let text = """
      func.func @good(%a: tensor<2x3xf32>) -> tensor<3x2xf32> {
        %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
        func.return %0 : tensor<3x2xf32>
      }
      // -----
      func.func @unnoticed(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
        // expected-error@+1 {{there is none}}
        %0 = stablehlo.abs %a : tensor<2x3xf32>
        func.return %0 : tensor<2x3xf32>
      }
      // -----
      func.func @open(%a: tensor<?x3xf32>) -> tensor<?x3xf32> {
        func.return %a : tensor<?x3xf32>
      }

      """
    let folder = try Folder(["types.mlir": text])
    let program = try Program(["golden", "\(folder.path)/types.mlir"])
    #expect(program.status == 1)
    #expect(program.output.hasPrefix("types left out: '?x' has no place in our types (1)\n  types.mlir#3\n"))
    #expect(program.output.contains("types.mlir#2: types: accepted: a module that should be refused was accepted"))
  }

  @Test func badInputGetsOneLineAndExitCode2() throws {
    let folder = try Folder(["empty.mlir": "// Nothing.\n"])
    let cases: [([String], String)] = [
      (["/no/such/folder"], "/no/such/folder: no such file or folder"),
      ([folder.path, "--filter", "x"], "no .mlir file whose name contains 'x' in \(folder.path)"),
      ([folder.path], "no program in \(folder.path)"),
      ([folder.path, "--jobs", "0"], "--jobs is 0, expected 1 to 64; see ./pinion --help"),
      ([folder.path, "--json", "/no/such/v.json"], "/no/such/v.json: can't be written: No such file or directory"),
    ]
    for (arguments, expected) in cases {
      let program = try Program(["golden"] + arguments)
      #expect(program.status == 2)
      #expect(program.errors == "pinion: \(expected)\n")
      #expect(program.output.isEmpty)
    }
    let missing = try Program(["golden", folder.path], environment: ["PINION_PLUGIN": "/nowhere/plugin.so"])
    #expect(missing.status == 2)
    #expect(missing.errors.hasPrefix("pinion: PINION_PLUGIN names '/nowhere/plugin.so'"))
    #expect(missing.errors.split(separator: "\n").count == 1)
  }
}

@Suite struct RunCommandTests {
  private static let program = """
    func.func @main(%x: tensor<2x2xf32>, %scale: tensor<f32>) -> (tensor<2x2xf32>, tensor<2xbf16>) {
      %0 = stablehlo.broadcast_in_dim %scale, dims = [] : (tensor<f32>) -> tensor<2x2xf32>
      %1 = stablehlo.multiply %x, %0 : tensor<2x2xf32>
      %2 = stablehlo.constant dense<[1.0, 2.5]> : tensor<2xbf16>
      return %1, %2 : tensor<2x2xf32>, tensor<2xbf16>
    }
    func.func @other() -> tensor<2xi32> {
      %0 = stablehlo.constant dense<[7, 8]> : tensor<2xi32>
      return %0 : tensor<2xi32>
    }

    """

  private func folder() throws -> Folder {
    let folder = try Folder(["p.mlir": Self.program])
    try NumPy.write(Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]), to: "\(folder.path)/x.npy")
    try NumPy.write(Tensor(Float(0.5)), to: "\(folder.path)/s.npy")
    return folder
  }

  @Test func resultsAreShownAndWritten() throws {
    let folder = try folder()
    let p = folder.path
    let shown = try Program(["run", "\(p)/p.mlir", "--in", "\(p)/x.npy", "\(p)/s.npy"])
    #expect(shown.status == 0)
    #expect(shown.output.contains("in  0  float32[2, 2]  \(p)/x.npy\nin  1  float32[]  \(p)/s.npy\n"))
    #expect(shown.output.contains("out 0  float32[2, 2]  [[0.5 1. ] [1.5 2. ]]\nout 1  bfloat16[2]  [1.  2.5]\n"))
    let written = try Program(
      ["run", "\(p)/p.mlir", "--in", "scale=\(p)/s.npy", "x=\(p)/x.npy", "--out", "\(p)/new/results"])
    #expect(written.status == 0)
    #expect(written.output.contains("out 0  float32[2, 2]  \(p)/new/results/0.npy\n"))
    let result = try NumPy.read("\(p)/new/results/0.npy")
    #expect(try result.array(of: Float.self) == [0.5, 1, 1.5, 2])
    #expect(try NumPy.read("\(p)/new/results/1.npy").array(of: Float.self) == [1, 2.5])
    let other = try Program(["run", "\(p)/p.mlir", "--function", "other"])
    #expect(other.output.hasPrefix("out 0  int32[2]  [7 8]\n"))
  }

  @Test func badInputGetsOneLineAndExitCode2() throws {
    let folder = try folder()
    let p = folder.path
    try File.write(Self.program + "// -----\n" + Self.program, to: "\(p)/two.mlir")
    try File.write("module {\n  func.func @main( {\n}\n", to: "\(p)/broken.mlir")
    try File.write("not an array", to: "\(p)/text.npy")
    let file = "\(p)/p.mlir"
    let cases: [([String], String)] = [
      (["\(p)/none.mlir"], "\(p)/none.mlir: there is no such file"),
      (["\(p)/broken.mlir"], "\(p)/broken.mlir:2:20: found '{', expected a type"),
      (["\(p)/two.mlir"], "\(p)/two.mlir has 2 modules (divided by lines // -----), expected one"),
      ([file], "\(file) takes 2 arguments (x: float32[2, 2], scale: float32[]), --in names none"),
      ([file, "--function", "f"], "\(file) has no function @f, it has @main, @other"),
      ([file, "--function", "other", "--in", "\(p)/x.npy"], "\(file) takes no arguments, --in names 1"),
      (
        [file, "--in", "\(p)/s.npy", "\(p)/x.npy"],
        "\(p)/s.npy is float32[], argument 0 (x) of the program is float32[2, 2]"
      ),
      (
        [file, "--in", "y=\(p)/s.npy", "x=\(p)/x.npy"], "'y=\(p)/s.npy' isn't name=file with one of the names x, scale"
      ),
      ([file, "--in", "x=\(p)/x.npy", "x=\(p)/x.npy"], "argument x is given twice"),
      (
        [file, "--in", "\(p)/text.npy", "\(p)/s.npy"],
        "\(p)/text.npy: isn't a NumPy file: it doesn't begin with \\x93NUMPY"
      ),
      (
        [file, "--in", "\(p)/x.npy", "\(p)/s.npy", "--out", "\(p)/x.npy"], "--out \(p)/x.npy: can't make this folder"
      ),
    ]
    for (arguments, expected) in cases {
      let program = try Program(["run"] + arguments)
      #expect(program.status == 2)
      #expect(program.errors == "pinion: \(expected)\n")
    }
  }
}
