import Glibc

/// Distributions that are functions of uniform or normal numbers; all as `jax.random` has them.
extension Key {
  /// Laplace-distributed numbers of scale 1.
  public func laplace(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    let u = uniform(shape, dtype: dtype, from: -1 + dtype.epsilon / 2, to: 1)
    return u.failure == nil ? u.sign() * (-u.abs()).log1p() : u
  }

  /// Cauchy-distributed numbers.
  public func cauchy(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    (Double.pi * (uniform(shape, dtype: dtype, from: dtype.epsilon, to: 1) - 0.5)).tan()
  }

  /// Numbers with the logistic distribution.
  public func logistic(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    uniform(shape, dtype: dtype, from: dtype.tiny, to: 1).logit()
  }

  /// -1 or 1, alike often.
  public func rademacher(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    let isOne = uniform(shape, dtype: dtype == .float64 ? .float64 : .float32) .< 0.5
    return (isOne.cast(.int32) * 2 - 1).cast(dtype)
  }

  /// Lengths of standard normal vectors in space.
  public func maxwell(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    let x = normal(shape + [3], dtype: dtype)
    return x.failure == nil ? x.square().sum(-1).sqrt() : x
  }

  /// Rayleigh-distributed numbers of a scale.
  public func rayleigh(_ scale: Tensor, shape: [Int]? = nil) -> Tensor {
    drawn("rayleigh", [scale], shape) { given, u in given[0] * (u.log() * -2).sqrt() }
  }

  /// Pareto-distributed numbers from 1 on.
  ///
  /// - Parameter b: shape parameters above 0.
  public func pareto(_ b: Tensor, shape: [Int]? = nil) -> Tensor {
    drawn("pareto", [b], shape) { given, u in (-(-u).log1p() / given[0]).exp() }
  }

  /// Weibull-distributed numbers.
  public func weibull(scale: Tensor, concentration: Tensor, shape: [Int]? = nil) -> Tensor {
    drawn("weibull", [scale, concentration], shape) { given, u in (-(-u).log1p()).pow(1 / given[1]) * given[0] }
  }

  /// Numbers whose logarithms are normal, of mean 0.
  ///
  /// - Parameter deviation: of the logarithms.
  public func logNormal(_ deviation: Tensor, shape: [Int]? = nil) -> Tensor {
    failing("logNormal") {
      let given = try parameters("logNormal", [deviation], shape)[0]
      return (normal(given.shape, dtype: given.dtype) * given).exp()
    }
  }

  /// Numbers between two ends, most often near `mode`.
  public func triangular(from low: Tensor, mode: Tensor, to high: Tensor, shape: [Int]? = nil) -> Tensor {
    drawn("triangular", [low, mode, high], shape) { given, u in
      let (low, mode, high) = (given[0], given[1], given[2])
      let width = high - low
      let left = low + (u * width * (mode - low)).sqrt()
      return select(u .< (mode - low) / width, left, high - ((1 - u) * width * (high - mode)).sqrt())
    }
  }

  /// Numbers with the Wald (inverse Gaussian) distribution of scale 1.
  public func wald(_ mean: Tensor, shape: [Int]? = nil) -> Tensor {
    failing("wald") {
      let mean = try parameters("wald", [mean], shape)[0]
      let keys = split()
      let y = keys[0].normal(mean.shape, dtype: mean.dtype).square()
      let z = keys[1].uniform(mean.shape, dtype: mean.dtype)
      let root = (4 * mean * y + mean.square() * y.square()).sqrt()
      let x = mean + mean.square() * y / 2 - mean / 2 * root
      return select(z .<= mean / (mean + x), x, mean.square() / x)
    }
  }

  /// How many trials the first success takes, as numbers of the parameters' type.
  ///
  /// - Parameter p: probabilities of success.
  public func geometric(_ p: Tensor, shape: [Int]? = nil) -> Tensor {
    drawn("geometric", [p], shape) { given, u in
      let safe = select(u .== 0, Tensor.ones(like: u), u)
      return (safe.log() / (-given[0]).log1p()).floor() + 1
    }
  }

  private func drawn(_ name: String, _ given: [Tensor], _ shape: [Int]?, _ f: ([Tensor], Tensor) -> Tensor) -> Tensor {
    failing(name) {
      let given = try parameters(name, given, shape)
      return f(given, uniform(given[0].shape, dtype: given[0].dtype))
    }
  }

  /// Normal vectors.
  ///
  /// - Parameters:
  ///   - mean: of shape [..., n].
  ///   - factor: of the covariances, factor · factorᵀ: [..., n, n], such as a Cholesky factor.
  ///   - shape: of the draws, to which leading axes stretch.
  /// - Returns: shape + [n].
  public func multivariateNormal(_ mean: Tensor, factor: Tensor, shape: [Int]? = nil) -> Tensor {
    failing("multivariateNormal") {
      let name = "multivariateNormal"
      if let failure = mean.failure ?? factor.failure { throw failure }
      guard let n = mean.shape.last, factor.rank >= 2, Array(factor.shape.suffix(2)) == [n, n],
        let least = broadcastShape(Array(mean.shape.dropLast()), Array(factor.shape.dropLast(2)))
      else {
        throw TensorError.shape(
          name, "takes means [..., n] and factors [..., n, n], got \(mean.shape), \(factor.shape)")
      }
      guard mean.dtype == factor.dtype, mean.dtype.isFloating else {
        throw TensorError.dtype(name, "takes floating-point numbers of one type, got \(mean.dtype), \(factor.dtype)")
      }
      let wanted = shape ?? least
      guard broadcastShape(least, wanted) == wanted else {
        throw TensorError.shape(name, "means \(mean.shape), factors \(factor.shape) don't stretch to \(wanted)")
      }
      let z = normal(wanted + [n], dtype: mean.dtype)
      return mean + factor.matmul(z.expandDims(-1)).squeeze(axis: -1)
    }
  }

  /// Normal vectors, as `jax.random.multivariate_normal` by the Cholesky factor; NaN where a covariance isn't positive
  /// definite.
  ///
  /// - Parameters:
  ///   - mean: of shape [..., n].
  ///   - covariance: [..., n, n].
  ///   - shape: of the draws, to which leading axes stretch.
  /// - Returns: shape + [n].
  public func multivariateNormal(_ mean: Tensor, covariance: Tensor, shape: [Int]? = nil) -> Tensor {
    multivariateNormal(mean, factor: cholesky(covariance), shape: shape)
  }

  /// Matrices spread evenly over those with orthonormal columns (rows, where there are fewer), as `jax.random.orthogonal`.
  ///
  /// - Parameters:
  ///   - rows: of a matrix.
  ///   - columns: as many as rows without it.
  ///   - shape: of the draws.
  ///   - dtype: float32, float64 or complex, for unitary ones.
  /// - Returns: shape + [rows, columns].
  public func orthogonal(rows: Int, columns: Int? = nil, shape: [Int] = [], dtype: DType = .float32) -> Tensor {
    failing("orthogonal") {
      let columns = columns ?? rows
      guard rows > 0, columns > 0 else {
        throw TensorError.shape("orthogonal", "takes sizes above 0, got \(rows) and \(columns)")
      }
      let (q, r) = qr(normal(shape + [max(rows, columns), min(rows, columns)], dtype: dtype))
      if let failure = q.failure { throw failure }
      let x = q * r.diagonal().sign().expandDims(-2)
      return rows < columns ? x.matrixTranspose() : x
    }
  }

  /// Places (int32) in 0 ..< n.
  ///
  /// - Parameters:
  ///   - shape: of the result.
  ///   - replacing: whether a place may come more than once.
  ///   - probabilities: of the places, [n]; alike without them.
  public func choice(_ n: Int, _ shape: [Int], replacing: Bool = true, probabilities: Tensor? = nil) -> Tensor {
    failing("choice") {
      guard shape.allSatisfy({ $0 >= 0 && $0 <= Int(Int32.max) }) else {
        throw TensorError.shape("choice", "\(shape) isn't a shape")
      }
      let draws = shape.reduce(1.0) { $0 * Double($1) }
      if draws == 0 { return Tensor.zeros(shape, dtype: .int32) }
      guard n > 0, n <= Int(Int32.max), replacing || draws <= Double(n) else {
        throw TensorError.value("choice", "can't draw \(shape) of \(n)\(replacing ? "" : " without replacement")")
      }
      guard let probabilities else {
        if replacing { return randint(shape, from: 0, to: n) }
        return permutation(n)[0..<shape.elementCount].reshape(shape)
      }
      if let failure = probabilities.failure { throw failure }
      guard probabilities.shape == [n], probabilities.dtype.isFloating else {
        throw TensorError.shape(
          "choice", "probabilities are \(probabilities.type), expected \(n) floating-point numbers")
      }
      if replacing {
        let sums = probabilities.cumulativeSum()
        return sums.searchSorted(sums[-1] * (1 - uniform(shape, dtype: sums.dtype)))
      }
      let scores = gumbel([n], dtype: probabilities.dtype) + probabilities.log()
      return scores.topK(shape.elementCount).indices.reshape(shape)
    }
  }

  /// Slices of a tensor along an axis, which the axes of `shape` replace.
  ///
  /// - Parameters: as of the form with a count.
  public func choice(
    _ x: Tensor, _ shape: [Int], axis: Int = 0, replacing: Bool = true, probabilities: Tensor? = nil
  ) -> Tensor {
    failing("choice") {
      let i = try x.axis(axis, "choice").get()
      let places = choice(x.shape[i], shape, replacing: replacing, probabilities: probabilities)
      return x.take(places, axis: i)
    }
  }
}
