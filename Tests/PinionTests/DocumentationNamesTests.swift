import Foundation
import Testing

/// The table of `Documentation/jax.md` names what is there.
@Suite struct DocumentationNamesTests {
  @Test func everyNameIsPublic() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..")
    let page = try String(contentsOf: root.appending(path: "Documentation/jax.md"), encoding: .utf8)
    var declared: Set<String> = []
    let files = FileManager.default.enumerator(atPath: root.appending(path: "Sources/Pinion").path)
    for case let path as String in try #require(files) where path.hasSuffix(".swift") {
      let source = try String(contentsOf: root.appending(path: "Sources/Pinion/\(path)"), encoding: .utf8)
      for match in source.matches(of: /(?:func|var) (\w+)/) { declared.insert(String(match.1)) }
    }
    var count = 0
    for line in page.split(separator: "\n") where line.hasPrefix("| `") {
      let cells = line.split(separator: "|").map(String.init)
      for match in try #require(cells.dropFirst().first).matches(of: /`(\w+)`/) {
        count += 1
        #expect(declared.contains(String(match.1)), "\(match.1) isn't declared in Sources/Pinion")
      }
    }
    #expect(count > 200)
  }
}
