import ArgumentParser
import Formats
import Foundation
import Lab
import Pinion

/// Partition functions, evidences and Bayes factors on the user's own models.
public struct JarzynskiCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "jarzynski", abstract: "Estimate partition functions, evidences and Bayes factors.",
    discussion: """
      Targets are built in (\(JarzynskiTarget.builtIn.map(\.rawValue).joined(separator: ", "))), Gaussian mixtures as JSON, \
      Bayesian logistic regression on a CSV file, or restricted Boltzmann machines as safetensors:

        ./pinion jarzynski estimate --target ring --method virtual --budget 65536
        ./pinion jarzynski estimate --target wine.csv --label cultivar --method mala
        ./pinion jarzynski estimate --target wine.csv --versus wine.csv:alcohol,flavanoids --label cultivar
        ./pinion jarzynski train-rbm --data digits.csv --hidden 12 --out rbm.safetensors
        ./pinion jarzynski estimate --target rbm.safetensors --work work.csv
        ./pinion jarzynski analyse work.csv

      Energies of your own are Swift code: see Sources/Papers/Jarzynski/README.md.
      """,
    subcommands: [Estimate.self, Analyse.self, TrainMachine.self, Drive.self])

  public init() {}
}

extension EstimationMethod: ExpressibleByArgument {}
extension BoltzmannMachine.Visible: ExpressibleByArgument {}

extension JarzynskiTarget {
  /// Those that need no data.
  static let builtIn: [JarzynskiTarget] = [.bimodal, .ring, .grid, .doubleWell, .harmonic]
}

/// Where a target of the command line comes from, and what is asked of it.
struct TargetSource {
  var path: AnnealingPath
  var name: String
  /// log Z where it's known.
  var exact: Double?

  /// - Parameters:
  ///   - text: name of a built-in target, or a file; of a CSV file with `:column,column` for some features.
  ///   - width: standard deviation of the reference; nil for one that suits the target.
  /// - Throws: `UsageError`, `FormatError` in one line.
  init(_ text: String, width: Double?, prior: Double, label: String?, positive: String?, laplace: Bool) throws {
    name = text
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let file = parts.first ?? text
    let columns = parts.count > 1 ? parts[1].split(separator: ",").map(String.init) : []
    let suffix = (file as NSString).pathExtension.lowercased()
    guard columns.isEmpty || suffix == "csv" else {
      throw UsageError("--target \(text): only CSV files have columns to choose from")
    }
    let energy: any Energy
    var reference: QuadraticEnergy?
    switch suffix {
    case "json": energy = try GaussianMixture(path: file)
    case "csv":
      let table = try LabelledTable(csv: file, label: label)
      guard table.classNames.count == 2 || positive != nil else {
        throw UsageError(
          "\(file): \(table.classNames.count) classes (\(Format.fit(table.classNames.joined(separator: ", "), to: 60))); "
            + "--class says which is told from the others")
      }
      let model = try LogisticRegressionEnergy(table, columns: columns, positive: positive, priorDeviation: prior)
      (energy, reference) = (model, model.prior)
    case "safetensors":
      let machine = try BoltzmannMachine(path: file)
      (energy, reference) = (machine, try machine.reference)
    default:
      guard let target = JarzynskiTarget.builtIn.first(where: { $0.rawValue == text }) else {
        let names = JarzynskiTarget.builtIn.map(\.rawValue)
        throw UsageError(
          "--target \(text): no such target\(Spelling.suggestion(for: text, among: names)); expected "
            + names.joined(separator: ", ") + ", or a .json, .csv or .safetensors file")
      }
      let known = try target.path()
      guard width != nil || laplace else {
        path = known
        exact = target.exactRatio(known).map { $0 + known.logInitial }
        return
      }
      energy = known.target
    }
    exact = energy.logPartitionFunction
    let center = Array(repeating: 0.0, count: energy.dimension)
    let wide = { (deviation: Double) in
      QuadraticEnergy(mean: center, standardDeviation: Array(repeating: deviation, count: energy.dimension))
    }
    let start = width.map(wide) ?? reference ?? wide(Self.spread(of: energy))
    path = try laplace ? Self.whitened(energy, start) : .geometric(from: start, to: energy)
  }

  /// A deviation that covers a mixture's components; 3 for what isn't known.
  private static func spread(of energy: any Energy) -> Double {
    guard let mixture = energy as? GaussianMixture else { return 3 }
    let reach = mixture.components.map { component in
      zip(component.mean, component.standardDeviation).map { abs($0) + $1 }.max() ?? 1
    }
    return max(1e-6, reach.max() ?? 3)
  }

  /// A path from the Gaussian fitted to the heaviest mode, in coordinates in which that is standard.
  private static func whitened(_ energy: any Energy, _ start: QuadraticEnergy) throws -> AnnealingPath {
    guard energy.dimension <= ModeSearch.longest else {
      throw UsageError("--laplace: states of \(energy.dimension) numbers, at most \(ModeSearch.longest) can be fitted")
    }
    let search = try ModeSearch(energy, starts: start.samples(Key(17), count: 8))
    guard let mode = search.modes.first else {
      throw UsageError("--laplace: no minimum was found from samples of the reference")
    }
    let (center, factor) = try mode.whitening()
    let unit = Array(repeating: 1.0, count: energy.dimension)
    return .geometric(
      from: QuadraticEnergy(mean: unit.map { _ in 0 }, standardDeviation: unit),
      to: try AffineEnergy(energy, center: center, factor: factor))
  }
}

extension JarzynskiCommand {
  struct Estimate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Estimate log Z, or the log ratio of two targets.",
      discussion: """
        Prints log Z with its standard error, the effective sample size and the largest weight's share, and warns where \
        modes may be missed. A pilot on samples of its own chooses the parameters.
        """)

    @Option(help: .init("Built-in target, or a .json, .csv or .safetensors file.", valueName: "target"))
    var target: String
    @Option(help: .init("Second target: the ratio Z / Z of this one is estimated.", valueName: "target"))
    var versus: String?
    @Option(help: "\(EstimationMethod.allCases.map(\.rawValue).joined(separator: ", ")).")
    var method = EstimationMethod.virtual
    @Option(help: "Gradient evaluations of an estimate, besides the pilot's.")
    var budget = 65_536
    @Option(help: "Seed of all randomness.")
    var seed: UInt64 = 0
    @Option(help: "Standard deviation of the Gaussian reference about 0.")
    var width: Double?
    @Flag(help: "Start from the Gaussian fitted to the heaviest mode instead.")
    var laplace = false
    @Option(help: "Column of a CSV file that has the class; the last without it.")
    var label: String?
    @Option(name: .customLong("class"), help: "Class that is told from the others; the last of two without it.")
    var positive: String?
    @Option(help: "Standard deviation of the prior of regression weights.")
    var prior = 1.0
    @Option(help: .init("File for the work values, for pymbar.", valueName: "file.csv"))
    var work: String?
    @Flag(help: "Don't look for modes that may be missed.")
    var skipModeSearch = false
    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
      if budget < 256 || budget > 1 << 40 { throw ValidationError("--budget \(budget): expected 256 or more") }
      if let width, !(width > 0 && width.isFinite) { throw ValidationError("--width \(width): expected more than 0") }
      if !(prior > 0 && prior.isFinite) { throw ValidationError("--prior \(prior): expected more than 0") }
      if work != nil, versus != nil { throw ValidationError("--work and --versus exclude each other") }
      if work != nil, [.integration, .mbar].contains(method) {
        throw ValidationError("--work: \(method.rawValue) has no work values")
      }
    }

    func run() throws {
      let first = try estimate(target, seed: seed)
      guard let versus else { return try show([first], ratio: nil) }
      let second = try estimate(versus, seed: seed &+ 1)
      try show([first, second], ratio: Ratio(first, second))
    }

    private func estimate(_ text: String, seed: UInt64) throws -> Report {
      let source = try TargetSource(
        text, width: width, prior: prior, label: label, positive: positive, laplace: laplace)
      let result: Estimation
      do {
        result = try PartitionFunction.estimate(
          source.path, method: method, budget: budget, seed: seed, searchesModes: !skipModeSearch)
      } catch let error as TensorError { throw UsageError("\(text): \(error.message)") }
      try work.map { try result.work.write(to: $0) }
      return Report(source, result)
    }

    private func show(_ reports: [Report], ratio: Ratio?) throws {
      if json {
        print(try jsonText(Output(estimates: reports, ratio: ratio)))
        return
      }
      for report in reports { print(report.text) }
      if let ratio {
        print("log ratio              \(Report.number(ratio.logRatio)) ± \(Report.number(ratio.standardError))")
      }
      if let work { print("wrote \(work)") }
    }
  }

  struct Output: Encodable {
    var estimates: [Report]
    var ratio: Ratio?
  }

  struct Ratio: Encodable {
    var logRatio: Double
    var standardError: Double

    init(_ a: Report, _ b: Report) {
      logRatio = a.logPartitionFunction - b.logPartitionFunction
      standardError = (a.standardError * a.standardError + b.standardError * b.standardError).squareRoot()
    }
  }

  /// What is printed of an estimate.
  struct Report: Encodable {
    var target: String
    var method: String
    var logPartitionFunction: Double
    var standardError: Double
    var exact: Double?
    var effectiveSamples: Double
    var samples: Int
    var maxWeightShare: Double
    var relativeVariance: Double
    var gradients: Int
    var pilotGradients: Int
    var settings: String
    var warnings: [String]

    init(_ source: TargetSource, _ result: Estimation) {
      let estimate = result.estimate
      (target, method, settings) = (source.name, result.method.rawValue, result.settings)
      (logPartitionFunction, standardError) = (result.logPartitionFunction, estimate.standardError)
      // A sum of weights that is 1 to rounding.
      exact = source.exact.map { abs($0) < 1e-12 ? 0 : $0 }
      (effectiveSamples, samples) = (estimate.effectiveSamples, estimate.count)
      (maxWeightShare, relativeVariance) = (estimate.maxWeightShare, estimate.relativeVariance)
      (gradients, pilotGradients, warnings) = (result.gradients, result.pilotGradients, result.warnings)
    }

    static func number(_ value: Double) -> String { String(format: "%.6g", value) }

    var text: String {
      var lines = [
        "target                 \(target)",
        "method                 \(method)\(settings.isEmpty ? "" : ": \(settings)")",
        "log Z                  \(Self.number(logPartitionFunction)) ± \(Self.number(standardError))",
      ]
      if let exact { lines.append("exact                  \(Self.number(exact))") }
      lines += [
        "effective samples      \(Format.short(effectiveSamples)) of \(samples)",
        "largest weight         \(Format.short(100 * maxWeightShare)) % of the sum",
        "gradient evaluations   \(gradients), and \(pilotGradients) of the pilot",
      ]
      return (lines + warnings.map { "warning                \($0)" }).joined(separator: "\n")
    }
  }

  struct Analyse: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Evaluate work values of your own simulation.",
      discussion: """
        The CSV file has a column `work`, in kT, and optionally `forward`, 1 or 0. With both directions Bennett's acceptance \
        ratio is printed too.
        """)

    @Argument(help: .init("Table of work values.", valueName: "work.csv"))
    var file: String

    func run() throws {
      let table = try WorkTable(path: file)
      let forward = PartitionEstimate(logWeights: table.forward.map { -$0 })
      func line(_ name: String, _ estimate: PartitionEstimate, sign: Double = 1) -> String {
        "\(name)\(Report.number(sign * estimate.logRatio)) ± \(Report.number(estimate.standardError))"
      }
      print(line("log Z1/Z0, forward     ", forward))
      print("effective samples      \(Format.short(forward.effectiveSamples)) of \(forward.count)")
      print("largest weight         \(Format.short(100 * forward.maxWeightShare)) % of the sum")
      if table.reverse.count > 1 {
        print(line("log Z1/Z0, reverse     ", PartitionEstimate(logWeights: table.reverse.map { -$0 }), sign: -1))
        do {
          print(
            line("log Z1/Z0, BAR         ", try BridgeSampling().bar(forward: table.forward, reverse: table.reverse)))
        } catch let error as TensorError { throw UsageError("\(file): \(error.message)") }
      }
      for warning in forward.warnings { print("warning                \(warning)") }
    }
  }

  struct TrainMachine: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "train-rbm", abstract: "Train a restricted Boltzmann machine on a table.",
      discussion: "All columns of the CSV file are visible units; --label names one that isn't.")

    @Option(help: .init("Table with a heading, a row for each example.", valueName: "file.csv"))
    var data: String
    @Option(help: .init("File for the machine.", valueName: "file.safetensors"))
    var out: String
    @Option(help: "Hidden units; up to \(BoltzmannMachine.enumerable) are enumerated for the exact Z.")
    var hidden = 12
    @Option(help: "gaussian or binary units.")
    var visible = BoltzmannMachine.Visible.gaussian
    @Option(help: "Column that is left out.")
    var label: String?
    @Option(help: "Numbers are divided by this.")
    var scale = 1.0
    @Option(help: "Gradient steps.")
    var steps = 2_000
    @Option(help: "Seed of all randomness.")
    var seed: UInt64 = 0

    func validate() throws {
      if !(1...4_096).contains(hidden) { throw ValidationError("--hidden \(hidden): expected 1 to 4096") }
      if !(scale != 0 && scale.isFinite) { throw ValidationError("--scale \(scale): expected a number other than 0") }
      if !(1...1_000_000).contains(steps) { throw ValidationError("--steps \(steps): expected 1 to 1000000") }
    }

    func run() throws {
      let table = try CSV(path: data)
      let names = (table.header ?? []).filter { $0 != label }
      let columns = try names.map { try table.numbers($0).map { $0 / scale } }
      guard let rows = columns.first?.count, rows > 0 else { throw UsageError("\(data): has no numbers") }
      if visible == .binary, let bad = columns.firstIndex(where: { !$0.allSatisfy { (0...1).contains($0) } }) {
        throw UsageError("\(data): column '\(names[bad])' isn't within 0 and 1, as binary units are; --scale divides")
      }
      do {
        let machine = try BoltzmannMachine.trained(
          on: Tensor(columns).transpose(), hidden: hidden, visible: visible, steps: steps, key: Key(seed))
        try machine.write(to: out)
        if let exact = machine.logPartitionFunction { print("log Z, by enumeration  \(Report.number(exact))") }
      } catch let error as TensorError { throw UsageError("\(data): \(error.message)") }
      print("wrote \(out)")
    }
  }

  struct Drive: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show how Hamiltonian switching at constant frequency beats Langevin switching.")

    @Option(help: "Stiffness at the end; it begins with 1.")
    var end = 20.0
    @Option(help: "Trajectories.")
    var count = 20_000
    @Option(help: "Seed of all randomness.")
    var seed: UInt64 = 0

    func validate() throws {
      if !(end > 0 && end.isFinite) { throw ValidationError("--end \(end): expected more than 0") }
      if !(2...10_000_000).contains(count) { throw ValidationError("--count \(count): expected 2 to 10000000") }
    }

    func run() throws {
      let drive = ConstantFrequencyDrive(end: end)
      var table = TextTable(
        [("time", .right), ("Hamiltonian", .right), ("in closed form", .right), ("Langevin", .right)])
      for (i, time) in [4.0, 8, 16, 32, 64].enumerated() {
        let key = Key(seed).foldIn(i)
        let works = [
          try drive.hamiltonianWork(time: time, count: count, key: key.foldIn(0)),
          try drive.langevinWork(time: time, count: count, key: key.foldIn(1)),
        ].map { PartitionEstimate(logWeights: $0.map { -$0 }).relativeVariance }
        let cells = [time, works[0], drive.hamiltonianVariance(time: time), works[1]]
        table.add(cells.map { .init(Format.short($0)) })
      }
      print("relative variance of exp(-W) by switching time, stiffness 1 to \(Format.short(end)):")
      for line in table.lines(width: 80) { print(line) }
    }
  }
}
