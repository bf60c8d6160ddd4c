import Foundation
import Papers
import Pinion
import Testing

/// What the papers' READMEs say in Swift, as a user's module sees it.
@Suite struct ReadmeTests {
  @Test func informationContent() throws {
    let values = try Key(0).normal([20, 784], dtype: .float64).array(of: Double.self)
    let labels = (0..<20).map { $0 % 3 == 0 ? 1.0 : -1 }

    let inputs = try NetworkInputs.scaled(values, dimension: 784)  // rows of norm √d
    let covariance = try CompositionalKernel(.relu, depth: 7).covariance(inputs)
    let orthant = try GaussianOrthant(covariance: covariance, signs: labels)  // ±1
    let content = try MinimaxTilting(samples: 10_000).estimate(orthant, key: Key(0))
    print(content.content / log(2), "bits ±", content.standardError / log(2), content.warning ?? "")
    print(PACBayes.bound(content: content.content, count: labels.count))

    #expect(content.isTrusted && (10...40).contains(content.content / log(2)))
    try expectThePage("InformationContent", function: #function)
  }

  @Test func dpFTRL() throws {
    let secret = Key(1)

    var noise = PrefixNoise(.tree(efficient: true), size: 26_010, levels: 9, key: secret)
    let drawn = try noise.next()  // noise of the next prefix sum
    let plan = ParticipationPlan(units: 60_000, batchSize: 500, epochs: 10)
    let guarantee = try PrivacyGuarantee.calibrated(.tree(efficient: true), plan, epsilon: 4, delta: 1e-5)
    print(guarantee.sigma, guarantee.statement)

    #expect(drawn.shape == [26_010] && guarantee.sigma > 1)
    try expectThePage("DPFTRL", function: #function)
  }

  @Test func boundaryElements() throws {
    // Compiled only: it names a file of the user's.
    _ = { () throws in
      let atoms = try PQRFile.read("lysozyme.pqr")
      let mesh = try MolecularSurface().mesh(atoms)
      let solution = try PoissonBoltzmannProblem(mesh: mesh, charges: atoms).solve()
      print(solution.energy, "kcal/mol")
    }
    let mesh = try SurfaceMesh.icosphere(radius: 2, level: 1)
    let right = Tensor([Double](repeating: 1, count: mesh.vertices.count), shape: [mesh.vertices.count])

    let single = try BoundaryOperator(.singleLayer, .laplace, mesh: mesh, operators: .fastMultipole).tensorOperator()
    let charge = try conjugateGradient(right, tolerance: 1e-10) { single($0) }.solution

    let product = try BoundaryOperator(.singleLayer, .laplace, mesh: mesh).apply(charge.array(of: Double.self))
    #expect(product.allSatisfy { abs($0 - 1) < 1e-3 })
    try expectThePage("BEMFMM", function: #function)
  }

  /// Each line of the page's Swift is in this file, one after the other.
  private func expectThePage(_ folder: String, function: String) throws {
    let here = URL(fileURLWithPath: #filePath)
    let page = here.deletingLastPathComponent().appendingPathComponent("../../Sources/Papers/\(folder)/README.md")
    let parts = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```swift\n").dropFirst()
    #expect(!parts.isEmpty)
    let source = lines(try String(contentsOf: here, encoding: .utf8))
    for part in parts {
      let snippet = lines(part.components(separatedBy: "```")[0]).filter { !$0.hasPrefix("import") }
      let found = source.indices.contains { source[$0...].starts(with: snippet) }
      #expect(found, "\(function): not in this file: \(snippet.joined(separator: "\n"))")
    }
  }

  /// Code without indentation and the comments behind it.
  private func lines(_ text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let code = (line.components(separatedBy: " //").first ?? "").trimmingCharacters(in: .whitespaces)
      return code.isEmpty || code.hasPrefix("//") ? nil : code
    }
  }
}
