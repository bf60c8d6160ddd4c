import Pinion

/// Losses of a generator and a discriminator that gives one score s a picture, high for real ones.
///
/// The discriminator minimises the mean of `real(s)` over real pictures plus that of `fake(s)` over made ones, the
/// generator the mean of `generator(s)` over made ones. Each function works sample by sample: [N] to [N].
public enum AdversarialLoss: String, Codable, CaseIterable, Sendable {
  /// log(1 - sigmoid(s)) for both players. Goodfellow et al., 2014.
  case saturating
  /// The generator maximises log(sigmoid(s)) instead. Goodfellow et al., 2014.
  case nonSaturating = "non-saturating"
  /// Squared distances to 0 and 1. Mao et al., LSGAN, 2017.
  case leastSquares = "least-squares"
  /// Margins of 1 on both sides. Lim and Ye, 2017; Miyato et al., SNGAN, 2018.
  case hinge
  /// The score itself, of a discriminator of bounded slope. Arjovsky et al., WGAN, 2017.
  case wasserstein

  /// Smallest size of a denominator in `gamma`.
  public static let smallestSlope = 1e-12

  /// L_r: the discriminator's loss of real pictures.
  public func real(_ scores: Tensor) -> Tensor {
    switch self {
    case .saturating, .nonSaturating: softplus(-scores)
    case .leastSquares: 0.5 * (scores - 1).square()
    case .hinge: relu(1 - scores)
    case .wasserstein: -scores
    }
  }

  /// L_f: the discriminator's loss of made pictures.
  public func fake(_ scores: Tensor) -> Tensor {
    switch self {
    case .saturating, .nonSaturating: softplus(scores)
    case .leastSquares: 0.5 * scores.square()
    case .hinge: relu(1 + scores)
    case .wasserstein: scores
    }
  }

  /// L_g: the generator's loss.
  public func generator(_ scores: Tensor) -> Tensor {
    switch self {
    case .saturating: -softplus(scores)
    case .nonSaturating: softplus(-scores)
    case .leastSquares: 0.5 * (scores - 1).square()
    case .hinge, .wasserstein: -scores
    }
  }

  /// dL_r/ds.
  public func realSlope(_ scores: Tensor) -> Tensor {
    switch self {
    case .saturating, .nonSaturating: -(-scores).sigmoid()
    case .leastSquares: scores - 1
    case .hinge: -(scores .< 1).cast(scores.dtype)
    case .wasserstein: -Tensor.ones(like: scores)
    }
  }

  /// dL_f/ds.
  public func fakeSlope(_ scores: Tensor) -> Tensor {
    switch self {
    case .saturating, .nonSaturating: scores.sigmoid()
    case .leastSquares: scores
    case .hinge: (scores .> -1).cast(scores.dtype)
    case .wasserstein: Tensor.ones(like: scores)
    }
  }

  /// dL_g/ds.
  public func generatorSlope(_ scores: Tensor) -> Tensor {
    switch self {
    case .saturating: -scores.sigmoid()
    case .nonSaturating: -(-scores).sigmoid()
    case .leastSquares: scores - 1
    case .hinge, .wasserstein: -Tensor.ones(like: scores)
    }
  }

  /// γ = (dL_g/ds) / (dL_f/ds), which turns the discriminator's gradient by a made picture into the generator's.
  ///
  /// Shen et al., "Training Generative Adversarial Networks in One Stage", 2021. Denominators are kept at least
  /// `smallestSlope` away from 0; `isDead` says where. Where a hinge is inactive γ doesn't exist, and is given as -1.
  public func gamma(_ scores: Tensor) -> Tensor {
    switch self {
    case .saturating, .hinge, .wasserstein: return -Tensor.ones(like: scores)
    case .nonSaturating: return -(-scores).exp()
    case .leastSquares:
      let low = scores.abs() .< Self.smallestSlope
      let sign = select(scores .< 0, -Tensor.ones(like: scores), Tensor.ones(like: scores))
      return (scores - 1) / select(low, sign * Self.smallestSlope, scores)
    }
  }

  /// Made samples that the discriminator's loss doesn't feel (|dL_f/ds| < `smallestSlope`) though the generator's does:
  /// γ can't bring their gradient back. Booleans.
  public func isDead(_ scores: Tensor) -> Tensor {
    let lost = fakeSlope(scores).abs() .< Self.smallestSlope
    return isSymmetric ? Tensor.zeros(scores.shape, dtype: .bool) : lost
  }

  /// Whether L_g = -L_f, so that γ is -1 everywhere.
  public var isSymmetric: Bool { self == .saturating || self == .wasserstein }
}
