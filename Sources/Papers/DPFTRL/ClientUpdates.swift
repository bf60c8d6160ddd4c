import NN
import Pinion

/// What a client carries from step to step.
private struct LocalState<Model: Module>: Module {
  var model: Model
  var loss: Tensor
}

/// Updates of clients, the unit of privacy of the federated form: each client trains a copy of the model on its own rows,
/// and what that changes is clipped and summed. McMahan, Ramage, Talwar, Zhang, 2018.
public struct ClientUpdates<Model: PrivateClassifier>: Sendable {
  /// Steps that a client takes on its rows, each on as many of them.
  public var localSteps: Int
  /// Learning rate of those steps.
  public var localRate: Double
  let scaling: @Sendable (Tensor) -> Tensor

  /// - Parameter scaling: from stored rows to a network's inputs.
  public init(localSteps: Int, localRate: Double, scaling: @escaping @Sendable (Tensor) -> Tensor) {
    self.localSteps = localSteps
    self.localRate = localRate
    self.scaling = scaling
  }

  /// Sum of the clipped updates of some clients, with the sign of a gradient: first weights minus trained ones.
  ///
  /// - Parameters:
  ///   - data: rows [N, …] and labels [N] of all clients.
  ///   - places: rows of each client [clients, L]; L divides by `localSteps`.
  ///   - weights: 1 for rows that count, 0 for what fills up; a client without any adds nothing [clients, L].
  ///   - norm: the largest norm of an update.
  /// - Throws: `TensorError`.
  public func callAsFunction(
    _ model: Model, data: [Tensor], places: Tensor, weights: Tensor, norm: Tensor
  ) throws -> ClippedGradients {
    guard data.count == 2, places.rank == 2, let length = places.shape.last, length % localSteps == 0 else {
      throw TensorError.shape(
        "ClientUpdates", "places are \(places.shape), expected [clients, rows] with rows in \(localSteps) parts")
    }
    let each = vmap(inAxes: [nil, 0, 0]) { (model: Model, places: Tensor, weights: Tensor) throws -> (Model, Tensor) in
      let parts = [places, weights].map { $0.reshape([localSteps, length / localSteps]) }
      let start = LocalState(model: model, loss: Tensor.zeros([]))
      let end = try scan(start, over: parts) { carry, part in
        let inputs = scaling(data[0].take(part[0]))
        let labels = data[1].take(part[0])
        let (loss, slopes) = try valueAndGrad(carry.model) { model in
          let losses = crossEntropy(model(inputs), labels, reduction: .none)
          return (losses * part[1]).sum() / maximum(part[1].sum(), 1)
        }
        let moved = try replacing(
          leaves: zip(tensorLeaves(of: carry.model), tensorLeaves(of: slopes)).map { $0 - localRate * $1 },
          in: carry.model)
        return (LocalState(model: moved, loss: carry.loss + loss), [Tensor]())
      }.carried
      let change = try replacing(
        leaves: zip(tensorLeaves(of: model), tensorLeaves(of: end.model)).map { $0 - $1 }, in: model)
      return (change, end.loss / Double(localSteps))
    }
    let (changes, losses) = try each(model, places, weights)
    return try PerExampleGradients<Model>.clippedSum(changes, losses: losses, weights: weights.max(1), norm: norm)
  }
}
