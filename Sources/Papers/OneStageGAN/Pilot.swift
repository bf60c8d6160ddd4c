import ArgumentParser
import Formats
import Lab
import NN
import Pinion

public struct PilotCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(commandName: "gan-pilot")
  @Option var arch = "dcgan"
  @Option var g = 32
  @Option var d = 48
  @Option var batch = 64
  @Option var rounds = 7
  @Option var norm = "spectral"
  public init() {}
  public func run() throws {
    var sizes = GANSizes()
    (sizes.architecture, sizes.generatorWidth, sizes.discriminatorWidth) = (.init(rawValue: arch)!, g, d)
    sizes.normalization = .init(rawValue: norm)!
    let gen = sizes.generator(key: Key(0))
    let dis = sizes.discriminator(key: Key(1))
    func go<G: GeneratorNetwork, D: DiscriminatorNetwork>(_ gen: G, _ dis: D) throws {
      let real = Key(3).uniform([batch, 32, 32, 1], from: -1, to: 1)
      var c: [StepTiming.Candidate] = []
      func add(_ name: String, _ change: (inout GANRecipe) -> Void) throws {
        var r = GANRecipe()
        change(&r)
        c.append(try StepTiming.candidate(name, gen, dis, r, real: real))
      }
      try add("one gamma") { _ in }
      try add("one pullback") { $0.form = .pullback }
      try add("two fresh all") {
        $0.stages = .two
        $0.fillsUnused = true
      }
      try add("two fresh lean") { $0.stages = .two }
      try add("two reused all") {
        $0.stages = .twoReused
        $0.fillsUnused = true
      }
      try add("two reused lean") { $0.stages = .twoReused }
      var t = StepTiming()
      t.roundCount = rounds
      let costs = try t.measure(c)
      let noise = Key(4).normal([batch, 128])
      let f = multiplyAdds(of: [dis(real)])
      let fg = multiplyAdds(of: [gen(noise)])
      print("F_D", f, "F_G", fg, Double(f) / Double(fg))
      for x in costs {
        print(
          x.name, x.multiplyAdds / 1_000_000, "M", x.seconds * 1e3, "ms ratio", StepTiming.ratio(x, over: costs[0]),
          "predicted", Double(x.multiplyAdds) / Double(costs[0].multiplyAdds))
      }
    }
    try go(gen, dis)
  }
}
public struct PilotClassifier: ParsableCommand {
  public static let configuration = CommandConfiguration(commandName: "gan-classifier")
  @Option var epochs = 5
  @Option var width = 32
  @Option var rate = 2e-3
  @Option var train = 60000
  @Option var batch = 128
  @Option var crop = 1
  @Flag var noFlips = false
  public init() {}
  public func run() throws {
    let sets = try FashionMNIST.load()
    let train = try sets.train.subset(0..<self.train).padded(to: 32)
    let test = try sets.test.padded(to: 32)
    var r = ClassifierRecipe()
    r.epochs = epochs
    r.learningRate = rate
    r.batchSize = batch
    r.flips = !noFlips
    var c: FeatureClassifier?
    print(
      "train", try StepTiming.seconds { c = try FeatureClassifier.trained(on: train, width: width, recipe: r, seed: 0) }
    )
    guard let c else { return }
    print("accuracy", try c.accuracy(on: test))
    var q: SampleQuality?
    print("ref", try StepTiming.seconds { q = try SampleQuality(c, real: test) })
    for n in [false, false, true, true] {
      print("score", try StepTiming.seconds { print(try q!.scores(of: train.subset(0..<10000), neighbours: n)) })
    }
  }
}
public struct PilotGAN: ParsableCommand {
  public static let configuration = CommandConfiguration(commandName: "gan-train")
  @Option var iterations = 800
  @Option var loss = "non-saturating"
  @Option var norm = "spectral"
  @Option var rate = 2e-4
  @Option var drate = 2e-4
  @Option var ema = 0.99
  @Option var clip = 0.0
  @Option var g = 20
  @Option var d = 40
  @Option var arch = "dcgan"
  @Option var seeds = 1
  @Option var batch = 64
  @Option var beta = 0.5
  @Option var only = "both"
  @Option var classifier = "/tmp/gan-classifier.safetensors"
  public init() {}
  public func run() throws {
    let sets = try FashionMNIST.load()
    let train = try sets.train.subset(0..<20000).padded(to: 32)
    let test = try sets.test.padded(to: 32)
    var c = FeatureClassifier(channels: 1, classes: 10, key: Key(0))
    if let t = try? Safetensors.read(classifier) {
      try load(t, into: &c)
    } else {
      c = try FeatureClassifier.trained(on: sets.train.padded(to: 32), seed: 0)
      try Safetensors.write(parameters(of: c), to: classifier)
    }
    print("accuracy", try c.accuracy(on: test))
    let q = try SampleQuality(c, real: test)
    print("floor", try q.scores(of: train.subset(0..<10000)))
    var sizes = GANSizes()
    (sizes.architecture, sizes.generatorWidth, sizes.discriminatorWidth) = (.init(rawValue: arch)!, g, d)
    sizes.normalization = .init(rawValue: norm)!
    func go<G: GeneratorNetwork, D: DiscriminatorNetwork>(_ gen: G, _ dis: D, _ seed: Int) throws {
      for stages in [GANRecipe.Stages.one, .two] where only == "both" || only == stages.rawValue {
        let start = Int(0)
        _ = start
        var r = GANRecipe()
        r.loss = .init(rawValue: loss)!
        r.stages = stages
        r.generatorRate = rate
        r.discriminatorRate = drate
        r.averaging = ema
        r.beta1 = beta
        r.clip = clip > 0 ? clip : nil
        var t = try GANTraining(gen, dis, recipe: r, data: train, batchSize: batch, seed: UInt64(seed))
        var line = "\(stages.rawValue) \(loss) seed \(seed):"
        let time = try StepTiming.seconds {
          while t.steps < iterations {
            let report = try t.step()
            if t.steps % (iterations / 5) == 0 {
              let s = try q.scores(of: t.samples(5000, key: Key(9)))
              line +=
                " \(t.steps): \(String(format: "%.2f", s.fid)) (d \(String(format: "%.2f", try report.discriminatorLoss.item())), dead \(try report.dead.item()))"
            }
          }
        }
        print(line, "seconds", time)
        try Image.grid(symmetric: t.samples(of: Key(5).normal([32, gen.noiseSize])), columns: 8, scale: 2).write(
          to: "/tmp/gan-\(loss)-\(stages.rawValue)-\(seed).png")
      }
    }
    for seed in 0..<seeds {
      try go(
        sizes.generator(key: Key(UInt64(seed)).foldIn(1)), sizes.discriminator(key: Key(UInt64(seed)).foldIn(2)), seed)
    }
  }
}
public struct PilotDistill: ParsableCommand {
  public static let configuration = CommandConfiguration(commandName: "gan-distill")
  @Option var steps = 600
  @Option var variant = "dfad"
  @Option var stat = 3.0
  @Option var adv = 1.0
  @Option var srate = 1e-3
  @Option var grate = 1e-3
  @Option var g = 20
  @Option var width = 16
  @Option var batch = 128
  @Option var seed = 0
  public init() {}
  public func run() throws {
    let sets = try FashionMNIST.load()
    let test = try sets.test.padded(to: 32)
    var c = FeatureClassifier(channels: 1, classes: 10, key: Key(0))
    try load(Safetensors.read("/tmp/gan-classifier.safetensors"), into: &c)
    for one in [true, false] {
      var r = DistillationRecipe()
      r.isOneStage = one
      r.steps = steps
      r.variant = .init(rawValue: variant)!
      r.studentRate = srate
      r.statistics = stat
      r.adversarial = adv
      r.generatorRate = grate
      r.batchSize = batch
      let student = StudentNetwork(channels: 1, classes: 10, width: width, key: Key(UInt64(seed)).foldIn(7))
      let gen = DCGANGenerator(channels: 1, width: g, key: Key(UInt64(seed)).foldIn(8))
      let p = DistillationProgram<DCGANGenerator>(r)
      var s = try Distillation(student, gen, recipe: r, key: Key(UInt64(seed)).foldIn(9))
      var line = "\(one)"
      let t = try StepTiming.seconds {
        for i in 1...steps {
          let loss: Tensor
          (s, loss) = try p.step(s, c)
          if i % (steps / 5) == 0 {
            line +=
              " \(i): \(String(format: "%.3f", try s.student.accuracy(on: test))) loss \(String(format: "%.3f", try loss.item()))"
          }
        }
      }
      print(line, t)
      let noise = Key(5).normal([32, gen.noiseSize])
      try Image.grid(symmetric: s.generator(noise), columns: 8, scale: 2).write(
        to: "/tmp/distill-\(variant)-\(one).png")
    }
  }
}
