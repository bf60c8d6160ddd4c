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
    let width = hiddenWeight.shape.first ?? 0
    let a = x.matmul(inputWeight) + inputBias
    let b = state.matmul(hiddenWeight) + hiddenBias
    func gate(_ t: Tensor, _ i: Int) -> Tensor { t.slice(axis: -1, from: i * width, to: (i + 1) * width) }
    let reset = (gate(a, 0) + gate(b, 0)).sigmoid()
    let update = (gate(a, 1) + gate(b, 1)).sigmoid()
    let candidate = (gate(a, 2) + reset * gate(b, 2)).tanh()
    return candidate + update * (state - candidate)
  }
}

/// State of a long short-term memory.
public struct LSTMState: Module {
  /// Output [N, hidden].
  public var hidden: Tensor
  /// Memory [N, hidden].
  public var cell: Tensor

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
    let width = hiddenWeight.shape.first ?? 0
    let gates = x.matmul(inputWeight) + inputBias + (state.hidden.matmul(hiddenWeight) + hiddenBias)
    func gate(_ i: Int) -> Tensor { gates.slice(axis: -1, from: i * width, to: (i + 1) * width) }
    let cell = gate(1).sigmoid() * state.cell + gate(0).sigmoid() * gate(2).tanh()
    return LSTMState(hidden: gate(3).sigmoid() * cell.tanh(), cell: cell)
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
