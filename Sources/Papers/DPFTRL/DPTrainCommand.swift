import ArgumentParser
import Formats
import Foundation
import Lab
import Pinion

extension DPFTRLCommand {
  struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train a classifier so that (epsilon, delta) holds.",
      discussion: """
        A tenth of the data is held out unless they come with a test part, and accuracy on it is shown after each epoch. The \
        guarantee is about the data that are trained on; it doesn't cover the held-out ones, nor your choice of options.

        Ctrl-C saves the last finished epoch; the same command with --resume goes on from there. The file of the state \
        holds the key of the noise: who has it can take the noise off. It's removed at the end.
        """)

    @Option(
      help: .init("Folder of classes, IDX file, CIFAR-10 batch, table (.csv) or arrays (.npz).", valueName: "path"))
    var data: String
    @Option(help: .init("File for the trained network.", valueName: "file.safetensors"))
    var out: String
    @OptionGroup var privacy: PrivacyOptions
    @Option(help: "Column of a table that has the class; the last without it.")
    var label: String?
    @Option(help: .init("Public table by whose means and deviations columns are scaled.", valueName: "file.csv"))
    var scale: String?
    @Option(
      help: .init(
        "Table with a column `client`, a row for each example in their order; for a folder with a column `file` too "
          + "(class/file). A client is then what is protected.", valueName: "file.csv"))
    var clients: String?
    @Option(help: "Column of a table of data that names the client; in place of --clients.")
    var clientColumn: String?
    @Option(help: "Examples of a client that count at most.")
    var clientRows = 64
    @Option(help: "Steps of a client on its own examples.")
    var localSteps = 1
    @Option(help: "Learning rate of those steps.")
    var localRate = 0.1
    @Option(help: "Side of pictures in pixels; others are resized, their centre kept.")
    var side = 28
    @Flag(help: "Pictures in colour; grey levels without it.")
    var colour = false
    @Option(help: "Network: small (the paper's for MNIST), vgg (its for CIFAR-10), mlp or linear.")
    var network: PrivateNetwork.Kind?
    @Option(help: "Width of mlp's hidden layer.")
    var hidden = 64
    @Option(help: "Clipping norm of an example's gradient, or of a client's update.")
    var clip = 1.0
    @Option(help: "Learning rate over 1 - momentum.")
    var learningRate = 1.5
    @Option(help: "Momentum of all methods but dp-ftrl.")
    var momentum = 0.9
    @Option(help: "Examples (or clients) whose gradients are in memory at once; without it those that 256 MB hold.")
    var microBatch: Int?
    @Option(help: "Seed of the first weights, of the held-out part and of the order.")
    var seed: UInt64 = 0
    @Option(help: "Seed of the noise, for repeatable tests only: it must be secret, and never serve twice.")
    var noiseSeed: UInt64?
    @Flag(help: "Show losses of the private data in training; the guarantee doesn't cover them.")
    var showLoss = false
    @Option(help: "CPU threads (default: all).")
    var threads: Int?
    @Flag(help: "Go on from the last finished epoch of an interrupted training.")
    var resume = false

    func validate() throws {
      func require(_ holds: Bool, _ message: String) throws {
        if !holds { throw ValidationError(message) }
      }
      try require(out.hasSuffix(".safetensors"), "--out \(out): expected a name that ends in .safetensors")
      try require(
        privacy.method == .open || privacy.epsilon != nil || privacy.noise != nil, "expected --epsilon or --noise")
      try require(privacy.method != .plainTree, "--method dp-ftrlm-plain: say --method dp-ftrlm --plain")
      try require(clip > 0 && clip.isFinite, "--clip \(clip): expected more than 0")
      try require(learningRate > 0 && learningRate.isFinite, "--learning-rate \(learningRate): expected more than 0")
      try require((0..<1).contains(momentum), "--momentum \(momentum): expected 0 to below 1")
      if let microBatch { try require(microBatch > 0, "--micro-batch \(microBatch): expected at least 1") }
      try require((1...1_000_000).contains(clientRows), "--client-rows \(clientRows): expected at least 1")
      try require((1...1_000).contains(localSteps), "--local-steps \(localSteps): expected 1 to 1000")
      try require(localRate > 0 && localRate.isFinite, "--local-rate \(localRate): expected more than 0")
      try require(clients == nil || clientColumn == nil, "--clients and --client-column exclude each other")
      try require((1...4096).contains(side), "--side \(side): expected 1 to 4096")
    }

    func run() throws {
      if let threads { try Threads.limit(to: threads) }
      Interrupt.listen()
      let files = PrivateDataFiles(
        side: side, channels: colour ? 3 : 1, label: label, ignored: clientColumn.map { [$0] } ?? [], scale: scale)
      let (all, given) = try files.load(data)
      let names = try clientNames(count: all.count)
      let parts = try split(all, given, names)
      let kind: PrivateNetwork.Kind
      if case .numbers = all.kind { kind = network ?? .mlp } else { kind = network ?? .small }
      let shape = PrivateNetwork(kind: kind, data: all.kind, classes: all.classNames.count, width: hidden)
      try shape.validate()
      func train<M: PrivateClassifier>(_ model: M) throws { try fit(model, shape, parts) }
      try train(shape.make(key: Key(seed).foldIn(1)))
    }

    /// What is trained on and what isn't.
    private struct Parts {
      var train: PrivateData
      var test: PrivateData
      var clients: ClientRows?
    }

    /// The client of each example; nil where examples are protected.
    private func clientNames(count: Int) throws -> [String]? {
      if let clientColumn {
        guard data.lowercased().hasSuffix(".csv") else {
          throw UsageError("--client-column: \(data) isn't a table (.csv); name clients with --clients")
        }
        return try CSV(path: data).column(clientColumn)
      }
      guard let clients else { return nil }
      let table = try CSV(path: clients)
      let names = try table.column("client")
      var isFolder: ObjCBool = false
      if table.header?.contains("file") == true, FileManager.default.fileExists(atPath: data, isDirectory: &isFolder),
        isFolder.boolValue
      {
        let files = try table.column("file")
        let known = Dictionary(zip(files, names), uniquingKeysWith: { first, _ in first })
        return try ImageFolder.names(data).map { file in
          guard let name = known[file] else { throw FormatError(clients, "has no row for the file \(file)") }
          return name
        }
      }
      guard names.count == count else {
        throw FormatError(clients, "has \(names.count) rows, but \(data) has \(count) examples")
      }
      return names
    }

    private func split(_ all: PrivateData, _ given: PrivateData?, _ names: [String]?) throws -> Parts {
      let key = Key(seed).foldIn(3)
      func shuffled<T>(_ list: [T]) throws -> [T] {
        try key.permutation(list.count).array(of: Int32.self).map { list[Int($0)] }
      }
      var (train, test, kept) = (all, given, names)
      if test == nil {
        // A client is held out with all its examples.
        let units = Set(names ?? []).sorted()
        let heldOut: [Int]
        if let names {
          guard units.count > 1 else { throw UsageError("there is only one client; expected at least two") }
          let out = Set(try shuffled(units).prefix(max(1, units.count / 10)))
          heldOut = names.indices.filter { out.contains(names[$0]) }
        } else {
          guard all.count > 1 else { throw UsageError("\(data): has one example, expected at least two") }
          heldOut = try shuffled(Array(0..<all.count)).prefix(max(1, all.count / 10)).sorted()
        }
        let out = Set(heldOut)
        let left = (0..<all.count).filter { !out.contains($0) }
        (train, test) = (try all.subset(left), try all.subset(heldOut))
        kept = names.map { names in left.map { names[$0] } }
      }
      let clients = try kept.map {
        try ClientRows($0, limit: clientRows, parts: localSteps, key: Key(seed).foldIn(4))
      }
      return Parts(train: train, test: test ?? all, clients: clients)
    }

    private func fit<M: PrivateClassifier>(_ model: M, _ network: PrivateNetwork, _ parts: Parts) throws {
      let progress = ProgressDisplay.standardError()
      let unit = parts.clients == nil ? "example" : "client"
      let units = parts.clients?.rows.count ?? parts.train.count
      let (mechanism, plan) = try privacy.plan(units: units, method: privacy.method)
      let guarantee = privacy.method == .open ? nil : try privacy.guarantee(units: units, unit: unit)
      var recipe = PrivateRecipe()
      (recipe.mechanism, recipe.plan, recipe.sigma) = (mechanism, plan, guarantee?.sigma ?? 0)
      recipe.clip = guarantee == nil ? .greatestFiniteMagnitude : clip
      recipe.momentum = privacy.method.momentum(momentum)
      recipe.rate = learningRate * (1 - recipe.momentum)
      // Without a wish, as many as leave their gradients 256 MB.
      let count = try parameterCount(of: model)
      recipe.microBatch = microBatch ?? max(1, (1 << 26) / max(1, count))
      let scaling = PrivateData.scaling(network.data)
      var program = PrivateProgram<M>(scaling: scaling)
      if parts.clients != nil {
        let updates = ClientUpdates<M>(localSteps: localSteps, localRate: localRate, scaling: scaling)
        program = PrivateProgram(scaling: scaling) { model, data, places, weights, norm in
          try updates(model, data: data, places: places, weights: weights, norm: norm)
        }
      }
      progress.note(
        "\(parts.train.count) examples\(parts.clients.map { " of \($0.rows.count) clients" } ?? "") to train on, "
          + "\(parts.test.count) held out; \(try parameterCount(of: model)) parameters")
      if let left = parts.clients?.leftOut, left > 0 {
        progress.note("\(left) examples are left out, as their clients have more than \(clientRows)")
      }
      if let guarantee {
        progress.note("noise multiplier \(PrivacyGuarantee.number(guarantee.sigma)): \(guarantee.standardForm)")
        if guarantee.delta * Double(units) >= 1 {
          progress.note(
            "delta is not below 1 over the \(units) \(unit)s: it allows that somebody's data are given away whole")
        }
      }
      // The noise's key is from the system's generator: one who knows it can take the noise off.
      let noiseKey = Key(noiseSeed ?? UInt64.random(in: 0...UInt64.max))
      var training = try PrivateTraining(
        model: model, recipe: recipe, data: parts.train, clients: parts.clients?.rows, seed: seed, noiseKey: noiseKey,
        program: program)
      let saved = URL(fileURLWithPath: out + ".state")
      if resume { try training.restore(from: saved) }
      try runEpochs(&training, parts, saved, progress)
      let accuracy = try training.accuracy(on: parts.test)
      let file = try PrivateModelFile(
        training.model, network: network, classNames: parts.train.classNames, guarantee: guarantee)
      try file.write(to: out)
      try? FileManager.default.removeItem(at: saved)
      print(String(format: "accuracy on %d held-out examples: %.2f %%", parts.test.count, 100 * accuracy))
      for line in file.statement { print(line) }
      print("wrote \(out)")
    }

    private func runEpochs<M: PrivateClassifier>(
      _ training: inout PrivateTraining<M>, _ parts: Parts, _ saved: URL, _ progress: ProgressDisplay
    ) throws {
      let bar = progress.start("training", total: privacy.epochs * training.stepsOfEpoch)
      bar.skip(training.epochsDone * training.stepsOfEpoch)
      var accuracy = 0.0
      do {
        while training.epochsDone < privacy.epochs {
          try training.runEpoch {
            if Interrupt.ofProcess.isRequested { throw Interrupted() }
            bar.advance(values: ["held-out accuracy": accuracy])
          }
          accuracy = try training.accuracy(on: parts.test)
          if showLoss, let last = training.history.last {
            progress.note(
              String(
                format: "epoch %d: loss %.4f, %.0f %% of gradients clipped, mean norm %.3f (not private)",
                training.epochsDone, last[0], 100 * last[1], last[2]))
          }
          try training.save(to: saved)
        }
      } catch is Interrupted {
        bar.finish()
        let done = training.epochsDone == 0 ? "no epoch was finished" : "\(training.epochsDone) epochs are saved"
        let how = training.epochsDone == 0 ? "" : "; go on with the same command and --resume"
        FileHandle.standardError.write(Data("interrupted; \(done)\(how)\n".utf8))
        throw ExitCode(130)
      }
      bar.finish()
    }
  }
}
