/// A chart, built from typed parts, so that it always is a valid Vega-Lite specification.
///
/// Values that aren't finite are left out. Without the chart scripts a report shows the chart's numbers as a table.
public struct Chart: Codable, Sendable {
  /// A continuous axis.
  public struct Axis: Codable, Sendable {
    public var title: String
    /// Powers of ten at equal distance; values of 0 or less are left out.
    public var isLogarithmic: Bool
    /// Whether zero is on the axis.
    public var includesZero: Bool
    /// What is shown; nil for all values.
    public var domain: ClosedRange<Double>?

    public init(
      _ title: String, isLogarithmic: Bool = false, includesZero: Bool = false, domain: ClosedRange<Double>? = nil
    ) {
      self.title = title
      self.isLogarithmic = isLogarithmic
      self.includesZero = includesZero
      self.domain = domain
    }
  }

  /// A point, with the interval of its y where there is one.
  public struct Point: Codable, Sendable {
    public var x: Double
    public var y: Double
    public var interval: ClosedRange<Double>?

    public init(_ x: Double, _ y: Double, interval: ClosedRange<Double>? = nil) {
      self.x = x
      self.y = y
      self.interval = interval
    }
  }

  /// Named points; series of one name share a colour throughout a chart.
  public struct Series: Codable, Sendable {
    public var name: String
    public var points: [Point]

    public init(_ name: String, _ points: [Point]) {
      self.name = name
      self.points = points
    }

    /// Mean over repeated runs at the steps that all of them have.
    ///
    /// The band is the 95 % interval of the mean; of two runs, whose interval says little, the range; of one none.
    public init(_ name: String, meanOf runs: [[(step: Int, value: Double)]]) {
      let values = runs.map { Dictionary($0.map { ($0.step, $0.value) }, uniquingKeysWith: { $1 }) }
      let shared = values.dropFirst().reduce(Set(values.first.map { Array($0.keys) } ?? [])) {
        $0.intersection($1.keys)
      }
      let points = shared.sorted().map { step in
        let column = values.compactMap { $0[step] }
        let range = column.min().flatMap { low in column.max().flatMap { low < $0 ? low...$0 : nil } }
        let interval = column.count > 2 ? Statistics.interval(column) : range
        return Point(Double(step), Statistics.mean(column), interval: interval)
      }
      self.init(name, points)
    }
  }

  /// A layer over two continuous axes.
  public enum Layer: Codable, Sendable {
    /// Lines, with a band where points have intervals.
    case lines([Series])
    /// Points, with error bars where they have intervals.
    case scatter([Series])
    /// A horizontal line with a label.
    case level(Double, label: String)
  }

  /// A bar of a category, one of several side by side where it has a group.
  public struct Bar: Codable, Sendable {
    public var category: String
    public var group: String
    public var value: Double
    public var interval: ClosedRange<Double>?

    public init(_ category: String, group: String = "", _ value: Double, interval: ClosedRange<Double>? = nil) {
      self.category = category
      self.group = group
      self.value = value
      self.interval = interval
    }
  }

  enum Content: Codable, Sendable {
    case layers([Layer], x: Axis, y: Axis)
    case bars([Bar], category: String, value: Axis)
    case matrix(rows: [String], columns: [String], values: [[Double]], row: String, column: String, value: String)
  }

  let content: Content
  /// Heading of the chart.
  public var title: String

  /// Lines, points and levels over two continuous axes.
  public static func layers(_ layers: [Layer], x: Axis, y: Axis, title: String = "") -> Chart {
    Chart(content: .layers(layers, x: x, y: y), title: title)
  }

  /// Bars with error bars; `value` names the axis of their length.
  public static func bars(_ bars: [Bar], category: String, value: Axis, title: String = "") -> Chart {
    Chart(content: .bars(bars, category: category, value: value), title: title)
  }

  /// A matrix as colours and numbers, such as a confusion matrix; missing values stay empty.
  ///
  /// - Parameters:
  ///   - values: a row of numbers for each of `rows`.
  ///   - row: what rows are, such as `true class`; `column` and `value` likewise.
  public static func matrix(
    rows: [String], columns: [String], values: [[Double]], row: String, column: String, value: String,
    title: String = ""
  ) -> Chart {
    let content = Content.matrix(
      rows: rows, columns: columns, values: values, row: row, column: column, value: value)
    return Chart(content: content, title: title)
  }
}
