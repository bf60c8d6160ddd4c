import ArgumentParser
import Foundation
import Pinion
import Testing

@testable import Formats
@testable import Lab
@testable import Papers

@Suite struct DPFTRLCommandTests {
  private func message(_ arguments: [String]) -> String {
    do {
      var command = try DPFTRLCommand.parseAsRoot(arguments)
      try command.run()
      return ""
    } catch {
      return DPFTRLCommand.message(for: error)
    }
  }

  private let folder = FileManager.default.temporaryDirectory.appending(path: "pinion-dp-\(UUID().uuidString)").path

  private func write(_ name: String, _ text: String) throws -> String {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = "\(folder)/\(name)"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// A table of two classes that one column tells apart, with a client for each three rows.
  private func table(_ count: Int) -> String {
    (0..<count).reduce("a,b,who,kind\n") { text, i in
      text + "\(i % 2 == 0 ? 1 : -1),\(Double(i % 7) / 7),w\(i / 3),\(i % 2 == 0 ? "yes" : "no")\n"
    }
  }

  @Test func trainsOnTablesAndSaysWhatItPromises() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let data = try write("rows.csv", table(200))
    let model = "\(folder)/m.safetensors"
    let train = [
      "train", "--data", data, "--out", model, "--client-column", "who", "--epsilon", "50", "--delta", "1e-3",
      "--epochs", "20", "--batch", "20", "--network", "linear", "--local-rate", "1", "--local-steps", "2",
      "--noise-seed", "1",
    ]
    #expect(message(train) == "")
    let file = try PrivateModelFile(path: model)
    let guarantee = try #require(file.guarantee)
    #expect(guarantee.unit == "client" && guarantee.epsilon <= 50 && guarantee.epsilon > 49.9)
    #expect(guarantee.plan.units == 61)
    #expect(file.classNames == ["no", "yes"])
    #expect(try Safetensors(path: model).metadata["privacy"]?.contains("one client") == true)
    // The state, which holds the key of the noise, is gone.
    #expect(!FileManager.default.fileExists(atPath: model + ".state"))
    let rows = try PrivateDataFiles.rows(CSV(path: data), ["a", "b"], data)
    let scores = try file.probabilities(rows)
    let right = (0..<200).count { (scores[2 * $0 + 1] > 0.5) == ($0 % 2 == 0) }
    #expect(right > 190)
    #expect(message(["evaluate", "--model", model, "--data", data]) == "")
    let out = "\(folder)/classes.csv"
    #expect(message(["predict", "--model", model, "--out", out, data]) == "")
    #expect(try CSV(path: out).column("class").prefix(2) == ["yes", "no"])
    #expect(message(["statement", "--model", model]) == "")
    let other = try write("other.csv", "a,b,kind\n1,0,maybe\n1,1,no\n")
    #expect(
      message(["evaluate", "--model", model, "--data", other]).contains(
        "has the class maybe, the network knows no, yes"))
    #expect(message(["predict", "--model", model, data, data]).contains("takes one table"))
  }

  @Test func trainsOnPicturesAndArrays() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for kind in ["dark", "light"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/in/\(kind)", withIntermediateDirectories: true)
      for i in 0..<10 {
        let level = UInt8(kind == "dark" ? i : 255 - i)
        try Image(width: 14, height: 14, channels: 1, bytes: Array(repeating: level, count: 196))
          .write(to: "\(folder)/in/\(kind)/\(i).png")
      }
    }
    #expect(try ImageFolder.names("\(folder)/in").prefix(2) == ["dark/0.png", "dark/1.png"])
    let model = "\(folder)/m.safetensors"
    let rows = (0..<10).flatMap { i in ["dark", "light"].map { "\($0)/\(i).png,c\(i / 2)-\($0)\n" } }.joined()
    let clients = try write("clients.csv", "file,client\n" + rows)
    let common = [
      "--out", model, "--noise", "0.1", "--epochs", "2", "--batch", "4", "--side", "14", "--micro-batch", "2",
      "--noise-seed", "1",
    ]
    #expect(message(["train", "--data", "\(folder)/in", "--clients", clients] + common) == "")
    #expect(try PrivateModelFile(path: model).guarantee?.plan.units == 9)
    #expect(message(["predict", "--model", model, "\(folder)/in/dark/0.png"]) == "")
    let short = try write("short.csv", "file,client\ndark/0.png,a\n")
    #expect(
      message(["train", "--data", "\(folder)/in", "--clients", short] + common).hasSuffix(
        "has no row for the file dark/1.png"))
    #expect(
      message(["train", "--data", "\(folder)/in", "--network", "vgg", "--out", model, "--noise", "1", "--side", "6"])
        == "pictures of 6 pixels are too small for --network vgg, which takes 8 up")
    let arrays = "\(folder)/a.npz"
    try NumPy.writeArchive(
      ["x": Key(0).randint([12, 8, 8], from: 0, to: 256).cast(.uint8), "y": Tensor((0..<12).map { Int64($0 % 3) })],
      to: arrays)
    let loaded = try PrivateDataFiles().load(arrays).train
    #expect(loaded.kind == .pictures(side: 8, channels: 1) && loaded.classNames == ["0", "1", "2"])
    try NumPy.writeArchive(["x": Tensor.zeros([3, 2]), "z": Tensor([0, 1, 0] as [Int64])], to: arrays)
    #expect(
      message(["train", "--data", arrays, "--out", model, "--noise", "1"])
        .hasSuffix("has no labels: expected one of y, labels, y_train, target, found x, z"))
    #expect(
      message(["statement", "--model", clients]).contains("clients.csv"))
  }

  @Test func optionsAreChecked() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let mixed = try write("mixed.csv", table(30))
    let data = try write(
      "rows.csv",
      table(30).replacingOccurrences(of: ",w[0-9]+", with: "", options: .regularExpression)
        .replacingOccurrences(of: ",who", with: ""))
    let out = ["--out", "\(folder)/m.safetensors"]
    for (arguments, part) in [
      (["train", "--data", data], "Missing expected argument '--out"),
      (["train", "--data", data] + out, "expected --epsilon or --noise"),
      (["train", "--data", data, "--epsilon", "1", "--noise", "1"] + out, "exclude each other"),
      (["train", "--data", data, "--epsilon", "1", "--batch", "400"] + out, "only 27 examples"),
      (["train", "--data", data, "--epsilon", "1", "--restart", "soon"] + out, "soon"),
      (["train", "--data", data, "--noise", "1", "--label", "colour"] + out, "colour"),
      (["train", "--data", mixed, "--noise", "1", "--batch", "4"] + out, "'who': 'w0' isn't a number"),
      (["train", "--data", data, "--noise", "1", "--network", "small", "--batch", "4"] + out, "takes pictures"),
      (["train", "--data", folder + "/none.csv", "--noise", "1"] + out, "no such file"),
      (["train", "--data", data, "--noise", "1", "--clients", data] + out, "client"),
      (["account", "--examples", "100"], "expected --epsilon or --noise"),
      (["account", "--examples", "100", "--batch", "10", "--noise", "0"], "--noise 0.0"),
      (["account", "--examples", "100", "--batch", "10", "--noise", "1", "--order", "sampled"], "dp-sgd-amplified"),
      (
        ["account", "--examples", "100", "--batch", "10", "--method", "banded", "--order", "any", "--noise", "1"],
        "same order"
      ),
    ] { #expect(message(arguments).contains(part), "\(arguments): \(message(arguments))") }
    #expect(
      message(["account", "--examples", "1000", "--batch", "10", "--epochs", "3", "--epsilon", "2", "--compare"]) == "")
    #expect(
      message(["account", "--examples", "1000", "--batch", "10", "--noise", "9", "--order", "any", "--json"]) == "")
  }

  /// Public statistics scale a table; without them numbers are as they are.
  @Test func scalingIsPublic() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let data = try write("rows.csv", table(12))
    let scale = try write("public.csv", "b,a\n1,0\n3,10\n")
    let files = PrivateDataFiles(ignored: ["who"], scale: scale)
    guard case .numbers(let columns, let shift, let deviation) = try files.load(data).train.kind else {
      Issue.record("not a table")
      return
    }
    #expect(columns == ["a", "b"] && shift == [5, 2])
    #expect(abs(deviation[0] - 50.0.squareRoot()) < 1e-12)
    let scaled = try PrivateData.scaling(.numbers(columns: columns, shift: shift, scale: deviation))(
      Tensor([[5, 2], [1e6, 2]] as [[Float]])
    ).array(of: Float.self)
    #expect(scaled == [0, 0, 10, 0])
  }

  @Test func experimentOptionsAreChecked() {
    for change: (inout DPFTRLOptions) -> Void in [
      { $0.methods = [] }, { $0.epsilons = [-1] }, { $0.seeds = 0 }, { $0.trainImages = 60_000 }, { $0.batchSize = 0 },
      { $0.rates = [] }, { $0.momentum = 1 }, { $0.bands = 0 }, { $0.regretSteps = 3 }, { $0.parallelRuns = 0 },
    ] {
      var options = DPFTRLOptions(scale: .standard)
      change(&options)
      #expect(throws: UsageError.self) { try options.validate() }
    }
    for scale in Scale.allCases { #expect(throws: Never.self) { try DPFTRLOptions(scale: scale).validate() } }
  }
}

@Suite struct DPFTRLSummaryTests {
  /// Made-up accuracies: a lead that shrinks and turns, so that the claims are known.
  private func summary() -> DPFTRLSummary {
    var options = DPFTRLOptions(scale: .standard)
    (options.seeds, options.epsilons, options.extraMethods) = (3, [1, 4, 16], [])
    let leads: [(PrivateMethod, [Double])] = [
      (.ftrlMomentum, [0.70, 0.78, 0.85]), (.sampled, [0.74, 0.79, 0.84]), (.fixed, [0.60, 0.74, 0.84]),
    ]
    let runs = leads.flatMap { method, values in
      zip(options.epsilons, values).flatMap { epsilon, value in
        (0..<3).map { seed in
          PrivateResult(
            method: method, epsilon: epsilon, seed: seed, rate: 1, validationAccuracy: 0,
            testAccuracy: value + 0.001 * Double(seed), guarantee: nil, clipped: [0.5])
        }
      }
    }
    return DPFTRLSummary(
      options: options, scale: .standard, runs: runs, rates: [],
      timing: PrivateStepCost(batchSize: 500, rounds: [[1, 1], [2, 2.2], [3, 3]]),
      regret: RegretStudy(steps: [16], dimension: 2, epsilon: 1, curves: []))
  }

  @Test func claimsOfKnownAccuracies() throws {
    let claims = Dictionary(uniqueKeysWithValues: try summary().claims().map { ($0.name, $0) })
    let first = try #require(claims["unamplified"])
    #expect(abs(first.measured - 1) < 1e-9 && first.verdict == .holds)
    let second = try #require(claims["amplified"])
    #expect(abs(second.measured - 1) < 1e-9 && second.verdict == .holds)
    #expect(abs(try #require(claims["gap shrinks"]).measured - 5) < 1e-9)
    // The lead is −1 at 4 and +1 at 16: half way on the axis of log ε.
    #expect(abs(try #require(claims["crossing"]).measured - 8) < 1e-9)
    #expect(abs(try #require(claims["per-example gradients"]).measured - 2.1) < 1e-9)
    #expect(try #require(claims["efficient, noise"]).verdict == .holds)
    #expect(claims["efficient"] == nil)
    #expect(try !summary().report().isEmpty)
  }

  @Test func ratesOfTheNearestEpsilon() {
    let options = DPFTRLOptions(scale: .standard)
    let rates = [
      ChosenRate(method: .ftrlMomentum, epsilon: 1.5, rate: 1), ChosenRate(method: .ftrlMomentum, epsilon: 24, rate: 9),
    ]
    #expect(PrivateTrainer.rate(.ftrlMomentum, 3, rates, options) == 1)
    #expect(PrivateTrainer.rate(.plainTree, 12, rates, options) == 9)
    #expect(PrivateTrainer.rate(.sampled, 3, rates, options) == options.rates[1])
  }
}
