extension FlowGraph {
  private static let rowHeight = 58.0
  private static let top = 42.0
  private static let waterGap = 34.0
  private static let nameWidth = 210.0
  private static let boxWidth = 158.0
  private static let columnGap = 66.0

  /// Who gives, who holds and decides, who receives, a row for each stakeholder: those whom readers see above the
  /// waterline, the others below it.
  public func drawing() -> Drawing {
    let order = stakeholders.indices.sorted { a, b in
      (stakeholders[a].isVisible ? 0 : 1, a) < (stakeholders[b].isVisible ? 0 : 1, b)
    }
    let visible = order.count { stakeholders[$0].isVisible }
    let y = Dictionary(
      uniqueKeysWithValues: order.enumerated().map { row, one in
        (one, Self.top + Double(row) * Self.rowHeight + (row >= visible ? Self.waterGap : 0))
      })
    let width = Self.nameWidth + 3 * Self.boxWidth + 2 * Self.columnGap + 8
    let height = Self.top + Double(order.count) * Self.rowHeight + Self.waterGap + 4
    var drawing = Drawing(width: width, height: height, description: text)
    let waterline = Self.top + Double(visible) * Self.rowHeight + Self.waterGap / 2 - 6
    drawing.elements = water(waterline, width, height, hasHidden: visible < order.count) + headings()
    for edge in edges {
      guard let from = y[edge.from], let to = y[edge.to] else { continue }
      let column = edge.isBenefit ? 1 : 0
      drawing.elements.append(
        .arrow(
          x1: x(column) + Self.boxWidth, y1: from + 23, x2: x(column + 1), y2: to + 23,
          stroke: .series(edge.isBenefit ? 3 : 2), width: 1 + 0.9 * Double(edge.what.count), opacity: 0.55))
    }
    for one in order { drawing.elements += row(one, y: y[one] ?? 0) }
    return drawing
  }

  /// The same in words.
  public var text: String {
    guard !stakeholders.isEmpty else { return "Nobody is named who has a part in the data." }
    return stakeholders.map { one in
      "\(one.name) (\(one.region ?? "region unknown"), \(one.isVisible ? "visible" : "hidden")) gives "
        + "\(Self.words(one.contributes)), decides on \(Self.words(one.decides)), receives \(Self.words(one.receives))."
    }.joined(separator: " ")
  }

  private static func words<T: RawRepresentable<String>>(_ values: [T]?) -> String {
    guard let values else { return "unknown" }
    return values.isEmpty ? "nothing" : values.map(\.rawValue).joined(separator: ", ")
  }

  private func x(_ column: Int) -> Double {
    Self.nameWidth + Double(column) * (Self.boxWidth + Self.columnGap)
  }

  private func headings() -> [Drawing.Element] {
    ["gives", "holds and decides", "receives"].enumerated().map { column, text in
      .text(
        text, x: x(column) + Self.boxWidth / 2, y: 20, size: 13, colour: .muted, anchor: .middle, bold: true)
    }
  }

  private func water(_ y: Double, _ width: Double, _ height: Double, hasHidden: Bool) -> [Drawing.Element] {
    let note = hasHidden ? "waterline: readers don't learn of those below" : "waterline: nobody is said to be hidden"
    return [
      .box(x: 0, y: y, width: width, height: height - y, fill: .series(1), stroke: nil, dashed: false, opacity: 0.1),
      .line(x1: 0, y1: y, x2: width, y2: y, stroke: .series(1), width: 1.5, dashed: true),
      .text(note, x: 6, y: y + 15, size: 11, colour: .series(1), anchor: .start, bold: false),
    ]
  }

  private func row(_ index: Int, y: Double) -> [Drawing.Element] {
    let one = stakeholders[index]
    let place = [one.kind, one.region ?? "region unknown"].filter { !$0.isEmpty }.joined(separator: ", ")
    let name = Self.lines(one.name).prefix(2)
    var elements: [Drawing.Element] = name.enumerated().map { i, part in
      .text(
        Format.fit(part, to: 26), x: 6, y: y + (name.count > 1 ? 13 : 20) + 15 * Double(i), size: 13, colour: .ink,
        anchor: .start, bold: true)
    }
    elements.append(
      .text(
        Format.fit(place, to: 34), x: 6, y: y + (name.count > 1 ? 43 : 37), size: 11, colour: .muted, anchor: .start,
        bold: false))
    let decides = one.decides.map { $0.map(\.rawValue) }
    let holds = holders.contains(index) || !Set(one.roles).isDisjoint(with: [.owner, .host, .processor])
    elements += box(one.contributes.map { $0.map(\.rawValue) }, column: 0, y: y, colour: .series(2))
    if holds || decides != [] {
      let roles = one.roles.filter { [.owner, .host, .processor].contains($0) }.map(\.rawValue)
      let head = roles.isEmpty ? "" : roles.joined(separator: ", ")
      elements += box(decides, column: 1, y: y, colour: .series(5), head: head)
    }
    // Who gives and receives nothing shows an empty place.
    if one.receives != [] || one.contributes != [] {
      elements += box(one.receives.map { $0.map(\.rawValue) }, column: 2, y: y, colour: .series(3))
    }
    return elements
  }

  private func box(
    _ words: [String]?, column: Int, y: Double, colour: Drawing.Colour, head: String = ""
  ) -> [Drawing.Element] {
    let isEmpty = words?.isEmpty != false
    if isEmpty, head.isEmpty, column == 0, words != nil { return [] }
    let all = words ?? []
    let none = column == 1 ? "decides on nothing" : "nothing"
    let text =
      words == nil
      ? "unknown" : all.isEmpty ? none : column == 1 && all.count == 4 ? "decides on all" : all.joined(separator: ", ")
    let parts = head.isEmpty ? Self.lines(text) : [head, text]
    let colourOfText: Drawing.Colour = isEmpty ? .muted : .ink
    var elements: [Drawing.Element] = [
      .box(
        x: x(column), y: y + 4, width: Self.boxWidth, height: 40, fill: .paper, stroke: nil, dashed: false, opacity: 1),
      .box(
        x: x(column), y: y + 4, width: Self.boxWidth, height: 40, fill: isEmpty ? .paper : colour,
        stroke: isEmpty ? .muted : colour, dashed: isEmpty, opacity: isEmpty ? 1 : 0.2),
    ]
    for (i, part) in parts.prefix(2).enumerated() {
      let down = parts.count == 1 ? 28.0 : i == 0 ? 21 : 36
      elements.append(
        .text(
          Format.fit(part, to: 27), x: x(column) + Self.boxWidth / 2, y: y + down, size: 11.5,
          colour: i == 0 && !head.isEmpty ? .ink : colourOfText, anchor: .middle, bold: i == 0 && !head.isEmpty))
    }
    return elements
  }

  /// A text in one or two lines.
  private static func lines(_ text: String) -> [String] {
    guard text.count > 24 else { return [text] }
    let words = text.split(separator: " ")
    var first = ""
    var rest = words[...]
    while let word = rest.first, first.count + word.count < 26 {
      first += (first.isEmpty ? "" : " ") + word
      rest = rest.dropFirst()
    }
    return rest.isEmpty || first.isEmpty ? [text] : [first, rest.joined(separator: " ")]
  }
}
