import NN
import Pinion

/// How large workloads are.
enum Size: String, Codable, CaseIterable, Sendable {
  /// What is measured.
  case standard
  /// Small enough to be tested in a moment.
  case tiny

  func pick<T>(_ standard: T, tiny: T) -> T { self == .standard ? standard : tiny }
}

/// Does one step, and gives a number by which peers can be compared.
typealias Step = () throws -> Tensor

/// One computation that all peers do alike.
struct Workload: Sendable {
  enum Kind: String, Codable, Sendable {
    /// A step of training: the loss falls.
    case training
    /// Arrays without a model.
    case computation
    /// What a call costs besides its computation.
    case overhead
  }

  let name: String
  /// Sizes in words.
  let title: String
  let kind: Kind
  /// Numbers that peers can't read off the tensors' shapes.
  let settings: @Sendable (Size) -> [String: Int]
  /// First weights under `model.`, data under `data.`.
  let prepare: @Sendable (Size) throws -> [String: Tensor]
  /// The step, given what `prepare` made.
  let start: @Sendable (Size, [String: Tensor]) throws -> Step

  /// A workload of the standard form: a model, one batch, an optimizer and a loss.
  static func training<M: Module, O: Optimizer>(
    _ name: String, _ title: String, settings: @escaping @Sendable (Size) -> [String: Int] = { _ in [:] },
    model: @escaping @Sendable (Size) throws -> M, data: @escaping @Sendable (Size) throws -> [String: Tensor],
    optimizer: @escaping @Sendable (M) throws -> O,
    loss: @escaping @Sendable (inout M, [String: Tensor]) throws -> Tensor
  ) -> Workload where O.Model == M {
    Workload(
      name: name, title: title, kind: .training, settings: settings,
      prepare: { size in try named(model(size), data(size)) },
      start: { size, tensors in
        var initial = try model(size)
        try load(part("model", of: tensors), into: &initial)
        var state = TrainState(model: initial, optimizer: try optimizer(initial), key: Key(0))
        let step = trainStep(for: O.self) { model, batch, _ in try loss(&model, batch) }
        let batch = part("data", of: tensors)
        return {
          let (next, value) = try step(state, batch)
          state = next
          return value
        }
      })
  }

  /// A workload that computes the same from the same data in each step: an array, and a number made of it.
  static func computation(
    _ name: String, _ title: String, settings: @escaping @Sendable (Size) -> [String: Int] = { _ in [:] },
    data: @escaping @Sendable (Size) throws -> [String: Tensor],
    _ function: @escaping @Sendable ([String: Tensor], Size) throws -> (value: Tensor, array: Tensor)
  ) -> Workload {
    Workload(
      name: name, title: title, kind: .computation, settings: settings,
      prepare: { try named([Tensor](), data($0)) },
      start: { size, tensors in
        let compiled = jit { (data: [String: Tensor]) in
          let (value, array) = try function(data, size)
          return (value, array)
        }
        let data = part("data", of: tensors)
        return { try compiled(data).0 }
      })
  }
}

/// Weights and data in one list of names.
func named<M: Tree>(_ model: M, _ data: [String: Tensor]) throws -> [String: Tensor] {
  var tensors: [String: Tensor] = [:]
  for (name, tensor) in try parameters(of: model) { tensors["model.\(name)"] = tensor }
  for (name, tensor) in data { tensors["data.\(name)"] = tensor }
  return tensors
}

/// The tensors whose names begin with `prefix` and a point, without that.
func part(_ prefix: String, of tensors: [String: Tensor]) -> [String: Tensor] {
  var found: [String: Tensor] = [:]
  for (name, tensor) in tensors where name.hasPrefix(prefix + ".") {
    found[String(name.dropFirst(prefix.count + 1))] = tensor
  }
  return found
}

extension Workload {
  /// The suite, in the order of the table.
  static let all: [Workload] =
    [mlp, gptWide, gptNarrow, visionTransformer, transformerInTransformer]
    + [convnet, resnet18, dcgan, gru, lstm, perExampleMLP, perExampleConvnet, embedding]
    + [cholesky, pendulums, annealedLangevin, virtualTrajectories, elementwise, reductions, softmax, fourier]
    + [callOverhead, callUnchanged]

  static func find(_ name: String) -> Workload? { all.first { $0.name == name } }
}
