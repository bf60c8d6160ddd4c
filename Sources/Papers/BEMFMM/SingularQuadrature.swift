/// How two triangles of a surface touch.
public enum TrianglePair: Int, CaseIterable, Sendable {
  case identical, commonEdge, commonVertex
}

/// Cubature of a function that grows as 1/r over two triangles that touch (Sauter, Schwab 2011; Erichsen, Sauter 1998).
///
/// The four-dimensional domain is cut into parts on which a change of variables takes the singularity away; each part
/// has a product Gauss rule. Triangles come with common corners first and in the same order.
public struct SingularQuadrature: Sendable {
  /// Rows of weight, three basis values on the first triangle, three on the second; relative to the product of both
  /// doubled areas.
  let rows: [Double]
  /// Number of pairs of points.
  public var count: Int { rows.count / 7 }

  /// - Parameter order: Gauss points on each of four axes, at least 1.
  public init(_ pair: TrianglePair, order: Int) {
    let gauss = GaussLegendre(max(1, order))
    let maps = Self.maps(pair)
    var rows: [Double] = []
    rows.reserveCapacity(maps.count * gauss.points.count * gauss.points.count * 49)
    for (x, wx) in zip(gauss.points, gauss.weights) {
      for (a, wa) in zip(gauss.points, gauss.weights) {
        for (b, wb) in zip(gauss.points, gauss.weights) {
          for (c, wc) in zip(gauss.points, gauss.weights) {
            for map in maps {
              let part = map(x, a, b, c)
              rows.append(wx * wa * wb * wc * part.jacobian)
              for (first, second) in [part.x, part.y] { rows += [1 - first, first - second, second] }
            }
          }
        }
      }
    }
    self.rows = rows
  }

  private typealias Part = (jacobian: Double, x: (Double, Double), y: (Double, Double))
  private typealias Map = (Double, Double, Double, Double) -> Part

  private static func exchanged(_ map: @escaping Map) -> Map {
    {
      let part = map($0, $1, $2, $3)
      return (part.jacobian, part.y, part.x)
    }
  }

  private static func maps(_ pair: TrianglePair) -> [Map] {
    switch pair {
    case .identical:
      let three: [Map] = [
        { (x, a, b, c) in (x * x * x * a * a * b, (x, x * (1 - a + a * b)), (x * (1 - a * b * c), x * (1 - a))) },
        { (x, a, b, c) in
          (x * x * x * a * a * b, (x, x * a * (1 - b + b * c)), (x * (1 - a * b), x * a * (1 - b)))
        },
        { (x, a, b, c) in
          (x * x * x * a * a * b, (x * (1 - a * b * c), x * a * (1 - b * c)), (x, x * a * (1 - b)))
        },
      ]
      return three + three.map(exchanged)
    case .commonEdge:
      return [
        { (x, a, b, c) in (x * x * x * a * a, (x, x * a * c), (x * (1 - a * b), x * a * (1 - b))) },
        { (x, a, b, c) in (x * x * x * a * a * b, (x, x * a), (x * (1 - a * b * c), x * a * b * (1 - c))) },
        { (x, a, b, c) in (x * x * x * a * a * b, (x * (1 - a * b), x * a * (1 - b)), (x, x * a * b * c)) },
        { (x, a, b, c) in (x * x * x * a * a * b, (x * (1 - a * b * c), x * a * b * (1 - c)), (x, x * a)) },
        { (x, a, b, c) in
          (x * x * x * a * a * b, (x * (1 - a * b * c), x * a * (1 - b * c)), (x, x * a * b))
        },
      ]
    case .commonVertex:
      let one: Map = { (x, a, b, c) in (x * x * x * b, (x, x * a), (x * b, x * b * c)) }
      return [one, exchanged(one)]
    }
  }
}
