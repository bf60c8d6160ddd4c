import Pinion

/// One step of a gated recurrent unit. Cho et al., 2014, with PyTorch's place of the reset gate.
public struct GRUCell: Module {
  /// Kernel [in, 3·hidden] of the input, for reset gate, update gate and candidate.
  public var inputWeight: Tensor
  /// Kernel [hidden, 3·hidden] of the state.
  public var hiddenWeight: Tensor
  /// Offsets [3·hidden] of the input.
  public var inputBias: Tensor
  /// Offsets [3·hidden] of the state.
  public var hiddenBias: Tensor

  /// First values are uniform between ±1/√hidden.
  public init(_ inputs: Int, _ hidden: Int, key: Key) {
    (inputWeight, hiddenWeight, inputBias, hiddenBias) = recurrent(inputs, hidden, gates: 3, key: key)
  }

  /// - Parameters:
  ///   - x: input [N, in].
  ///   - state: [N, hidden].
  /// - Returns: the next state [N, hidden].
  public func callAsFunction(_ x: Tensor, _ state: Tensor) -> Tensor {
    let a = (x.matmul(inputWeight) + inputBias).split(3, axis: -1)
    let b = (state.matmul(hiddenWeight) + hiddenBias).split(3, axis: -1)
    let reset = (a[0] + b[0]).sigmoid()
    let update = (a[1] + b[1]).sigmoid()
    let candidate = (a[2] + reset * b[2]).tanh()
    return candidate + update * (state - candidate)
  }
}

/// State of a long short-term memory.
public struct LSTMState: Module {
  /// Output [N, hidden].
  public var hidden: Tensor
  /// Memory [N, hidden].
  public var cell: Tensor

  /// Output and memory, each [N, hidden].
  public init(hidden: Tensor, cell: Tensor) {
    self.hidden = hidden
    self.cell = cell
  }
}

/// One step of a long short-term memory. Hochreiter and Schmidhuber, 1997, with forget gate.
public struct LSTMCell: Module {
  /// Kernel [in, 4·hidden] of the input, for input gate, forget gate, candidate and output gate.
  public var inputWeight: Tensor
  /// Kernel [hidden, 4·hidden] of the state.
  public var hiddenWeight: Tensor
  /// Offsets [4·hidden] of the input.
  public var inputBias: Tensor
  /// Offsets [4·hidden] of the state.
  public var hiddenBias: Tensor

  /// First values are uniform between ±1/√hidden.
  public init(_ inputs: Int, _ hidden: Int, key: Key) {
    (inputWeight, hiddenWeight, inputBias, hiddenBias) = recurrent(inputs, hidden, gates: 4, key: key)
  }

  /// - Parameters:
  ///   - x: input [N, in].
  ///   - state: output and memory, each [N, hidden].
  /// - Returns: the next state.
  public func callAsFunction(_ x: Tensor, _ state: LSTMState) -> LSTMState {
    let sums = x.matmul(inputWeight) + (inputBias + hiddenBias) + state.hidden.matmul(hiddenWeight)
    // As sigmoid(z) = tanh(z / 2) / 2 + 1 / 2, one function serves all gates; the candidate's is tanh itself.
    let width = state.cell.shape.last ?? 0
    let half = concatenate([0.5, 0.5, 1, 0.5].map { Tensor.full([width], $0, dtype: sums.dtype) })
    let gates = ((sums * half).tanh() * half + (1 - half)).split(4, axis: -1)
    let cell = gates[1] * state.cell + gates[0] * gates[2]
    return LSTMState(hidden: gates[3] * cell.tanh(), cell: cell)
  }
}

private func recurrent(_ inputs: Int, _ hidden: Int, gates: Int, key: Key) -> (Tensor, Tensor, Tensor, Tensor) {
  let keys = key.split(4)
  let uniform = Initializer.uniform(1 / Double(max(hidden, 1)).squareRoot())
  let width = gates * hidden
  return (
    uniform([inputs, width], key: keys[0]), uniform([hidden, width], key: keys[1]), uniform([width], key: keys[2]),
    uniform([width], key: keys[3])
  )
}
