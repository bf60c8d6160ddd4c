import Formats

/// VTK's legacy format in ASCII: polygons with numbers at their points. ParaView, VMD and PyVista read it.
enum VTKFile {
  static func read(_ bytes: [UInt8], _ path: String) throws -> MeshFile {
    // The second line is free text, so nothing is a comment.
    var lines = FieldLines(bytes, path: path, comment: nil)
    let first = try lines.expect("# vtk DataFile Version")
    guard first.map(lines.text).starts(with: ["#", "vtk", "DataFile", "Version"]) else {
      throw FormatError(path, "isn't a legacy VTK file: doesn't begin with '# vtk DataFile Version'")
    }
    var words = Words(lines)
    words.skipLine()
    let coding = try words.word("ASCII").uppercased()
    guard coding == "ASCII" else {
      throw words.error("is \(coding.prefix(20)), only ASCII is read; ParaView and meshio convert it")
    }
    guard try words.word("DATASET").uppercased() == "DATASET", try words.word("POLYDATA").uppercased() == "POLYDATA"
    else { throw words.error("expected DATASET POLYDATA") }
    var (list, fields, isPointData, polygons) = (TriangleList(), [ScalarField](), false, [[Int]]())
    while let keyword = words.next() {
      switch keyword.uppercased() {
      case "POINTS":
        let count = try words.count("points")
        _ = try words.word("the points' type")
        for i in 0..<count {
          list.vertices.append(
            SIMD3(
              try words.number("x of point \(i)"), try words.number("y of point \(i)"),
              try words.number("z of point \(i)")))
        }
      case "POLYGONS": polygons = try polygonList(&words)
      case "POINT_DATA":
        guard try words.count("values") == list.vertices.count else {
          throw words.error("POINT_DATA isn't for all points")
        }
        isPointData = true
      case "CELL_DATA":
        // Numbers at triangles aren't kept.
        isPointData = false
        words.skipAll()
      case "SCALARS" where isPointData:
        let (name, rest) = (try words.word("a name"), words.restOfLine())
        guard rest.count < 2 || rest[1] == "1" else { throw words.error("'\(name)' has \(rest[1]) numbers a point") }
        guard try words.word("LOOKUP_TABLE").uppercased() == "LOOKUP_TABLE" else {
          throw words.error("expected LOOKUP_TABLE")
        }
        _ = try words.word("a table's name")
        fields.append(
          ScalarField(name, try (0..<list.vertices.count).map { try words.number("value \($0) of '\(name)'") }))
      case "FIELD" where isPointData:
        _ = try words.word("a name")
        for _ in 0..<(try words.count("fields")) {
          let (name, width) = (try words.word("a name"), try words.count("components"))
          let tuples = try words.count("tuples")
          _ = try words.word("the values' type")
          let (total, overflow) = width.multipliedReportingOverflow(by: tuples)
          guard !overflow, total <= bytes.count else { throw words.error("'\(name)' has more values than the file") }
          let values = try (0..<total).map { try words.number("value \($0) of '\(name)'") }
          if width == 1, tuples == list.vertices.count { fields.append(ScalarField(name, values)) }
        }
      case "NORMALS" where isPointData, "VECTORS" where isPointData:
        _ = words.restOfLine()
        for i in 0..<(3 * list.vertices.count) { _ = try words.number("component \(i)") }
      case "METADATA", "VERTICES", "LINES": words.skipSection()
      default: throw words.error("'\(keyword.prefix(40))' isn't expected here")
      }
    }
    for polygon in polygons { try list.add(polygon) { FormatError(path, $0) } }
    return MeshFile(try list.mesh(path), fields: fields)
  }

  /// Versions to 4 count the corners before each polygon; version 5 has offsets and corners.
  private static func polygonList(_ words: inout Words) throws -> [[Int]] {
    let (first, second) = (try words.count("polygons"), try words.count("numbers"))
    guard words.peek()?.uppercased() == "OFFSETS" else {
      return try (0..<first).map { i in
        let corners = try words.count("corners of polygon \(i)")
        return try (0..<corners).map { _ in try words.whole("a vertex of polygon \(i)") }
      }
    }
    _ = (try words.word("OFFSETS"), try words.word("a type"))
    let offsets = try (0..<first).map { try words.whole("offset \($0)") }
    guard try words.word("CONNECTIVITY").uppercased() == "CONNECTIVITY" else {
      throw words.error("expected CONNECTIVITY")
    }
    _ = try words.word("a type")
    let corners = try (0..<second).map { try words.whole("corner \($0)") }
    return try zip(offsets, offsets.dropFirst()).map { start, end in
      guard start >= 0, start <= end, end <= corners.count else { throw words.error("offsets don't rise to \(second)") }
      return Array(corners[start..<end])
    }
  }

  /// Words without regard to lines.
  private struct Words {
    private var lines: FieldLines
    private var fields: ArraySlice<ArraySlice<UInt8>> = []

    init(_ lines: FieldLines) { self.lines = lines }

    func error(_ message: String) -> FormatError { lines.error(message) }

    private mutating func field() -> ArraySlice<UInt8>? {
      if fields.isEmpty { fields = lines.next().map { $0[...] } ?? [] }
      return fields.popFirst()
    }

    mutating func next() -> String? { field().map(lines.text) }

    mutating func peek() -> String? {
      if fields.isEmpty { fields = lines.next().map { $0[...] } ?? [] }
      return fields.first.map(lines.text)
    }

    mutating func word(_ what: String) throws -> String {
      guard let word = next() else { throw FormatError(lines.path, "ends early, expected \(what)") }
      return word
    }

    mutating func number(_ what: @autoclosure () -> String) throws -> Double {
      guard let field = field() else { throw FormatError(lines.path, "ends early, expected \(what())") }
      return try lines.number(field, what())
    }

    mutating func whole(_ what: @autoclosure () -> String) throws -> Int {
      guard let field = field() else { throw FormatError(lines.path, "ends early, expected \(what())") }
      return try lines.whole(field, what())
    }

    /// A number of things that follow, each of which takes two bytes at least.
    mutating func count(_ what: String) throws -> Int {
      let count = try whole("the number of \(what)")
      guard (0...lines.bytes.count).contains(count) else {
        throw error("announces \(count) \(what), more than the file can have")
      }
      return count
    }

    mutating func restOfLine() -> [String] {
      defer { fields = [] }
      return fields.map(lines.text)
    }

    mutating func skipLine() { fields = lines.next().map { _ in [] } ?? [] }

    mutating func skipAll() { while field() != nil {} }

    /// To the next keyword of a section that matters.
    mutating func skipSection() {
      while let word = peek()?.uppercased(), !["POLYGONS", "POINT_DATA", "CELL_DATA"].contains(word) { _ = field() }
    }
  }

  static func text(_ file: MeshFile) -> String {
    let (mesh, fields) = (file.mesh, file.fields)
    var text = "# vtk DataFile Version 3.0\nsurface, lengths in angstrom\nASCII\nDATASET POLYDATA\n"
    text += "POINTS \(mesh.vertices.count) double\n"
    for p in mesh.vertices { text += "\(p.x) \(p.y) \(p.z)\n" }
    text += "POLYGONS \(mesh.triangles.count) \(4 * mesh.triangles.count)\n"
    for t in mesh.triangles { text += "3 \(t.x) \(t.y) \(t.z)\n" }
    if !fields.isEmpty { text += "POINT_DATA \(mesh.vertices.count)\n" }
    for field in fields {
      text += "SCALARS \(field.name.word) double 1\nLOOKUP_TABLE default\n"
      for value in field.values { text += "\(value)\n" }
    }
    return text
  }
}
