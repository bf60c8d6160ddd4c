import ArgumentParser
import Foundation
import Lab
import Pinion

/// Private training on the user's own data, and its accounting.
public struct DPFTRLCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "dp-ftrl", abstract: "Train classifiers with differential privacy, and account for it.",
    discussion: """
      Data come as a folder with a folder of PNG or JPEG files for each class, IDX files (MNIST), CIFAR-10's binary batches, \
      a table (.csv) or arrays (.npz):

        ./pinion dp-ftrl train --data photos/ --epsilon 4 --delta 1e-5 --out private.safetensors
        ./pinion dp-ftrl train --data visits.csv --client-column person --epsilon 4 --out private.safetensors
        ./pinion dp-ftrl predict --model private.safetensors new.png
        ./pinion dp-ftrl evaluate --model private.safetensors --data held-out/
        ./pinion dp-ftrl statement --model private.safetensors
        ./pinion dp-ftrl account --examples 60000 --epochs 10 --batch 500 --noise 8 --delta 1e-5
      """,
    subcommands: [Train.self, Account.self, Predict.self, Evaluate.self, Statement.self])

  public init() {}
}

extension PrivateMethod: ExpressibleByArgument {}
extension ParticipationPlan.Order: ExpressibleByArgument {}
extension PrivateNetwork.Kind: ExpressibleByArgument {}

/// When trees begin anew, as the command line says it.
enum RestartChoice: ExpressibleByArgument, Equatable {
  /// Whatever leaves the least noise in the sums.
  case automatic
  case never
  case every(Int)

  init?(argument: String) {
    switch argument {
    case "auto": self = .automatic
    case "never": self = .never
    default:
      guard let number = Int(argument), number > 0 else { return nil }
      self = .every(number)
    }
  }
}

/// Options on the noise and the order, which training and accounting share.
struct PrivacyOptions: ParsableArguments {
  @Option(help: "dp-ftrl, dp-ftrlm (with momentum), dp-sgd, dp-sgd-amplified, banded or no-privacy.")
  var method = PrivateMethod.ftrlMomentum
  @Option(help: "Wished epsilon; the least noise that keeps it is found.")
  var epsilon: Double?
  @Option(help: "Noise multiplier sigma: deviation of a fresh noise over the clipping norm; in place of --epsilon.")
  var noise: Double?
  @Option(help: "Delta; take less than one over the number of examples.")
  var delta = 1e-5
  @Option(help: "Passes over the data.")
  var epochs = 10
  @Option(help: "Examples (or clients) of a step; of a sampled one on average.")
  var batch = 500
  @Option(help: "Order of the data: fixed, restarts (a new one after each) or any.")
  var order = ParticipationPlan.Order.fixed
  @Option(help: .init("Epochs after which a tree begins anew, or auto, or never.", valueName: "epochs"))
  var restart = RestartChoice.automatic
  @Flag(inversion: .prefixedNo, help: "Fill trees up with virtual steps before the next begins; unused with auto.")
  var completion = true
  @Flag(help: "Sums of the tree's nodes as they are, not the efficient estimates.")
  var plain = false
  @Option(help: "Bands of the banded matrix.")
  var bands = 32

  func validate() throws {
    func require(_ holds: Bool, _ message: String) throws {
      if !holds { throw ValidationError(message) }
    }
    try require(epochs > 0, "--epochs \(epochs): expected at least 1")
    try require(batch > 0, "--batch \(batch): expected at least 1")
    try require(delta > 0 && delta < 1, "--delta \(delta): expected a number between 0 and 1")
    try require(order != .sampled, "--order sampled: choose --method dp-sgd-amplified")
    try require((1...4_096).contains(bands), "--bands \(bands): expected 1 to 4096")
    if let epsilon { try require(epsilon > 0 && epsilon.isFinite, "--epsilon \(epsilon): expected more than 0") }
    if let noise { try require(noise > 0 && noise.isFinite, "--noise \(noise): expected more than 0") }
    try require(epsilon == nil || noise == nil, "--epsilon and --noise exclude each other")
    if method == .open {
      try require(epsilon == nil && noise == nil, "--method no-privacy has no --epsilon and no --noise")
    }
  }

  /// The mechanism and the plan with its restarts.
  ///
  /// - Parameter units: examples, or clients.
  /// - Throws: `UsageError` where the numbers don't fit.
  func plan(units: Int, method: PrivateMethod) throws -> (NoiseMechanism, ParticipationPlan) {
    guard units >= batch else {
      throw UsageError("--batch \(batch): there are only \(units) examples or clients to train on")
    }
    var plan = ParticipationPlan(units: units, batchSize: batch, epochs: epochs, order: order)
    if method == .sampled { plan.order = .sampled }
    try plan.validate()
    var mechanism = method.mechanism(plan: plan, bands: bands)
    if plain, case .tree = mechanism { mechanism = .tree(efficient: false) }
    switch restart {
    case .automatic: plan = try plan.withBestRestarts(mechanism)
    case .never: break
    case .every(let count): (plan.restartEpochs, plan.completesTrees) = (count < epochs ? count : nil, completion)
    }
    return (mechanism, plan)
  }

  /// The guarantee of the wished ε or of the noise.
  ///
  /// - Throws: `UsageError` where neither is given, or ε can't be kept.
  func guarantee(units: Int, unit: String, method: PrivateMethod? = nil) throws -> PrivacyGuarantee {
    let (mechanism, plan) = try plan(units: units, method: method ?? self.method)
    if let noise { return try PrivacyGuarantee(mechanism, plan, sigma: noise, delta: delta, unit: unit) }
    guard let epsilon else { throw UsageError("expected --epsilon or --noise") }
    return try .calibrated(mechanism, plan, epsilon: epsilon, delta: delta, unit: unit)
  }
}

extension DPFTRLCommand {
  struct Account: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say what a noise promises, or what noise a promise needs.",
      discussion: """
        Without data: from the number of examples (or clients), batch, epochs and noise to epsilon, or back. --compare shows \
        all methods at that epsilon or noise.

          ./pinion dp-ftrl account --examples 50000 --batch 500 --epochs 100 --restart 20 --noise 46.3
          ./pinion dp-ftrl account --examples 60000 --batch 500 --epochs 10 --epsilon 4 --compare
        """)

    @Option(help: "Examples (or clients) in the data.")
    var examples: Int
    @OptionGroup var privacy: PrivacyOptions
    @Option(help: "What is protected: example or client.")
    var unit = "example"
    @Flag(help: "Show all methods.")
    var compare = false
    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
      if examples < 1 { throw ValidationError("--examples \(examples): expected at least 1") }
      if privacy.epsilon == nil, privacy.noise == nil { throw ValidationError("expected --epsilon or --noise") }
      if !["example", "client"].contains(unit) { throw ValidationError("--unit \(unit): expected example or client") }
    }

    func run() throws {
      let methods: [PrivateMethod] = compare ? [.ftrlMomentum, .banded, .sampled, .fixed] : [privacy.method]
      let reports = try methods.map { method in
        Report(method, try privacy.guarantee(units: examples, unit: unit, method: method))
      }
      if json {
        print(try compare ? jsonText(reports) : jsonText(reports[0]))
      } else if compare {
        for line in Self.table(reports) { print(line) }
      } else {
        print(reports[0].text)
      }
    }

    private static func table(_ reports: [Report]) -> [String] {
      var table = TextTable([
        ("method", .left), ("sigma", .right), ("K", .right), ("epsilon", .right), ("exactly", .right),
        ("noise of the sums", .right),
      ])
      for report in reports {
        let cells = [
          report.method, PrivacyGuarantee.number(report.sigma),
          report.squaredSensitivity.map(PrivacyGuarantee.number) ?? "–", PrivacyGuarantee.number(report.epsilon),
          report.exactEpsilon.map(PrivacyGuarantee.number) ?? "–", PrivacyGuarantee.number(report.sumDeviation),
        ]
        table.add(cells.map { .init($0) })
      }
      return Terminal.standardOutput.lines(of: table) + [
        "Noise of the sums: root mean square over steps, over the clipping norm. Amplification needs truly random batches."
      ]
    }
  }

  /// What accounting prints.
  struct Report: Encodable {
    var method: String
    var epsilon: Double
    var delta: Double
    var sigma: Double
    var order: Double
    var exactEpsilon: Double?
    var rho: Double?
    var squaredSensitivity: Double?
    var steps: Int
    var epochsOfTrees: [Int]?
    var completesTrees: Bool?
    var sumDeviation: Double
    var statement: [String]

    init(_ method: PrivateMethod, _ guarantee: PrivacyGuarantee) {
      let plan = guarantee.plan
      self.method = method.rawValue
      (epsilon, delta, sigma, order) = (guarantee.epsilon, guarantee.delta, guarantee.sigma, guarantee.order)
      (exactEpsilon, rho, squaredSensitivity) = (guarantee.exactEpsilon, guarantee.rho, guarantee.squaredSensitivity)
      steps = plan.steps
      epochsOfTrees = guarantee.mechanism.isTree ? plan.epochsOfTrees : nil
      completesTrees = guarantee.mechanism.isTree ? plan.completesTrees : nil
      sumDeviation = sigma * Statistics.mean(plan.prefixVariances(guarantee.mechanism)).squareRoot()
      statement = guarantee.statement
    }

    var text: String {
      var lines = [
        "epsilon                \(PrivacyGuarantee.number(epsilon)) at delta \(PrivacyGuarantee.number(delta)) (Rényi, order "
          + "\(PrivacyGuarantee.number(order)))"
      ]
      if let exactEpsilon {
        lines.append("exactly                \(PrivacyGuarantee.number(exactEpsilon)), as a Gaussian mechanism")
      }
      if let rho { lines.append("rho                    \(PrivacyGuarantee.number(rho)) (zero-concentrated)") }
      lines.append("noise multiplier       \(PrivacyGuarantee.number(sigma))")
      if let squaredSensitivity {
        lines.append("squared sensitivity    \(PrivacyGuarantee.number(squaredSensitivity))")
      }
      lines.append("steps                  \(steps)")
      if let epochsOfTrees {
        let list =
          epochsOfTrees.count > 12
          ? "\(epochsOfTrees.count) trees" : epochsOfTrees.map(String.init).joined(separator: ", ")
        lines.append("epochs of the trees    \(list)\(completesTrees == true ? ", completed" : "")")
      }
      lines.append(
        "noise of the sums      \(PrivacyGuarantee.number(sumDeviation)) times the clipping norm, root mean square over steps"
      )
      return (lines + [""] + statement).joined(separator: "\n")
    }
  }
}
