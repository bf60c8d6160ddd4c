import Foundation
import Lab

/// What a user may set of the experiment.
public struct BoundaryElementOptions: ExperimentOptions {
  public var levels: [Int]
  public var formulations: [BoundaryFormulation]
  public var tolerance: Double
  public var expansionOrder: Int
  public var quadratureOrder: Int
  public var accuracyPoints: Int
  public var accuracyOrders: [Int]
  public var timingSizes: [Int]
  public var timingOrder: Int
  public var peerPoints: Int
  public var python: String?
  public var lysozyme: Bool
  public var molecules: [ExampleMolecule]
  public var densities: [Double]
  public var binding: Bool
  public var shellCopies: Int
  public var shellDensity: Double
  public var apbs: String?
  public var apbsGrids: [Int]

  public init(scale: Scale) {
    let solver = BoundarySolverOptions()
    (levels, formulations, tolerance) = ([2, 3, 4, 5], BoundaryFormulation.allCases, 1e-5)
    (expansionOrder, quadratureOrder) = (solver.expansionOrder, solver.quadratureOrder)
    (accuracyPoints, accuracyOrders) = (100_000, [4, 6, 8])
    (timingSizes, timingOrder) = ([10_000, 30_000, 100_000, 300_000, 1_000_000], 6)
    peerPoints = 1_000_000
    (lysozyme, molecules, densities, binding) = (true, [.lysozyme, .ldlReceptor, .rho], [1, 2, 4], true)
    (shellCopies, shellDensity, apbsGrids) = (0, 0.5, [65, 129, 257])
    switch scale {
    case .quick:
      (levels, accuracyPoints, accuracyOrders) = ([2, 3], 10_000, [4])
      (timingSizes, peerPoints, lysozyme, molecules, binding) = ([10_000, 30_000], 10_000, false, [], false)
    case .standard: break
    case .full:
      levels = [2, 3, 4, 5, 6]
      timingSizes += [3_000_000]
      densities = [1, 2, 4, 8]
      (shellCopies, apbsGrids) = (60, [97, 161, 257])
    }
  }

  public static let help = [
    "levels": "icospheres of 20 · 4^level triangles",
    "formulations": "integral equations: \(BoundaryFormulation.allCases.map(\.rawValue).joined(separator: ", "))",
    "tolerance": "relative residual at which GMRES ends",
    "expansionOrder": "order of the multipole method in solutions",
    "quadratureOrder": "degree of the rule on triangles that don't touch",
    "accuracyPoints": "points of the multipole sums that are compared with all pairs",
    "accuracyOrders": "orders at which they're compared",
    "timingSizes": "numbers of points whose time is taken",
    "timingOrder": "order at which it's taken",
    "peerPoints": "points of the sums that are compared with FMM3D's",
    "python": "Python with fmm3dpy to compare with; python3 without, no takes none",
    "lysozyme": "whether the equations are compared on the ready mesh of lysozyme",
    "molecules":
      "molecules solved on meshes made here: \(ExampleMolecule.allCases.map(\.rawValue).joined(separator: ", "))",
    "densities": "triangles/Å² of those meshes, rising",
    "binding": "whether the binding of dimethyl sulfoxide to FKBP is computed",
    "shellCopies": "copies of barnase in the made-up shell: 0, 12 or 60",
    "shellDensity": "triangles/Å² on it",
    "apbs": "program of APBS to compare with; looked for on the path without, no takes none",
    "apbsGrids": "points along each axis of APBS's grids, rising",
  ]

  /// What is solved on the ready mesh of lysozyme: all equations, and two of them where it's refined.
  var readyMeshes: [(formulation: BoundaryFormulation, isRefined: Bool)] {
    guard lysozyme else { return [] }
    return formulations.map { ($0, false) } + formulations.filter { $0 != .derivativeInterior }.map { ($0, true) }
  }

  /// Densities at which a molecule is solved in the direct form too.
  func directDensities(_ molecule: ExampleMolecule) -> [Double] {
    molecule == .lysozyme && formulations.contains(.direct) ? densities : []
  }

  /// What solutions are computed with.
  func solver(_ formulation: BoundaryFormulation) -> BoundarySolverOptions {
    var options = BoundarySolverOptions()
    (options.formulation, options.tolerance) = (formulation, tolerance)
    (options.expansionOrder, options.quadratureOrder) = (expansionOrder, quadratureOrder)
    return options
  }

  public func validate() throws {
    func require(_ holds: Bool, _ message: String) throws { if !holds { throw UsageError(message) } }
    try require(
      levels.count >= 2 && levels == Set(levels).sorted() && levels.allSatisfy { (0...8).contains($0) },
      "levels are \(levels), expected two or more of 0 to 8 that rise")
    try require(
      !formulations.isEmpty && Set(formulations).count == formulations.count,
      "formulations: expected each at most once, at least one")
    try require(tolerance > 0 && tolerance < 0.1, "tolerance is \(tolerance), expected between 0 and 0.1")
    try require(
      ([expansionOrder, timingOrder] + accuracyOrders).allSatisfy { (3...12).contains($0) },
      "orders of the multipole method are 3 to 12")
    try require((1...6).contains(quadratureOrder), "quadratureOrder is \(quadratureOrder), expected 1 to 6")
    try require(
      (2_000...2_000_000).contains(accuracyPoints), "accuracyPoints is \(accuracyPoints), expected 2000 to 2000000")
    try require(!accuracyOrders.isEmpty, "accuracyOrders: expected at least one")
    try require(
      timingSizes.count >= 2 && timingSizes == Set(timingSizes).sorted()
        && timingSizes.allSatisfy { (1_000...20_000_000).contains($0) },
      "timingSizes: expected two or more of 1000 to 20000000 that rise")
    try require((1_000...20_000_000).contains(peerPoints), "peerPoints is \(peerPoints), expected 1000 to 20000000")
    try require(
      densities.count >= 2 && densities == Set(densities).sorted() && densities.allSatisfy { (0.1...50).contains($0) },
      "densities: expected two or more of 0.1 to 50 that rise")
    try require([0, 12, 60].contains(shellCopies), "shellCopies is \(shellCopies), expected 0, 12 or 60")
    try require((0.1...20).contains(shellDensity), "shellDensity is \(shellDensity), expected 0.1 to 20")
    try require(
      apbsGrids.count >= 2 && apbsGrids == Set(apbsGrids).sorted()
        && apbsGrids.allSatisfy { (33...513).contains($0) && $0 % 32 == 1 },
      "apbsGrids: expected two or more of 33, 65, … 513, each 32 n + 1, that rise")
  }
}

/// Electrostatics of molecules by boundary elements and fast multipoles, against closed forms, the paper and APBS.
public struct BoundaryElementExperiment: Experiment {
  public var paper: Paper { .boundaryElements }
  public var datasets: [DatasetInfo] { [APBSExamples.info] }

  public init() {}

  public func datasets(for options: BoundaryElementOptions) -> [DatasetInfo] {
    options.lysozyme || options.binding || options.shellCopies > 0 || !options.molecules.isEmpty ? datasets : []
  }

  public func run(_ context: RunContext<BoundaryElementOptions>) throws -> Outcome {
    let options = context.options
    let runner = BoundaryStudyRunner(context)
    defer { runner.bar.finish() }
    // Time first: nothing else has filled the memory.
    let timings = try options.timingSizes.map { size in
      try runner.stored("timing-\(size)") { try MultipoleTiming(size: size, order: options.timingOrder) }
    }
    let accuracy = try options.accuracyOrders.map { order in
      try runner.stored("accuracy-\(order)") { try MultipoleAccuracy(points: options.accuracyPoints, order: order) }
    }
    var summary = BoundarySummary(options: options, scale: context.scale, timings: timings, accuracy: accuracy)
    summary.speeds = try runner.stored("kernels") { KernelSpeed.measure() }
    if let peer = try FMM3DPeer(options.python) {
      summary.sums = try runner.stored("fmm3d") {
        try PeerSumStudy(
          peer, points: options.peerPoints, orders: options.accuracyOrders, folder: context.folder,
          checkInterrupt: context.checkInterrupt)
      }
    }
    for level in options.levels {
      for formulation in options.formulations {
        summary.spheres.append(
          try runner.stored("sphere-\(level)-\(formulation.rawValue)") {
            try SphereCell(level: level, formulation, options) { _, _ in try context.checkInterrupt() }
          })
      }
    }
    for cell in summary.spheres {
      try context.log(
        "error, %", series: "sphere, \(cell.formulation.rawValue)", step: cell.triangles, 100 * cell.error)
    }
    for (formulation, isRefined) in options.readyMeshes {
      let cell = try runner.stored("lysozyme-\(formulation.rawValue)\(isRefined ? "-refined" : "")") {
        try MoleculeCell.lysozyme(formulation, isRefined: isRefined, options) { _, _ in try context.checkInterrupt() }
      }
      if isRefined { summary.refinedForms.append(cell) } else { summary.forms.append(cell) }
    }
    for molecule in options.molecules {
      let cells = try [false, true].map { isFitted in
        try options.densities.map { density in
          try runner.stored("\(molecule.rawValue)-\(density)\(isFitted ? "-fitted" : "")") {
            try MoleculeCell(molecule, density: density, isFitted: isFitted, .derivativeExterior, options) { _, _ in
              try context.checkInterrupt()
            }
          }
        }
      }
      let direct = try options.directDensities(molecule).map { density in
        try runner.stored("\(molecule.rawValue)-\(density)-direct") {
          try MoleculeCell(molecule, density: density, isFitted: false, .direct, options) { _, _ in
            try context.checkInterrupt()
          }
        }
      }
      summary.molecules.append(
        MoleculeStudy(molecule: molecule, cells: cells[0], fitted: cells[1], direct: direct))
    }
    if options.binding {
      summary.binding = try runner.stored("binding") {
        try BindingStudy(options) { _, _ in try context.checkInterrupt() }
      }
    }
    if let peer = try APBSPeer(options.apbs) {
      for molecule in options.molecules {
        summary.apbs[molecule] = try runner.stored("apbs-\(molecule.rawValue)") {
          try peer.energies(
            of: APBSExamples.molecule(molecule.file), grids: options.apbsGrids, folder: context.folder,
            checkInterrupt: context.checkInterrupt)
        }
      }
    }
    if options.shellCopies > 0 {
      summary.shell = try runner.stored("shell") {
        try ShellStudy(options) { _, _ in try context.checkInterrupt() }
      }
    }
    return Outcome(claims: summary.claims(), report: try summary.report())
  }
}

/// Runs steps of the experiment, each once: a resumed run takes up what is stored.
struct BoundaryStudyRunner {
  let context: RunContext<BoundaryElementOptions>
  let bar: ProgressBar

  init(_ context: RunContext<BoundaryElementOptions>) {
    self.context = context
    let options = context.options
    var steps = options.timingSizes.count + options.accuracyOrders.count + 1
    steps += options.levels.count * options.formulations.count
    steps += 2 * options.molecules.count * options.densities.count
    steps += options.molecules.reduce(0) { $0 + options.directDensities($1).count }
    steps += options.readyMeshes.count + (options.binding ? 1 : 0)
    bar = context.progress.start("boundary elements", total: steps + (options.shellCopies > 0 ? 1 : 0), unit: "step")
  }

  func stored<Value: Codable>(_ name: String, _ make: () throws -> Value) throws -> Value {
    try context.checkInterrupt()
    if let known = try context.load(Value.self, from: name) {
      bar.skip()
      return known
    }
    let value = try make()
    try context.save(value, as: name)
    bar.advance()
    return value
  }
}
