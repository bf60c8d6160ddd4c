import Foundation
import Lab
import Pinion

/// Expectation propagation's approximation of an orthant probability (Cunningham, Hennig and Lacoste-Julien, 2011): what
/// Valle-Pérez and others used for the marginal likelihood of a network's labels.
///
/// Deterministic and usually within a percent of the content, but without an error bar.
public struct ExpectationPropagation: Sendable {
  /// Share of each update that is taken.
  public var damping = 0.7
  public var maxSweeps = 200
  /// Change of log p that ends the search.
  public var tolerance = 1e-7

  public init() {}

  /// log 1/p in nats, the sweeps, and whether they converged.
  ///
  /// - Throws: `UsageError` where the iteration leaves the numbers; `TensorError`, `PJRTError`.
  public func content(_ orthant: GaussianOrthant) throws -> (content: Double, sweeps: Int, isConverged: Bool) {
    let n = orthant.count
    let damping = damping
    let sweep = jit { (sites: [Tensor], covariance: Tensor) -> [Tensor] in
      Self.sweep(sites[0], sites[1], covariance, damping: damping)
    }
    var sites = [Tensor.zeros([n], dtype: .float64), Tensor.zeros([n], dtype: .float64)]
    var last = Double.infinity
    for count in 1...maxSweeps {
      let next = try sweep(sites, orthant.covariance)
      let value = try next[2].item()
      guard value.isFinite else { throw UsageError("expectation propagation left the numbers after \(count) sweeps") }
      sites = [next[0], next[1]]
      if abs(value - last) < tolerance * max(1, abs(value)) { return (-value, count, true) }
      last = value
    }
    return (-last, maxSweeps, false)
  }

  /// All sites at once: precisions τ, precision-weighted means ν -> the next ones, and log p of the old.
  private static func sweep(_ tau: Tensor, _ nu: Tensor, _ covariance: Tensor, damping: Double) -> [Tensor] {
    let n = tau.shape[0]
    // Rasmussen and Williams, 2006, section 3.6.3.
    let root = tau.sqrt()
    let b = Tensor.eye(n, dtype: .float64) + outer(root, root) * covariance
    let factor = cholesky(b)
    let v = triangularSolve(factor, root.expandDims(1) * covariance, lower: true)
    let posterior = covariance - v.matrixTranspose().matmul(v)
    let mean = posterior.matmul(nu)
    let variance = posterior.diagonal()
    let cavity = maximum(1 / variance - tau, 1e-12)
    let cavityNu = mean / variance - nu
    let cavityMean = cavityNu / cavity
    // The moments of the cavity beyond 0.
    let deviation = 1 / cavity.sqrt()
    let alpha = cavityMean / deviation
    let (hazard, excess) = NormalTail.hazard(-alpha)
    let tilted = cavityMean + deviation * hazard
    let tiltedVariance = maximum(deviation.square() * (1 - hazard * excess), 1e-14 * deviation.square())
    let logZ =
      NormalTail.logSurvival(-alpha).sum() + 0.5 * (tau / cavity).log1p().sum() - factor.diagonal().log().sum()
      + 0.5 * (nu * mean).sum() - 0.5 * (nu.square() / (cavity + tau)).sum()
      + 0.5 * (cavityMean * cavity / (cavity + tau) * (tau * cavityMean - 2 * nu)).sum()
    let newTau = maximum(1 / tiltedVariance - cavity, 0)
    let newNu = tilted / tiltedVariance - cavityNu
    return [tau + damping * (newTau - tau), nu + damping * (newNu - nu), logZ]
  }
}

/// Laplace's approximation of an orthant probability.
///
/// With a share ε of the smallest eigenvalue as noise, Σ = K + εI, the probability is exactly that of a probit model,
/// E Π Φ(f_i/√ε) under f ~ N(0, K); Laplace's method is applied to that (Rasmussen and Williams, 2006, section 3.4).
public struct LaplaceApproximation: Sendable {
  /// ε over the smallest eigenvalue.
  public var share = 0.9
  public var maxSteps = 100

  public init() {}

  /// log 1/p in nats.
  ///
  /// - Throws: `UsageError` where the search leaves the numbers; `TensorError`, `PJRTError`.
  public func content(_ orthant: GaussianOrthant) throws -> Double {
    let n = orthant.count
    let least = try eigvalsh(orthant.covariance).min().item()
    let noise = max(share * least, 1e-14)
    let latent = orthant.covariance - noise * Tensor.eye(n, dtype: .float64)
    let deviation = Tensor(noise.squareRoot())
    let step = jit { (f: Tensor, latent: Tensor, deviation: Tensor) -> [Tensor] in
      Self.step(f, latent, deviation)
    }
    var f = Tensor.zeros([n], dtype: .float64)
    var height = -Double.infinity
    for _ in 0..<maxSteps {
      let result = try step(f, latent, deviation)
      let numbers = try result[1].array(of: Double.self)
      guard numbers.allSatisfy(\.isFinite) else { throw UsageError("Laplace's method left the numbers") }
      if abs(numbers[0] - height) < 1e-9 * max(1, abs(height)) { return -numbers[1] }
      height = numbers[0]
      f = result[0]
    }
    return -(try step(f, latent, deviation)[1].array(of: Double.self)[1])
  }

  /// Newton's next point; the logarithm of the posterior here and Laplace's log p here.
  private static func step(_ f: Tensor, _ latent: Tensor, _ deviation: Tensor) -> [Tensor] {
    let n = f.shape[0]
    let alpha = f / deviation
    let (hazard, excess) = NormalTail.hazard(-alpha)
    let slope = hazard / deviation
    let curvature = hazard * excess / deviation.square()
    let root = curvature.sqrt()
    let factor = cholesky(Tensor.eye(n, dtype: .float64) + outer(root, root) * latent)
    let b = curvature * f + slope
    let a = b - root * choleskySolve(factor, root * latent.matmul(b))
    // fᵀ K⁻¹ f without an inverse: at the mode K⁻¹ f is the slope.
    let likelihood = NormalTail.logSurvival(-alpha).sum()
    let next = latent.matmul(a)
    let height = -0.5 * (a * next).sum() + NormalTail.logSurvival(-next / deviation).sum()
    let value = likelihood - 0.5 * (f * slope).sum() - factor.diagonal().log().sum()
    return [next, stack([height, value])]
  }
}
