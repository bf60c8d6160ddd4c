import Formats
import Foundation
import Testing

@testable import Lab

@Suite struct SurfacePictureTests {
  /// An octahedron whose values are the height.
  private let vertices: [SIMD3<Double>] = [
    [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1],
  ]
  private let triangles: [SIMD3<Int32>] = [
    [0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5],
  ]
  private let values: [Double] = [0, 0, 5, -5, 0, 0]

  private func picture() throws -> SurfacePicture {
    try SurfacePicture(
      vertices: vertices.map { 7 * $0 + [100, 0, 0] }, triangles: triangles, values: values, name: "height",
      unit: "m & more", description: "An octahedron <blue above>")
  }

  @Test func pageHasPictureDataBarAndScript() throws {
    let blocks: [ReportBlock] = [.surface(try picture(), caption: "It *turns*")]
    let page = try ReportBlock.page(blocks, title: "t")
    for part in [
      "alt=\"An octahedron &lt;blue above&gt;\"", "data-surface=\"surface-1\"", "height, m &amp; more", "−5", "+5",
      "drawSurfaces(document)", "It <em>turns</em>", "data-unit=\"m &amp; more\"",
    ] { #expect(page.contains(part), "\(part)") }
    #expect(!page.contains("http://") && !page.contains("src=\"https"))
    #expect(try !ReportBlock.page([.text("x")], title: "t").contains("drawSurfaces"))
    // Kept with its run and read again.
    let coded = try JSONDecoder().decode([ReportBlock].self, from: JSONEncoder().encode(blocks))
    #expect(try ReportBlock.page(coded, title: "t") == page)
  }

  @Test func pictureShowsColoursWhereTheValuesAre() throws {
    var renderer = try SurfaceRenderer(vertices: vertices, triangles: triangles, values: values)
    #expect(renderer.limit == 5)
    renderer.turn = [0, 0]
    let image = try renderer.picture(width: 80, height: 60)
    func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(image.bytes[4 * (y * 80 + x)..<4 * (y * 80 + x) + 4]) }
    #expect(pixel(2, 2)[3] == 0)
    let (above, below) = (pixel(40, 6), pixel(40, 53))
    #expect(above[3] == 255 && below[3] == 255)
    #expect(above[2] > above[0] && below[0] > below[2], "blue above, red below")
    let middle = pixel(40, 30)
    #expect(middle[0] > 150 && abs(Int(middle[0]) - Int(middle[2])) < 12, "white between")
    // With its bar the picture has a ground.
    let whole = try renderer.picture(width: 200, height: 200, bar: "height, m")
    #expect(whole.bytes[0] == 255 && whole.bytes[3] == 255)
    let bar = (0..<200).map { Array(whole.bytes[4 * (150 * 200 + $0)..<4 * (150 * 200 + $0) + 3]) }
    #expect(bar[40][0] > bar[40][2] && bar[160][2] > bar[160][0])
  }

  /// A nearer triangle hides a farther one, whichever comes first.
  @Test func nearerHidesFarther() throws {
    let vertices: [SIMD3<Double>] = [
      [-1, -1, 0], [1, -1, 0], [0, 1, 0], [-1, -1, 0.5], [1, -1, 0.5], [0, 1, 0.5],
    ]
    for order in [[0, 1], [1, 0]] {
      let triangles: [SIMD3<Int32>] = order.map { [Int32(3 * $0), Int32(3 * $0 + 1), Int32(3 * $0 + 2)] }
      var renderer = try SurfaceRenderer(vertices: vertices, triangles: triangles, values: [-1, -1, -1, 1, 1, 1])
      renderer.turn = [0, 0]
      let image = try renderer.picture(width: 40, height: 40)
      let place = 4 * (20 * 40 + 20)
      #expect(image.bytes[place + 2] > image.bytes[place], "the blue one is nearer")
    }
  }

  @Test func badInputIsSaid() {
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)" }
      return ""
    }
    #expect(
      message { _ = try SurfaceRenderer(vertices: vertices, triangles: triangles, values: [1]) }
        == "1 values for 6 vertices of a surface")
    for (values, triangles) in [
      ([0, 0, 0, 0, 0, Double.nan], self.triangles), ([0, 0, 0, 0, 0, 0], [SIMD3<Int32>(0, 1, 6)]),
    ] {
      #expect(
        message { _ = try SurfaceRenderer(vertices: vertices, triangles: triangles, values: values) }
          .contains("can't be drawn"))
    }
    #expect(message { _ = try SurfaceRenderer(vertices: [], triangles: [], values: []) }.contains("can't be drawn"))
  }
}
