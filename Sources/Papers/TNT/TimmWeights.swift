import Pinion

/// Weights in the names and layouts of timm's `tnt_s_legacy_patch16_224` and its like (PyTorch's: matrices [out, in],
/// kernels [out, in, h, w]).
extension TNT {
  /// A network of the given sizes with timm's weights.
  ///
  /// - Parameters:
  ///   - weights: tensors by timm's names, as in its safetensors files.
  ///   - configuration: sizes, which the file doesn't tell.
  /// - Throws: `TensorError` that names what is missing or of another shape.
  public init(timm weights: [String: Tensor], configuration: TNTConfiguration) throws {
    try self.init(configuration, key: Key(0))
    var mine: [String: Tensor] = [:]
    for leaf in try leaves(of: self) {
      let name = Self.timmName(leaf.path)
      guard let tensor = weights[name] else {
        throw TensorError.value("TNT", "timm's weights lack '\(name)'")
      }
      mine[leaf.path] = try Self.fromTimm(tensor, like: leaf)
    }
    try load(mine, into: &self)
  }

  /// The weights by timm's names.
  ///
  /// - Throws: `TensorError` where the model can't be taken apart.
  public func timmWeights() throws -> [String: Tensor] {
    var weights: [String: Tensor] = [:]
    for leaf in try leaves(of: self) { weights[Self.timmName(leaf.path)] = toTimm(leaf) }
    return weights
  }

  private static let parts: [(String, String)] = [
    ("pixelEmbedding.convolution", "pixel_embed.proj"), ("pixelEmbedding.positions", "pixel_pos"),
    ("firstNorm", "norm1_proj"), ("secondNorm", "norm2_proj"), ("projection", "proj"), ("classToken", "cls_token"),
    ("outerPositions", "patch_pos"), ("innerNorm1", "norm_in"), ("innerNorm2", "norm_mlp_in"),
    ("innerAttention", "attn_in"), ("innerFeedForward", "mlp_in"), ("injectNorm", "norm1_proj"), ("injection", "proj"),
    ("outerNorm1", "norm_out"), ("outerNorm2", "norm_mlp"), ("outerAttention", "attn_out"),
    ("outerFeedForward", "mlp"), ("queryKey", "qk"), ("values", "v"), ("output", "proj"), ("expand", "fc1"),
    ("contract", "fc2"),
  ]

  private static func timmName(_ path: String) -> String {
    for (ours, theirs) in parts.prefix(2) where path.hasPrefix(ours) { return theirs + path.dropFirst(ours.count) }
    let names = Dictionary(parts, uniquingKeysWith: { first, _ in first })
    return path.split(separator: ".").map { names[String($0)] ?? String($0) }.joined(separator: ".")
  }

  private static func fromTimm(_ tensor: Tensor, like leaf: Leaf) throws -> Tensor {
    let result: Tensor
    switch (leaf.path, tensor.rank) {
    case ("pixelEmbedding.positions", 4): result = tensor.flatten(from: 2).swapAxes(1, 2)
    case (_, 4): result = tensor.transpose([2, 3, 1, 0])
    case (_, 2): result = tensor.transpose()
    default: result = tensor
    }
    if let failure = result.failure { throw failure }
    guard result.type == leaf.tensor.type else {
      throw TensorError.shape(
        "TNT", "timm's '\(timmName(leaf.path))' is \(tensor.type), which doesn't fit \(leaf.tensor.type)")
    }
    return result
  }

  private func toTimm(_ leaf: Leaf) -> Tensor {
    let q = configuration.pixelGrid
    return switch (leaf.path, leaf.tensor.rank) {
    case ("pixelEmbedding.positions", _):
      leaf.tensor.swapAxes(1, 2).reshape([1, configuration.innerWidth, q, q])
    case (_, 4): leaf.tensor.transpose([3, 2, 0, 1])
    case (_, 2): leaf.tensor.transpose()
    default: leaf.tensor
    }
  }
}
