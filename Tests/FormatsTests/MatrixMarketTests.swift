import Testing

@testable import Formats

@Suite struct MatrixMarketTests {
  @Test func coordinatesAndArrays() throws {
    let sparse = try MatrixMarket(
      parsing: "%%MatrixMarket matrix coordinate real general\n% a comment\n\n3 2 2\r\n1 2 0.5\n3 1 -2e1\n\n% end\n")
    #expect((sparse.rows, sparse.columns, sparse.symmetry) == (3, 2, .general))
    #expect(sparse.entries.map { [Double($0.row), Double($0.column), $0.value] } == [[0, 1, 0.5], [2, 0, -20]])
    #expect(sparse.entries.map(\.line) == [5, 6])
    let pattern = try MatrixMarket(parsing: "%%matrixmarket MATRIX coordinate pattern symmetric\n2 2 1\n2 1\n")
    #expect(pattern.symmetry == .symmetric && pattern.entries.first?.value == 1)
    let array = try MatrixMarket(parsing: "%%MatrixMarket matrix array integer general\n2 2\n1\n2\n3\n4\n")
    #expect(array.entries.map(\.value) == [1, 2, 3, 4])
    #expect(array.entries.map { [$0.row, $0.column] } == [[0, 0], [1, 0], [0, 1], [1, 1]])
    let lower = try MatrixMarket(parsing: "%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3")
    #expect(lower.entries.map { [$0.row, $0.column] } == [[0, 0], [1, 0], [1, 1]])
    let skew = try MatrixMarket(parsing: "%%MatrixMarket matrix array real skew-symmetric\n2 2\n7\n")
    #expect(skew.entries.map { [$0.row, $0.column] } == [[1, 0]])
    #expect(try MatrixMarket(parsing: "%%MatrixMarket matrix coordinate real general\n0 0 0\n").entries.isEmpty)
  }

  @Test(arguments: [
    ("", "m:1: isn't a Matrix Market file"), ("%%MatrixMarket tensor coordinate real general", "isn't a Matrix Market"),
    ("%%MatrixMarket matrix list real general", "format list, expected coordinate or array"),
    ("%%MatrixMarket matrix coordinate complex general", "numbers are complex"),
    ("%%MatrixMarket matrix coordinate real hermitian", "symmetry hermitian"),
    ("%%MatrixMarket matrix array pattern general", "can't be a pattern"),
    ("%%MatrixMarket matrix coordinate real general\n", "m: ends early"),
    ("%%MatrixMarket matrix coordinate real general\n2 2", "m:2: expected rows, columns and entries"),
    ("%%MatrixMarket matrix coordinate real general\n2 x 1", "m:2: expected whole numbers"),
    ("%%MatrixMarket matrix coordinate real symmetric\n2 3 1\n", "a symmetric matrix is square"),
    ("%%MatrixMarket matrix coordinate real general\n2 2 99999999999\n", "the file is too short"),
    ("%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n", "ends early: 1 entries are missing"),
    ("%%MatrixMarket matrix coordinate real general\n2 2 1\n3 1 1\n", "m:3: place (3, 1) isn't in a matrix of 2 x 2"),
    ("%%MatrixMarket matrix coordinate real general\n2 2 1\n0 1 1\n", "place (0, 1) isn't in"),
    ("%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n1 2 1\n", "lies above the diagonal"),
    ("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 one\n", "m:3: 'one' isn't a number"),
    ("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1\n", "expected row, column and value"),
    ("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 1\n2 2 1\n", "m:4: goes on behind the last entry"),
    ("%%MatrixMarket matrix array real general\n2000000 2000000\n1\n", "the file is too short"),
  ])
  func badFilesGetOneLine(text: String, expected: String) {
    do {
      _ = try MatrixMarket(parsing: text, file: "m")
      Issue.record("expected an error")
    } catch {
      #expect("\(error)".contains(expected) && !"\(error)".contains("\n"), "\(error)")
    }
  }
}
