import Foundation

/// What a content guarantees of the error on new examples.
public enum PACBayes {
  /// Bound on the mean error over the solution space: with probability 1 - δ over the training set at most
  /// 1 - exp(-(C + log(2n/δ))/(n - 1)) (the paper's, in the form of Valle-Pérez and Louis of a theorem of Langford and Seeger).
  ///
  /// - Parameters:
  ///   - content: C in nats.
  ///   - count: n, at least 2.
  /// - Returns: 1, which says nothing, where the content is infinite or n is 1.
  public static func bound(content: Double, count: Int, delta: Double = 0.01) -> Double {
    guard count > 1, content.isFinite else { return 1 }
    return 1 - exp(-(content + log(2 * Double(count) / delta)) / Double(count - 1))
  }

  /// The bound by the Vapnik-Chervonenkis dimension of a ReLU network of finite width, which counts its weights: vacuous as
  /// soon as there are more of them than examples.
  ///
  /// Zero training error, √((V log(2en/V) + log(4/δ)) · 8/n) capped at 1, where the logarithm is that of the growth function
  /// (Vapnik, 1998), with V at least W L log₂(W/L)/640 (Bartlett and others, 2019, theorem 3, whose constant is the
  /// smallest that they prove).
  ///
  /// - Parameters:
  ///   - weights: W.
  ///   - layers: L.
  public static func parameterCountBound(weights: Int, layers: Int, count: Int, delta: Double = 0.01) -> Double {
    let (w, l, n) = (Double(weights), Double(max(1, layers)), Double(count))
    let dimension = max(1, w * l * max(1, log2(w / l)) / 640)
    // More dimensions than examples: the growth function is 2ⁿ.
    let growth = dimension >= n ? n * log(2) : dimension * log(2 * M_E * n / dimension)
    return min(1, (8 * (growth + log(4 / delta)) / n).squareRoot())
  }
}
