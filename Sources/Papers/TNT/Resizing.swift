import Foundation
import NN
import Pinion

extension TNT {
  /// The network for pictures of another side, as for fine-tuning at 384 pixels (section 4): the outer position table
  /// is interpolated bicubically, all else stays.
  ///
  /// - Throws: `TensorError` where the side doesn't divide into patches, or the table can't be read.
  public func resized(to side: Int) throws -> TNT {
    if side == configuration.imageSize { return self }
    var copy = self
    copy.configuration.imageSize = side
    try copy.configuration.validate()
    let (old, new, width) = (configuration.grid, copy.configuration.grid, configuration.width)
    let table = try outerPositions.array(of: Float.self)
    var result = Array(table[..<width])
    result += Bicubic.resized(Array(table[width...]), from: old, to: new, channels: width)
    copy.outerPositions = Tensor(result, shape: [1, new * new + 1, width])
    copy.pixelEmbedding.grid = new
    return copy
  }

  /// The network with a fresh head where the classes' number differs.
  ///
  /// - Throws: `TensorError` where the pictures' channels differ.
  public func withClasses(_ classes: Int, channels: Int, key: Key) throws -> TNT {
    guard channels == configuration.channels else {
      throw TensorError.value(
        "TNT", "was trained on pictures of \(configuration.channels) channels, these have \(channels)")
    }
    if classes == configuration.classes { return self }
    var copy = self
    copy.configuration.classes = classes
    copy.head = Dense(configuration.width, classes, key: key)
    return copy
  }
}

/// Bicubic interpolation of square tables (Keys 1981 with a = -0.75, pixel centres aligned: PyTorch's `bicubic`).
enum Bicubic {
  /// - Parameters:
  ///   - table: [from, from, channels], row-major.
  /// - Returns: [to, to, channels].
  static func resized(_ table: [Float], from: Int, to: Int, channels: Int) -> [Float] {
    let taps = (0..<to).map { weights(at: (Double($0) + 0.5) * Double(from) / Double(to) - 0.5, size: from) }
    var result = [Float](repeating: 0, count: to * to * channels)
    for y in 0..<to {
      for x in 0..<to {
        for (row, wy) in taps[y] {
          for (column, wx) in taps[x] {
            let (source, target) = ((row * from + column) * channels, (y * to + x) * channels)
            for c in 0..<channels { result[target + c] += Float(wy * wx) * table[source + c] }
          }
        }
      }
    }
    return result
  }

  private static func weights(at place: Double, size: Int) -> [(Int, Double)] {
    let base = Int(place.rounded(.down))
    return (-1...2).map { k in
      let d = abs(place - Double(base + k))
      let a = -0.75
      let w = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
      return (min(max(base + k, 0), size - 1), w)
    }
  }
}
