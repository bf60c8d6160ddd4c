import Foundation

extension Chart {
  /// Colours are CSS variables of the report's page, so that a chart follows its light and dark style.
  private static let palette: [JSONValue] = (1...10).map { .string("var(--series-\($0))") }
  private static let height = 300

  /// The Vega-Lite 4 specification.
  ///
  /// The points of line layers are in data sources `lines-0`, `lines-1`, … with the fields `series`, `x`, `y`, `low`,
  /// `high`, so that a page can add to them.
  public var specification: JSONValue {
    var fields: [String: JSONValue] =
      switch content {
      case .layers(let layers, let x, let y): Self.specification(layers, x, y)
      case .bars(let bars, let category, let value): Self.specification(bars, category, value)
      case .matrix(let rows, let columns, let values, let row, let column, let value):
        Self.matrix(rows, columns, values, row, column, value)
      }
    fields["$schema"] = "https://vega.github.io/schema/vega-lite/v4.17.0.json"
    if !title.isEmpty { fields["title"] = .string(title) }
    return .object(fields)
  }

  /// A title of a channel. Vega-Lite puts it into an expression between quotes without escaping it.
  private static func label(_ text: String) -> JSONValue {
    let plain = text.replacing("\"", with: "″").replacing("\\", with: "∖")
    return .string(plain.split(whereSeparator: \.isNewline).joined(separator: " "))
  }

  // MARK: Layers

  private static func specification(_ layers: [Layer], _ x: Axis, _ y: Axis) -> [String: JSONValue] {
    var names: [String] = []
    for layer in layers {
      if case .lines(let series) = layer { names += series.map(\.name) }
      if case .scatter(let series) = layer { names += series.map(\.name) }
    }
    let color = color(names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }, isFitted: true)
    let horizontal = channel("x", x)
    let vertical = channel("y", y)
    let tooltip: JSONValue = [
      ["field": "series", "type": "nominal", "title": " "], tip("x", x.title), tip("y", y.title),
    ]
    var parts: [JSONValue] = []
    for (place, layer) in layers.enumerated() {
      switch layer {
      case .lines(let series):
        let points = drawable(series, x, y)
        let hasBand = points.contains { $0.1.interval != nil }
        let data = data(points, name: "lines-\(place)")
        if hasBand {
          parts.append([
            "data": data, "mark": ["type": "area", "opacity": 0.16, "clip": true],
            "encoding": ["x": horizontal, "y": channel("low", y), "y2": ["field": "high"], "color": color],
          ])
        }
        let dots: JSONValue = points.count <= 40 * max(1, series.count) ? ["size": 22, "filled": true] : false
        parts.append([
          "data": data, "mark": ["type": "line", "strokeWidth": 2, "clip": true, "point": dots],
          "encoding": ["x": horizontal, "y": vertical, "color": color, "tooltip": tooltip],
        ])
      case .scatter(let series):
        let points = drawable(series, x, y)
        let data = data(points)
        if points.contains(where: { $0.1.interval != nil }) {
          parts.append([
            "data": data, "mark": ["type": "rule", "strokeWidth": 1.5, "clip": true],
            "encoding": ["x": horizontal, "y": channel("low", y), "y2": ["field": "high"], "color": color],
          ])
        }
        parts.append([
          "data": data, "mark": ["type": "point", "filled": true, "size": 46, "opacity": 0.75, "clip": true],
          "encoding": ["x": horizontal, "y": vertical, "color": color, "tooltip": tooltip],
        ])
      case .level(let value, let label):
        guard value.isFinite, !y.isLogarithmic || value > 0 else { continue }
        let place: JSONValue = ["datum": .number(value), "type": "quantitative"]
        parts.append([
          "data": ["values": [[:]]], "mark": ["type": "rule", "strokeDash": [5, 4], "stroke": "var(--muted)"],
          "encoding": ["y": place],
        ])
        parts.append([
          "data": ["values": [[:]]],
          "mark": [
            "type": "text", "align": "right", "baseline": "bottom", "dy": -3, "fill": "var(--muted)",
            "text": .string(label),
          ],
          "encoding": ["y": place, "x": ["value": "width"]],
        ])
      }
    }
    return [
      "layer": .array(parts), "data": ["values": []], "width": "container", "height": .integer(height),
      "autosize": ["type": "fit", "contains": "padding"],
    ]
  }

  private static func channel(_ field: String, _ axis: Axis) -> JSONValue {
    var scale: [String: JSONValue] = ["zero": .bool(axis.includesZero && !axis.isLogarithmic)]
    if axis.isLogarithmic { scale["type"] = "log" }
    if let domain = axis.domain, domain.lowerBound.isFinite, domain.upperBound.isFinite,
      !axis.isLogarithmic || domain.lowerBound > 0
    {
      scale["domain"] = [.number(domain.lowerBound), .number(domain.upperBound)]
    }
    let ticks: JSONValue = axis.isLogarithmic ? [:] : ["tickCount": 7, "format": ".6~g"]
    return [
      "field": .string(field), "type": "quantitative", "title": label(axis.title), "scale": .object(scale),
      "axis": ticks,
    ]
  }

  private static func tip(_ field: String, _ title: String) -> JSONValue {
    ["field": .string(field), "type": "quantitative", "title": label(title), "format": ".4~g"]
  }

  /// - Parameter isFitted: whether the chart is as wide as its place, which may be a phone's.
  private static func color(_ names: [String], isFitted: Bool = false) -> JSONValue {
    let range = names.indices.map { palette[$0 % palette.count] }
    // Columns of one width fit the page when their longest name does.
    let longest = names.map(\.count).max() ?? 0
    let columns = longest > 50 ? 1 : longest > 32 ? 2 : 3
    let shown: JSONValue = isFitted ? ["expr": .string("width < 480 ? 1 : \(columns)")] : .integer(columns)
    return [
      "field": "series", "type": "nominal",
      "scale": ["domain": .array(names.map { .string($0) }), "range": .array(range)],
      "legend": names.count > 1
        ? ["orient": "top", "title": .null, "columns": shown, "labelLimit": .integer(780 / columns)] : .null,
    ]
  }

  /// Points with finite coordinates, positive ones on logarithmic axes, with the names of their series.
  private static func drawable(_ series: [Series], _ x: Axis, _ y: Axis) -> [(String, Point)] {
    func fits(_ value: Double, _ axis: Axis) -> Bool { value.isFinite && (!axis.isLogarithmic || value > 0) }
    return series.flatMap { series in
      series.points.filter { fits($0.x, x) && fits($0.y, y) }.map { point in
        var point = point
        if let interval = point.interval, !fits(interval.lowerBound, y) || !fits(interval.upperBound, y) {
          point.interval = nil
        }
        return (series.name, point)
      }
    }
  }

  private static func data(_ points: [(String, Point)], name: String? = nil) -> JSONValue {
    let values = points.map { name, point -> JSONValue in
      // A point without an interval in a series that has some gets an empty one, so that the band has no hole.
      let interval = point.interval ?? point.y...point.y
      return [
        "series": .string(name), "x": .number(point.x), "y": .number(point.y), "low": .number(interval.lowerBound),
        "high": .number(interval.upperBound),
      ]
    }
    var fields: [String: JSONValue] = ["values": .array(values)]
    if let name { fields["name"] = .string(name) }
    return .object(fields)
  }

  // MARK: Bars

  private static func specification(_ bars: [Bar], _ category: String, _ value: Axis) -> [String: JSONValue] {
    let bars = bars.filter { $0.value.isFinite }
    let groups = bars.map(\.group).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let categories = bars.map(\.category).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let isGrouped = groups.count > 1
    let values = bars.map { bar -> JSONValue in
      let interval = bar.interval ?? bar.value...bar.value
      return [
        "category": .string(bar.category), "series": .string(bar.group), "x": .number(bar.value),
        "low": .number(interval.lowerBound), "high": .number(interval.upperBound),
      ]
    }
    // On a phone, labels leave room for the bars.
    let labels: JSONValue = ["expr": "containerSize()[0] < 480 ? 120 : 260"]
    let y: JSONValue = [
      "field": .string(isGrouped ? "series" : "category"), "type": "nominal", "title": .null,
      "sort": .array((isGrouped ? groups : categories).map { .string($0) }),
      "scale": value.includesZero ? ["paddingInner": 0.4] : [:],
      "axis": isGrouped ? .null : ["labelLimit": labels, "ticks": false, "domain": false, "labelPadding": 8],
    ]
    var color: JSONValue = ["value": "var(--series-1)"]
    if isGrouped { color = self.color(groups) }
    let tooltip: JSONValue = [
      ["field": "category", "type": "nominal", "title": label(category)],
      ["field": "series", "type": "nominal", "title": " "], tip("x", value.title), tip("low", "from"),
      tip("high", "to"),
    ]
    let mark: JSONValue =
      value.includesZero
      ? ["type": "bar", "cornerRadiusEnd": 2]
      : ["type": "point", "filled": true, "size": 90]
    var layers: [JSONValue] = []
    let hasIntervals = bars.contains { $0.interval != nil }
    let main: JSONValue = [
      "mark": mark, "encoding": ["x": channel("x", value), "y": y, "color": color, "tooltip": tooltip],
    ]
    let ink: JSONValue = value.includesZero ? ["value": "var(--ink)"] : color
    let spread: JSONValue = [
      "mark": ["type": "rule", "strokeWidth": 1.5],
      "encoding": ["x": channel("low", value), "x2": ["field": "high"], "y": y, "color": ink],
    ]
    layers = hasIntervals ? (value.includesZero ? [main, spread] : [spread, main]) : [main]
    let data: JSONValue = ["values": .array(values)]
    guard isGrouped else {
      return [
        "data": data, "layer": .array(layers), "width": "container", "height": ["step": 34],
        "autosize": ["type": "fit-x", "contains": "padding"],
      ]
    }
    let header: JSONValue = [
      "labelAngle": 0, "labelAlign": "left", "labelLimit": 200, "labelColor": "var(--ink)", "title": .null,
    ]
    return [
      "data": data,
      "facet": [
        "row": [
          "field": "category", "type": "nominal", "header": header, "sort": .array(categories.map { .string($0) }),
        ]
      ],
      "spec": ["layer": .array(layers), "width": 480, "height": ["step": 20]], "spacing": 10,
    ]
  }

  // MARK: Matrix

  private static func matrix(
    _ rows: [String], _ columns: [String], _ values: [[Double]], _ row: String, _ column: String, _ value: String
  ) -> [String: JSONValue] {
    let cells = zip(rows, values).flatMap { name, line in
      zip(columns, line).filter { $0.1.isFinite }.map { (row: name, column: $0.0, value: $0.1) }
    }
    let low = cells.map(\.value).min() ?? 0
    let high = max(cells.map(\.value).max() ?? 1, low + 1e-12)
    let x: JSONValue = [
      "field": "column", "type": "nominal", "title": label(column), "sort": .array(columns.map { .string($0) }),
      "axis": ["labelAngle": -40, "ticks": false, "domain": false, "labelLimit": 140],
    ]
    let y: JSONValue = [
      "field": "row", "type": "nominal", "title": label(row), "sort": .array(rows.map { .string($0) }),
      "axis": ["ticks": false, "domain": false, "labelLimit": 220],
    ]
    let scale: JSONValue = ["domain": [.number(low), .number(high)], "range": [0.03, 1]]
    let tooltip: JSONValue = [
      ["field": "row", "type": "nominal", "title": label(row)],
      ["field": "column", "type": "nominal", "title": label(column)], tip("value", value),
    ]
    let rectangle: JSONValue = [
      "mark": ["type": "rect", "fill": "var(--series-1)"],
      "encoding": [
        "x": x, "y": y, "tooltip": tooltip,
        "fillOpacity": ["field": "value", "type": "quantitative", "scale": scale, "legend": .null],
      ],
    ]
    let middle = low + 0.55 * (high - low)
    let number: JSONValue = [
      "mark": ["type": "text", "fontSize": 11],
      "encoding": [
        "x": x, "y": y, "text": ["field": "value", "type": "quantitative", "format": ".3~g"],
        "color": [
          "condition": ["test": .string("datum.value > \(middle)"), "value": "var(--on-series)"], "value": "var(--ink)",
        ],
      ],
    ]
    let values = cells.map { cell -> JSONValue in
      ["row": .string(cell.row), "column": .string(cell.column), "value": .number(cell.value)]
    }
    // Numbers in cells that are too many to be read would only smear.
    let isLegible = rows.count <= 20 && columns.count <= 20
    return [
      "data": ["values": .array(values)], "layer": isLegible ? [rectangle, number] : [rectangle],
      "width": .integer(min(620, max(240, 46 * columns.count))),
      "height": .integer(min(620, max(160, 32 * rows.count))),
    ]
  }

  // MARK: Numbers

  /// The chart's numbers.
  var table: ReportTable {
    func interval(_ range: ClosedRange<Double>?) -> String {
      range.map { "\(Format.short($0.lowerBound)) … \(Format.short($0.upperBound))" } ?? ""
    }
    switch content {
    case .layers(let layers, let x, let y):
      var rows: [[String]] = []
      for layer in layers {
        switch layer {
        case .lines(let series), .scatter(let series):
          for one in series {
            rows += one.points.map { [one.name, Format.short($0.x), Format.short($0.y), interval($0.interval)] }
          }
        case .level(let value, let label): rows.append([label, "", Format.short(value), ""])
        }
      }
      return ReportTable(
        columns: [.init("series"), .init(x.title, .right), .init(y.title, .right), .init("interval", .right)],
        rows: rows)
    case .bars(let bars, let category, let value):
      let rows = bars.map { [$0.category, $0.group, Format.short($0.value), interval($0.interval)] }
      return ReportTable(
        columns: [.init(category), .init("group"), .init(value.title, .right), .init("interval", .right)], rows: rows)
    case .matrix(let rows, let columns, let values, let row, let column, let value):
      let lines = zip(rows, values).map { [$0] + $1.map(Format.short) }
      return ReportTable(
        columns: [.init("\(row) \\ \(column)")] + columns.map { .init($0, .right) }, rows: lines, caption: value)
    }
  }
}
