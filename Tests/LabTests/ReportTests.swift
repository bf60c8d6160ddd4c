import Foundation
import Testing

@testable import Lab

@Suite struct ReportTests {
  private static let hostile = "</script><script>alert('x')</script>&\"\u{0}"

  private func html(_ blocks: [ReportBlock], scripts: ChartScripts? = nil, name: String = "claim") throws -> String {
    let claim = Claim(
      name, statement: "a statement", measured: 1.5, unit: "points", interval: 0.5...2.5, comparison: .atLeast,
      threshold: 1, baseline: name, seeds: 3)
    let record = RunRecord(
      id: "counting-1", experiment: "counting", scale: .standard, seed: 7, options: ["label": .string(name)],
      codeVersion: "v1", machine: Machine(processor: "P", cores: 2, memoryGB: 8, system: "S"), threads: 2,
      started: Date(timeIntervalSince1970: 0), seconds: 65, state: .done, claims: [claim])
    return try Report(paper: Counting().paper, record: record, blocks: blocks, scripts: scripts).html()
  }

  /// Stand-ins for the scripts that draw charts; one has text that would end its element.
  private func scripts() throws -> ChartScripts {
    let folder = try TemporaryFolder()
    for name in ChartScripts.names {
      let text = "/* \(name) */ var s = '</script>';"
      try Data(text.utf8).write(to: folder.url.appending(path: name))
    }
    return try #require(ChartScripts.locate(in: [URL(fileURLWithPath: "/nowhere"), folder.url]))
  }

  @Test func theClaimTableComesFirstAndTheCommandLast() throws {
    let page = try html([.heading("Curves"), .text("Some text.")])
    let claims = try #require(page.firstRange(of: "<table class=\"claims\">"))
    let curves = try #require(page.firstRange(of: "<h2>Curves</h2>"))
    let command = try #require(
      page.firstRange(of: "./pinion reproduce counting --seed 7 --threads 2 --set label=claim"))
    #expect(claims.lowerBound < curves.lowerBound && curves.lowerBound < command.lowerBound)
    #expect(page.contains("<span class=\"verdict holds\">✓ holds</span>"))
    #expect(page.contains("1.5 points<span class=\"note\">0.5 … 2.5</span>"))
    #expect(page.contains("Counting &lt;b&gt;&amp; more&lt;/b&gt;"))
  }

  @Test func nothingThatIsShownBecomesMarkup() throws {
    let text = Self.hostile
    let series = [Chart.Series(text, [.init(0, 1), .init(1, 2)])]
    let blocks: [ReportBlock] = [
      .heading(text), .text(text), .table(ReportTable(columns: [.init(text)], rows: [[text]], caption: text)),
      .image(ReportImage(png: [1], caption: text, description: text)),
      .imageGrid([ReportImage(png: [1], caption: text)], columns: 1, caption: text),
      .chart(
        .layers([.lines(series), .level(1, label: text)], x: .init(text), y: .init(text), title: text), caption: text),
      .chart(.bars([.init(text, group: text, 1)], category: text, value: .init(text)), caption: text),
      .chart(
        .matrix(rows: [text], columns: [text], values: [[1]], row: text, column: text, value: text), caption: text),
    ]
    for scripts in [nil, try scripts()] {
      let page = try html(blocks, scripts: scripts, name: text)
      #expect(!page.contains("<script>alert"))
      #expect(!page.contains("</script><script>alert"))
      #expect(!page.contains("\u{0}"))
      // Elements of scripts: three sources, one that draws, and three specifications.
      let opened = page.ranges(of: "<script").count
      #expect(opened == (scripts == nil ? 0 : 7))
      #expect(page.ranges(of: "</script>").count == opened)
    }
  }

  @Test func soundsArePlayedFromThePage() throws {
    let sounds = [
      ReportAudio(file: [82, 73], caption: "a <voice>"), ReportAudio(file: [1], type: "audio/mpeg\" onerror=\"x"),
    ]
    let page = try html([.audio(sounds, columns: 2, caption: "Two voices.")])
    #expect(page.contains("aria-label=\"a &lt;voice&gt;\" src=\"data:audio/wav;base64,Ukk=\"></audio>"))
    #expect(page.contains("src=\"data:audio/mpeg&quot; onerror=&quot;x;base64,AQ==\""))
    #expect(page.contains("<figcaption>Two voices.</figcaption>"))
    #expect(page.contains("media-src data:"))
  }

  @Test func nothingIsLoadedFromOutside() throws {
    let page = try html([.image(ReportImage(png: [137, 80], width: 40, isPixelated: true))], scripts: scripts())
    #expect(page.contains("default-src 'none'") && !page.contains("unsafe-eval"))
    #expect(page.contains("<img src=\"data:image/png;base64,iVA=\" alt=\"\" width=\"40\" class=\"pixels\">"))
    #expect(!page.contains("src=\"http"))
  }

  @Test func withoutScriptsAChartIsItsNumbers() throws {
    let series = [Chart.Series("TNT", [.init(1, 86.21, interval: 85...87)])]
    let chart = Chart.layers([.lines(series)], x: .init("epoch"), y: .init("accuracy"))
    let page = try html([.chart(chart, caption: "Below it.")])
    #expect(page.contains("The chart scripts weren't found"))
    #expect(
      page.contains(
        "<td>TNT</td><td class=\"right\">1</td><td class=\"right\">86.21</td><td class=\"right\">85 … 87</td>"))
    #expect(page.contains("<figcaption>Below it.</figcaption>"))
    #expect(ChartScripts.locate(in: [URL(fileURLWithPath: "/nowhere")]) == nil)
  }

  @Test func textHasItsFewMarks() {
    let text = "Two **strong** and *soft* words,\nand `a*b*c`.\n\n- one [link](https://x.org/?a=1&b=2)\n- two\nafter"
    #expect(
      Markup.paragraphs(text) == """
        <p>Two <strong>strong</strong> and <em>soft</em> words, and <code>a*b*c</code>.</p>
        <ul>
        <li>one <a href="https://x.org/?a=1&amp;b=2" rel="noreferrer">link</a></li>
        <li>two</li>
        </ul>
        <p>after</p>

        """)
    #expect(Markup.inline("[x](javascript:alert(1)) 2 * 3 * 4 **") == "[x](javascript:alert(1)) 2 * 3 * 4 **")
    #expect(Markup.inline("a < b && `<i>`") == "a &lt; b &amp;&amp; <code>&lt;i&gt;</code>")
  }
}

@Suite struct ChartTests {
  private func fields(_ value: JSONValue?) throws -> [String: JSONValue] {
    guard case .object(let fields) = try #require(value) else { throw UsageError("not an object") }
    return fields
  }

  private func elements(_ value: JSONValue?) throws -> [JSONValue] {
    guard case .array(let elements) = try #require(value) else { throw UsageError("not an array") }
    return elements
  }

  private func values(_ layer: JSONValue) throws -> [JSONValue] {
    try elements(fields(fields(layer)["data"])["values"])
  }

  @Test func linesWithIntervalsHaveABandBelowThem() throws {
    let banded = [Chart.Series("a", [.init(0, 1, interval: 0.5...1.5), .init(1, 2)])]
    let plain = [Chart.Series("b", [.init(0, 1)])]
    let chart = Chart.layers([.lines(banded), .lines(plain)], x: .init("x"), y: .init("y"))
    let layers = try elements(fields(chart.specification)["layer"])
    #expect(layers.count == 3)
    let marks = try layers.map { try fields(fields($0)["mark"])["type"] }
    #expect(marks == ["area", "line", "line"])
    #expect(try values(layers[0])[1] == ["series": "a", "x": 1.0, "y": 2.0, "low": 2.0, "high": 2.0])
    // One colour scale over all layers, in the order of the series.
    let color = try fields(fields(fields(layers[2])["encoding"])["color"])
    #expect(try fields(color["scale"])["domain"] == ["a", "b"])
  }

  @Test func repeatedRunsBecomeAMeanWithABand() {
    let runs: [[(step: Int, value: Double)]] = [[(1, 1), (2, 4), (3, 9)], [(2, 6), (1, 3)], [(1, 5), (2, 5)]]
    let three = Chart.Series("a", meanOf: runs).points
    #expect(three.map(\.x) == [1, 2])
    #expect(three.map(\.y) == [3, 5])
    // scipy.stats.t.interval(0.95, 2, 3, 2 / sqrt(3))
    #expect(abs((three[0].interval?.lowerBound ?? 0) - -1.9682755) < 1e-6)
    #expect(Chart.Series("a", meanOf: Array(runs.prefix(2))).points.map(\.interval) == [1...3, 4...6])
    #expect(Chart.Series("a", meanOf: Array(runs.prefix(1))).points.map(\.interval) == [nil, nil, nil])
    #expect(Chart.Series("a", meanOf: []).points.isEmpty)
  }

  @Test func valuesThatCannotBeDrawnAreLeftOut() throws {
    let series = [
      Chart.Series(
        "a", [.init(.nan, 1), .init(0, 1), .init(1, -1), .init(2, 1, interval: -1...3), .init(3, .infinity)])
    ]
    let chart = Chart.layers(
      [.scatter(series), .level(-1, label: "none"), .level(.nan, label: "none")], x: .init("x"),
      y: .init("y", isLogarithmic: true, domain: 0...1))
    let layers = try elements(fields(chart.specification)["layer"])
    #expect(layers.count == 1)
    #expect(try values(layers[0]).count == 2)
    // A domain that holds zero has no logarithm.
    let y = try fields(fields(fields(layers[0])["encoding"])["y"])
    #expect(try fields(y["scale"]) == ["type": "log", "zero": false])
  }

  @Test func barsFromZeroAreBarsAndOthersAreDots() throws {
    func mark(_ axis: Chart.Axis) throws -> JSONValue? {
      let chart = Chart.bars([.init("a", 86), .init("b", 85)], category: "model", value: axis)
      return try fields(fields(elements(fields(chart.specification)["layer"])[0])["mark"])["type"]
    }
    #expect(try mark(.init("accuracy", includesZero: true)) == "bar")
    #expect(try mark(.init("accuracy", domain: 80...90)) == "point")
  }

  @Test func groupsOfBarsAreFacets() throws {
    let bars = [Chart.Bar("a", group: "g", 1), .init("a", group: "h", 2), .init("b", group: "g", 3)]
    let specification = try fields(Chart.bars(bars, category: "c", value: .init("v")).specification)
    let row = try fields(fields(specification["facet"])["row"])
    #expect(row["sort"] == ["a", "b"])
    #expect(try elements(fields(specification["data"])["values"]).count == 3)
  }

  @Test func titlesCannotLeaveTheirExpressions() throws {
    // Vega-Lite 4.17 writes titles between double quotes into expressions.
    let title = "a\" + alert(1) + \"\\\nb"
    func titles(_ value: JSONValue) -> [String] {
      switch value {
      case .object(let fields):
        fields.flatMap { key, value in
          if key == "title", case .string(let text) = value { [text] } else { titles(value) }
        }
      case .array(let values): values.flatMap(titles)
      default: []
      }
    }
    let charts = [
      Chart.layers([.lines([.init("s", [.init(0, 1)])])], x: .init(title), y: .init(title)),
      .bars([.init("c", 1)], category: title, value: .init(title)),
      .matrix(rows: ["r"], columns: ["c"], values: [[1]], row: title, column: title, value: title),
    ]
    for chart in charts {
      let found = titles(chart.specification).filter { $0.hasPrefix("a") }
      #expect(found.count >= 3)
      #expect(found.allSatisfy { $0 == "a″ + alert(1) + ″∖ b" })
    }
  }

  @Test func aMatrixMayHaveHoles() throws {
    let chart = Chart.matrix(
      rows: ["a", "b"], columns: ["a", "b"], values: [[1, .nan], [2]], row: "true", column: "guess", value: "count")
    let specification = try fields(chart.specification)
    #expect(try elements(fields(specification["data"])["values"]).count == 2)
    #expect(chart.table.rows == [["a", "1", "nan"], ["b", "2"]])
  }
}
