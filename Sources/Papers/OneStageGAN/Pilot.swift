import ArgumentParser
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
    let gen = sizes.generator(key: Key(0)), dis = sizes.discriminator(key: Key(1))
    func go<G: GeneratorNetwork, D: DiscriminatorNetwork>(_ gen: G, _ dis: D) throws {
      let real = Key(3).uniform([batch, 32, 32, 1], from: -1, to: 1)
      var c: [StepTiming.Candidate] = []
      func add(_ name: String, _ change: (inout GANRecipe) -> Void) throws {
        var r = GANRecipe(); change(&r)
        c.append(try StepTiming.candidate(name, gen, dis, r, real: real))
      }
      try add("one gamma") { _ in }
      try add("one pullback") { $0.form = .pullback }
      try add("two fresh all") { $0.stages = .two; $0.fillsUnused = true }
      try add("two fresh lean") { $0.stages = .two }
      try add("two reused all") { $0.stages = .twoReused; $0.fillsUnused = true }
      try add("two reused lean") { $0.stages = .twoReused }
      var t = StepTiming(); t.roundCount = rounds
      let costs = try t.measure(c)
      let noise = Key(4).normal([batch, 128])
      let f = multiplyAdds(of: [dis(real)]), fg = multiplyAdds(of: [gen(noise)])
      print("F_D", f, "F_G", fg, Double(f)/Double(fg))
      for x in costs { print(x.name, x.multiplyAdds/1_000_000, "M", x.seconds*1e3, "ms ratio", StepTiming.ratio(x, over: costs[0]), "predicted", Double(x.multiplyAdds)/Double(costs[0].multiplyAdds)) }
    }
    try go(gen, dis)
  }
}
