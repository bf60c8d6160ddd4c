import Formats
import Foundation
import Pinion
import Testing

@testable import Lab
@testable import Papers

@Suite struct SpectralGraphTests {
  private func random(_ n: Int, _ d: Int, seed: UInt64 = 0) throws -> Points {
    try Points(Key(seed).normal([n, d], dtype: .float64).array(of: Double.self), dimension: d)
  }

  /// Both searches against all distances; equal distances go by number.
  @Test func neighboursAreThoseOfAllDistances() throws {
    // A grid has many equal distances, and some points are there twice.
    let grid = (0..<60).flatMap { [Double($0 % 8), Double($0 / 8 % 5)] }
    for points in [try random(90, 3), try Points(grid, dimension: 2), try random(40, 20, seed: 1)] {
      let n = points.count
      let expected = (0..<n).map { i in
        (0..<n).filter { $0 != i }.sorted {
          (points.squaredDistance(i, to: points, $0), $0) < (points.squaredDistance(i, to: points, $1), $1)
        }.prefix(5)
      }
      let tree = try Neighbors(points, k: 5, search: .kdTree)
      #expect((0..<n).allSatisfy { tree.indices[$0 * 5..<$0 * 5 + 5].elementsEqual(expected[$0].map { Int32($0) }) })
      let blocks = try Neighbors(points, k: 5, search: .brute)
      #expect(blocks.squaredDistances == tree.squaredDistances)
    }
    let (points, queries) = (try random(70, 2), try random(9, 2, seed: 4))
    let tree = try Neighbors(of: queries, among: points, k: 3, search: .kdTree)
    let blocks = try Neighbors(of: queries, among: points, k: 3, search: .brute)
    #expect(tree.indices == blocks.indices && tree.squaredDistances == blocks.squaredDistances)
    #expect(tree.indices.count == 27)
    let pairs = try KDTree(points).pairs(within: 0.5)
    let close = (0..<70).flatMap { i in
      (i + 1..<70).filter { points.squaredDistance(i, to: points, $0) <= 0.25 }.map { [i, $0] }
    }
    #expect(Set(pairs.map { [Int($0.0), Int($0.1)] }) == Set(close) && pairs.count == close.count)
    #expect(throws: UsageError.self) { try Neighbors(points, k: 70) }
  }

  @Test func sparseMatricesJoinDirections() throws {
    let (from, to): ([Int32], [Int32]) = ([0, 1, 1, 2, 2], [1, 0, 2, 2, 3])
    let ones = [Double](repeating: 1, count: 5)
    let mean = try SparseMatrix(count: 5, from: from, to: to, weights: ones, joining: .mean)
    #expect(mean.dense == [0, 1, 0, 0, 0, 1, 0, 0.5, 0, 0, 0, 0.5, 0, 0.5, 0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0])
    let mutual = try SparseMatrix(count: 5, from: from, to: to, weights: ones, joining: .mutual)
    #expect(mutual.entryCount == 2 && mutual.degrees == [1, 1, 0, 0, 0])
    #expect(mean.components.count == 2 && mean.components.labels == [0, 0, 0, 0, 1])
    #expect(throws: UsageError.self) { try SparseMatrix(count: 2, edges: [(0, 2, 1)]) }
    #expect(throws: UsageError.self) { try SparseMatrix(count: 2, edges: [(0, 1, -1)]) }
    #expect(throws: UsageError.self) { try SparseMatrix(count: 2, edges: [(0, 1, .nan)]) }
    #expect(throws: UsageError.self) { try SparseMatrix(count: 0, edges: []) }
  }

  /// A hub with 300 neighbours, rows of all widths, and vertices without any.
  @Test func sparseProductsAreThoseOfTheMatrix() throws {
    let n = 320
    var edges = (1..<300).map { (0, $0, 1 + Double($0) / 100) }
    for i in 1..<200 { for j in 1...(1 + i % 7) where i + j < 300 { edges.append((i, i + j, 0.5)) } }
    let matrix = try SparseMatrix(count: n, edges: edges)
    let diagonal = (0..<n).map { Double($0 % 3) }
    let product = SparseOperator(matrix, diagonal: diagonal)
    let x = try Key(1).normal([n, 2], dtype: .float64).array(of: Double.self)
    let arranged = Tensor(product.arranged(x, width: 2), shape: [n, 2])
    let y = product.restored(try product(arranged).array(of: Double.self), width: 2)
    let whole = Tensor(matrix.dense, shape: [n, n]) + Tensor(diagonal).diagonalMatrix()
    let expected = try whole.matmul(Tensor(x, shape: [n, 2])).array(of: Double.self)
    #expect(zip(y, expected).allSatisfy { abs($0 - $1) < 1e-11 * (1 + abs($1)) })
  }

  @Test func affinities() throws {
    let points = try random(24, 2)
    func matrix(_ options: SimilarityOptions) throws -> [Double] {
      try SimilarityGraph(points, options).matrix.array(of: Double.self)
    }
    for affinity in Affinity.allCases where affinity != .precomputed {
      let graph = try SimilarityGraph(points, SimilarityOptions(affinity, nNeighbors: 6))
      let w = try graph.matrix.array(of: Double.self)
      for i in 0..<24 {
        #expect(w[i * 24 + i] == 0, "\(affinity)")
        for j in 0..<i { #expect(abs(w[i * 24 + j] - w[j * 24 + i]) < 1e-14 && w[i * 24 + j] >= 0, "\(affinity)") }
        #expect(abs(w[i * 24..<(i + 1) * 24].reduce(0, +) - graph.degrees[i]) < 1e-12)
      }
    }
    let d = points.squaredDistance(3, to: points, 7)
    #expect(abs(try matrix(SimilarityOptions(.rbf, gamma: 0.7))[3 * 24 + 7] - exp(-0.7 * d)) < 1e-12)
    let seventh = try Neighbors(points, k: 7)
    let (s, t) = (seventh.squaredDistances[3 * 7 + 6].squareRoot(), seventh.squaredDistances[7 * 7 + 6].squareRoot())
    #expect(abs(try matrix(SimilarityOptions(.selfTuning))[3 * 24 + 7] - exp(-d / (s * t))) < 1e-12)
    var epsilon = SimilarityOptions(.epsilon, gamma: 1)
    epsilon.epsilon = d.squareRoot() * 1.0001
    #expect(abs(try matrix(epsilon)[3 * 24 + 7] - exp(-d)) < 1e-12)
    epsilon.epsilon = d.squareRoot() * 0.9999
    #expect(try matrix(epsilon)[3 * 24 + 7] == 0)
    let (a, b) = (Array(points[3]), Array(points[7]))
    let cosine = (a[0] * b[0] + a[1] * b[1]) / (hypot(a[0], a[1]) * hypot(b[0], b[1]))
    #expect(abs(try matrix(SimilarityOptions(.cosine))[3 * 24 + 7] - max(0, cosine)) < 1e-12)
  }

  @Test func whatCannotBeUsedIsSaid() throws {
    let points = try random(10, 2)
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)" }
      return ""
    }
    #expect(message { _ = try Points([1, .nan], dimension: 2) }.contains("point 1, coordinate 2 is nan"))
    #expect(message { _ = try Points([1, 1e200], dimension: 1) }.contains("point 2, coordinate 1"))
    #expect(message { _ = try Points([], dimension: 2) }.contains("aren't points"))
    #expect(
      message { _ = try SimilarityGraph(points, SimilarityOptions(nNeighbors: 11)) }.contains("n_neighbors is 11"))
    #expect(message { _ = try SimilarityGraph(points, SimilarityOptions(.rbf, gamma: -1)) }.contains("gamma is -1"))
    #expect(message { _ = try SimilarityGraph(points, SimilarityOptions(.precomputed)) }.contains("takes edges"))
    let many = try Points([Double](repeating: 0, count: 20_000), dimension: 1)
    #expect(
      message { _ = try SimilarityGraph(many, SimilarityOptions(.rbf)) }
        == "affinity rbf of 20000 points takes 3 GB, the limit is 10000 points; use --affinity nearest_neighbors, or "
        + "--landmarks")
    let graph = try SimilarityGraph(points)
    #expect(message { _ = try SpectralEmbedding(graph, components: 11) }.contains("11 eigenvectors"))
    #expect(message { _ = try SpectralEmbedding(graph, components: 2, solver: .lanczos) }.contains("use dense"))
    #expect(message { _ = try SpectralClustering(graph, SpectralOptions(clusters: 11)) }.contains("n_clusters is 11"))
    #expect(message { _ = try KMeans(11)(points.tensor) }.contains("n_clusters is 11, but there are 10 points"))
    #expect(message { _ = try Baselines.ward(points, clusters: 0) }.contains("n_clusters is 0"))
  }

  // MARK: Files

  @Test func filesOfPointsAndGraphs() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "spectral-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func read(_ name: String, _ text: String, edges: Bool = false, labels: String? = nil) throws -> SpectralInput {
      let path = folder.appending(path: name).path
      try File.write(text, to: path)
      return try SpectralInput(path: path, isEdgeList: edges, classColumn: labels)
    }
    func message(_ name: String, _ text: String, edges: Bool = false, labels: String? = nil) -> String {
      do { _ = try read(name, text, edges: edges, labels: labels) } catch {
        return "\(error)".replacing(folder.path + "/", with: "")
      }
      return ""
    }
    let plain = try read("a.csv", "1,2\n3,4\n\n5,6\n")
    #expect(try plain.points(for: "x").values == [1, 2, 3, 4, 5, 6] && plain.names == ["1", "2", "3"])
    let named = try read("b.csv", "x,kind,y\n1,cat,2\n3,dog,4\n", labels: "kind")
    #expect(try named.points(for: "x").values == [1, 2, 3, 4] && named.truth == [0, 1])
    let numbered = try read("c.csv", "1,a\n2,b\n", labels: "2")
    #expect(try numbered.points(for: "x").values == [1, 2] && numbered.classes == ["a", "b"])
    let path = folder.appending(path: "d.npy").path
    try NumPy.write(Tensor([[1, 2], [3, 4]] as [[Float]]), to: path)
    #expect(try SpectralInput(path: path).points(for: "x").values == [1, 2, 3, 4])
    let edges = try read("e.edges", "# friends\nann bob\nbob cid 2.5\nbob ann 1\n")
    guard case .graph(let graph) = edges.content else { throw UsageError("expected a graph") }
    #expect(edges.names == ["ann", "bob", "cid"] && graph.dense == [0, 1, 0, 1, 0, 2.5, 0, 2.5, 0])
    let market = try read("f.mtx", "%%MatrixMarket matrix coordinate real symmetric\n3 3 3\n1 1 9\n2 1 0.5\n3 2 1\n")
    guard case .graph(let other) = market.content else { throw UsageError("expected a graph") }
    #expect(other.dense == [0, 0.5, 0, 0.5, 0, 1, 0, 1, 0])

    #expect(message("a.csv", "x,y\n1,2\n3,nan\n") == "a.csv:3: column 'y': 'nan' isn't a number within ±1e100")
    #expect(message("a.csv", "1,2\n3,x\n") == "a.csv:2: column 2: 'x' isn't a number within ±1e100")
    #expect(message("a.csv", "1,2\n3\n").hasPrefix("a.csv:2: 1 fields"))
    #expect(message("a.csv", "") == "a.csv: is empty, expected points")
    #expect(message("a.csv", "x,y\n") == "a.csv: has names of columns and no points")
    #expect(message("a.csv", "x,y\n1,2\n", labels: "z") == "a.csv: has no column 'z'; it has x, y")
    #expect(message("a.csv", "k\nz\n", labels: "k") == "a.csv: has no column besides the classes")
    #expect(message("a.doc", "").hasPrefix("a.doc: expected points (.csv"))
    #expect(message("a.dat", "a b c d\n", edges: true) == "a.dat:1: 4 fields, expected two names and a weight or none")
    #expect(message("a.edges", "a b\na b 2\n") == "a.edges:2: the edge a b had weight 1.0 before, now 2.0")
    #expect(message("a.edges", "a b -1\n").hasPrefix("a.edges:1: weight '-1'"))
    #expect(message("a.edges", "# nothing\n") == "a.edges: has no edges")
    let general = "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 1\n2 1 3\n"
    #expect(message("a.mtx", general).contains("isn't symmetric: ("))
    #expect(
      message("a.mtx", "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 2 1\n").contains("a square matrix"))
    #expect(message("a.mtx", general.replacing("1 2 1", with: "1 2 -1")).contains(":3: similarity -1.0"))
  }
}
