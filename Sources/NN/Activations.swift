import Pinion

/// max(x, 0); its derivative at 0 is 0, NaN stays NaN.
public func relu(_ x: Tensor) -> Tensor { select(x .<= 0, Tensor.zeros(like: x), x) }

/// x·Φ(x) with the normal distribution function Φ. Hendrycks and Gimpel, 2016.
public func gelu(_ x: Tensor) -> Tensor { 0.5 * x * (1 + (x * 0.5.squareRoot()).erf()) }

/// The approximation of `gelu` by a hyperbolic tangent, as in GPT-2.
public func geluTanh(_ x: Tensor) -> Tensor {
  0.5 * x * (1 + ((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)).tanh())
}

/// x·sigmoid(x), also called swish.
public func silu(_ x: Tensor) -> Tensor { x * x.sigmoid() }

/// log(1 + exp(x)) without overflow.
public func softplus(_ x: Tensor) -> Tensor { maximum(x, 0) + (-x.abs()).exp().log1p() }

/// log(sigmoid(x)) without overflow.
public func logSigmoid(_ x: Tensor) -> Tensor { -softplus(-x) }

/// x·tanh(softplus(x)). Misra, 2019.
public func mish(_ x: Tensor) -> Tensor { x * softplus(x).tanh() }

/// x where positive, `alpha`·(exp(x) - 1) elsewhere.
public func elu(_ x: Tensor, alpha: Double = 1) -> Tensor {
  // The branch not taken must stay finite, or its derivative would be NaN.
  select(x .> 0, x, alpha * select(x .> 0, Tensor.zeros(like: x), x).expm1())
}

/// `elu` scaled so that mean 0 and variance 1 persist through layers. Klambauer et al., 2017.
public func selu(_ x: Tensor) -> Tensor { 1.0507009873554805 * elu(x, alpha: 1.6732632423543772) }

/// x where positive, `slope`·x elsewhere.
public func leakyRelu(_ x: Tensor, slope: Double = 0.01) -> Tensor { select(x .> 0, x, slope * x) }

/// (x + 3) / 6 limited to [0, 1].
public func hardSigmoid(_ x: Tensor) -> Tensor { (x + 3).clamp(min: 0, max: 6) / 6 }

/// x·hardSigmoid(x). Howard et al., MobileNetV3, 2019.
public func hardSwish(_ x: Tensor) -> Tensor { x * hardSigmoid(x) }

/// An activation function as a plain value, for layers that take one and for `Sequential`.
public enum Activation: Hashable, Sendable, Layer {
  case identity, relu, gelu, geluTanh, silu, mish, elu, selu, leakyRelu, softplus, hardSigmoid, hardSwish, sigmoid, tanh

  public mutating func visit(_ visitor: TreeVisitor) throws { visitor.constant(self) }

  /// The function, elementwise.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .identity: x
    case .relu: NN.relu(x)
    case .gelu: NN.gelu(x)
    case .geluTanh: NN.geluTanh(x)
    case .silu: NN.silu(x)
    case .mish: NN.mish(x)
    case .elu: NN.elu(x)
    case .selu: NN.selu(x)
    case .leakyRelu: NN.leakyRelu(x)
    case .softplus: NN.softplus(x)
    case .hardSigmoid: NN.hardSigmoid(x)
    case .hardSwish: NN.hardSwish(x)
    case .sigmoid: x.sigmoid()
    case .tanh: x.tanh()
    }
  }
}
