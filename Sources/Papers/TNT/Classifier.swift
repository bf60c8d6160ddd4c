import Lab
import NN
import Pinion

/// A network from pictures to class scores.
public protocol ImageClassifier: Module {
  /// Logits [B, classes] of images [B, H, W, channels]; with a key, residual branches are dropped for training.
  func callAsFunction(_ images: Tensor, key: Key?) -> Tensor
}

extension TNT: ImageClassifier {}
extension DeiT: ImageClassifier {}
extension ConvNet: ImageClassifier {}

/// Networks that the experiment compares.
public enum Architecture: String, Codable, CaseIterable, Sendable {
  /// Transformer in Transformer.
  case tnt
  /// Its outer transformer alone, at equal width.
  case deit
  /// Its outer transformer alone, wider, at about equal multiply-adds.
  case wideDeit = "deit-wide"
  /// A small residual convolutional network of about as many parameters.
  case convNet = "convnet"
  /// TNT without position tables inside patches.
  case tntOuterPositions = "tnt-outer-positions"
  /// TNT without position tables of patches.
  case tntInnerPositions = "tnt-inner-positions"
  /// TNT without any position table.
  case tntNoPositions = "tnt-no-positions"
  /// TNT whose pixel features don't reach the patches.
  case tntNoInjection = "tnt-no-injection"

  /// Name in tables and charts.
  public var title: String {
    switch self {
    case .tnt: "TNT"
    case .deit: "DeiT, equal width"
    case .wideDeit: "DeiT, equal multiply-adds"
    case .convNet: "ConvNet, equal parameters"
    case .tntOuterPositions: "TNT, outer positions only"
    case .tntInnerPositions: "TNT, inner positions only"
    case .tntNoPositions: "TNT, no positions"
    case .tntNoInjection: "TNT, no injection"
    }
  }

  /// Whether the network has a learning rate and a cost of its own; ablations have TNT's.
  public var isTuned: Bool { [.tnt, .deit, .wideDeit, .convNet].contains(self) }

  /// Peak learning rate that the full run chose on held-out pictures among 5e-4, 1e-3 and 2e-3, for each network alike.
  var tunedRate: Double {
    switch self {
    case .deit: 2e-3
    case .wideDeit: 5e-4
    default: 1e-3
    }
  }

  /// TNT's sizes as this network has them.
  ///
  /// - Parameter wideWidth: width of the wide DeiT.
  public func configuration(_ tnt: TNTConfiguration, wideWidth: Int) -> TNTConfiguration {
    var c = tnt
    switch self {
    case .tnt, .deit, .convNet: break
    case .wideDeit: c.width = wideWidth
    case .tntOuterPositions: c.innerPositions = false
    case .tntInnerPositions: c.outerPositions = false
    case .tntNoPositions: (c.innerPositions, c.outerPositions) = (false, false)
    case .tntNoInjection: c.inject = false
    }
    return c
  }

  /// The network with fresh weights.
  ///
  /// - Parameters:
  ///   - configuration: sizes.
  ///   - initializer: of matrices. The paper's truncated normal of 0.02 is made for its widths; at laptop widths it
  ///     leaves the signal far too small.
  /// - Throws: `TensorError` where sizes don't fit together.
  public func make(
    _ configuration: TNTConfiguration, key: Key, initializer: Initializer = .fanInUniform
  ) throws -> any ImageClassifier {
    switch self {
    case .deit, .wideDeit: try DeiT(configuration, key: key, initializer: initializer)
    case .convNet: ConvNet(channels: configuration.channels, classes: configuration.classes, key: key)
    default: try TNT(configuration, key: key, initializer: initializer)
    }
  }
}
