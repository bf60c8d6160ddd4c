/// Parts of a report that show statements.
public enum StatementReport {
  /// A statement's flow graph, theme bars, measures and findings.
  public static func blocks(_ entry: DatasetRegistry.Entry) -> [ReportBlock] {
    let graph = FlowGraph(entry.statement)
    var blocks: [ReportBlock] = []
    if !graph.stakeholders.isEmpty {
      blocks.append(
        .drawing(
          graph.drawing(),
          caption:
            "Who gives (orange), who holds and decides, who receives (green) of **\(entry.info.title)**. Above the "
            + "waterline are those whom its documentation shows. Regions are the statement's own words."))
    }
    blocks += [
      .chart(
        completeness([(entry.info.name, entry.measures)]),
        caption:
          "Known answers of those that apply. Unknown counts as missing; what doesn't apply has a reason and isn't counted."
      ),
      .table(measures([entry])), .heading("Findings for \(entry.info.title)"), .table(findings(entry.findings)),
    ]
    return blocks
  }

  /// Known answers by theme, a bar for each statement.
  public static func completeness(_ statements: [(name: String, measures: StatementMeasures)]) -> Chart {
    .bars(
      statements.flatMap { name, measures in
        Theme.allCases.compactMap { theme -> Chart.Bar? in
          guard let own = measures.completeness[theme], own.applicable > 0 else { return nil }
          return .init(theme.title, group: statements.count > 1 ? name : "", own.share * 100)
        }
      }, category: "theme", value: .init("known answers, percent", includesZero: true, domain: 0...100),
      title: "How much is known")
  }

  /// Shares and concentrations of statements.
  public static func measures(_ entries: [DatasetRegistry.Entry]) -> ReportTable {
    func number(_ value: Double?) -> String { value.map(Format.short) ?? "–" }
    func percent(_ value: Double?) -> String { value.map { "\(Format.short($0 * 100)) %" } ?? "unknown" }
    return ReportTable(
      columns: [
        .init("data set"), .init("known", .right), .init("decisions: Gini", .right), .init("effective number", .right),
        .init("where data arose", .right), .init("benefits: Gini", .right), .init("effective number", .right),
        .init("where data arose", .right),
      ],
      rows: entries.map { entry in
        let (m, total) = (entry.measures, entry.measures.total)
        return [
          entry.info.name, "\(total.known) of \(total.applicable)", number(m.decisions.gini),
          number(m.decisions.effectiveNumber), percent(m.decisions.localShare), number(m.benefits.gini),
          number(m.benefits.effectiveNumber), percent(m.benefits.localShare),
        ]
      },
      caption:
        "Over the stakeholders of a statement: Gini is 0 where all have alike; the effective number is how many equal "
        + "ones would be as unequal. These describe the statement and aren't merged into one.")
  }

  /// Findings with what to ask and to do.
  public static func findings(_ findings: [Finding]) -> ReportTable {
    ReportTable(
      columns: [.init("severity"), .init("theme"), .init("finding"), .init("ask"), .init("do")],
      rows: findings.isEmpty
        ? [["–", "", "no rule applies", "", ""]]
        : findings.map { [$0.severity.rawValue, $0.theme.title, $0.text, $0.question, $0.remedy] })
  }

  /// Which themes each instrument has fields for.
  public static func coverage() -> [ReportBlock] {
    let instruments = Coverage.Instrument.allCases
    let values = Theme.ofPaper.map { theme in
      instruments.map { instrument in
        let (covered, all) = Coverage.count(theme, instrument)
        return (100 * Double(covered) / Double(all)).rounded()
      }
    }
    let rows = Coverage.aspects.map { aspect in
      [aspect.theme.title, aspect.text] + instruments.map { aspect.field($0) ?? "–" }
    }
    return [
      .chart(
        .matrix(
          rows: Theme.ofPaper.map(\.title), columns: instruments.map(\.rawValue), values: values, row: "theme",
          column: "instrument", value: "aspects with a field, percent", title: "Which themes have fields"),
        caption:
          "Percent of a theme's aspects for which the instrument has a field, by its list of fields; what comes near counts."
      ),
      .table(
        ReportTable(
          columns: [.init("theme"), .init("aspect")] + instruments.map { .init($0.rawValue) }, rows: rows,
          caption:
            "Fields as named in the instruments, shortened. Datasheets for Datasets (Gebru et al., 2021), Data Statements for "
            + "NLP (Bender and Friedman, 2018), Dataset Nutrition Label, second generation (Chmielinski et al., 2022), "
            + "Croissant RAI 1.0 (2024).")),
    ]
  }

  /// A page on one data set that opens offline.
  ///
  /// - Throws: `EncodingError`.
  public static func page(_ entry: DatasetRegistry.Entry, scripts: ChartScripts? = ChartScripts.locate()) throws
    -> String
  {
    Page(content: try content(entry, drawsCharts: scripts != nil), scripts: scripts).html
  }

  /// What that page says.
  ///
  /// - Parameter drawsCharts: whether the page can draw charts; without, they are tables.
  /// - Throws: `EncodingError`.
  public static func content(_ entry: DatasetRegistry.Entry, drawsCharts: Bool) throws -> ReportContent {
    let info = entry.info
    let counts = Severity.allCases.map { severity in
      "\(entry.findings.count { $0.severity == severity }) \(severity.rawValue)"
    }
    let header = """
      <header>
      <p class="kicker">Pinion · data statement · \(Markup.escape(info.name))</p>
      <h1>\(Markup.escape(info.title))</h1>
      <p class="lead">\(Markup.escape(entry.statement[.description].text ?? "What is in it isn't said yet."))</p>
      <p class="credits">Findings: \(counts.joined(separator: ", "))</p>
      </header>

      """
    var markup = BlockMarkup(drawsCharts: drawsCharts)
    var parts = blocks(entry) + [.heading("The statement")]
    for theme in Theme.allCases {
      let rows = StatementField.allCases.filter { $0.theme == theme }.map { field -> [String] in
        let answer = entry.statement[field]
        let asked = entry.statement.answers[field] != nil
        return [field.question.text, asked ? answer.inWords : "not asked yet"]
      }
      parts.append(.text("**\(theme.title)**. \(theme.asks)"))
      parts.append(.table(ReportTable(columns: [.init("question"), .init("answer")], rows: rows)))
    }
    let body = try parts.map { try markup.html($0) }.joined()
    return ReportContent(
      title: "\(info.title): data statement", header: header,
      body: "<section class=\"blocks\">\n\(body)</section>\n",
      footer:
        "<p class=\"note\">An audit built from the themes of arXiv 2103.01168; not a tool of its authors.</p>\n",
      hasCharts: markup.charts > 0)
  }
}
