import Pinion

/// The operations that differential.py names, with the attributes that it gives them.
///
/// - Returns: `nil` for a name that isn't there.
func operation(_ name: String, _ x: [Tensor]) -> [Tensor]? {
  if name.hasPrefix("cast "), let dtype = DType(rawValue: String(name.dropFirst(5))) { return [x[0].cast(dtype)] }
  if x.count == 1 {
    if let y = function(name, x[0]) ?? layout(name, x[0]) ?? reduction(name, x[0]) ?? ordered(name, x[0]) { return y }
  }
  if x.count == 2 {
    if let y = arithmetic(name, x[0], x[1]) ?? contraction(name, x[0], x[1]) { return y }
  }
  return indexing(name, x) ?? random(name, x) ?? mixed(name, x)
}

private func function(_ name: String, _ x: Tensor) -> [Tensor]? {
  switch name {
  case "negate": [-x]
  case "abs": [x.abs()]
  case "sign": [x.sign()]
  case "exp": [x.exp()]
  case "expm1": [x.expm1()]
  case "log": [x.log()]
  case "log1p": [x.log1p()]
  case "sqrt": [x.sqrt()]
  case "rsqrt": [x.rsqrt()]
  case "cbrt": [x.cbrt()]
  case "sin": [x.sin()]
  case "cos": [x.cos()]
  case "tan": [x.tan()]
  case "asin": [x.asin()]
  case "acos": [x.acos()]
  case "atan": [x.atan()]
  case "sinh": [x.sinh()]
  case "cosh": [x.cosh()]
  case "tanh": [x.tanh()]
  case "asinh": [x.asinh()]
  case "acosh": [x.acosh()]
  case "atanh": [x.atanh()]
  case "sigmoid": [x.sigmoid()]
  case "floor": [x.floor()]
  case "ceil": [x.ceil()]
  case "round": [x.round()]
  case "truncated": [x.truncated()]
  case "erf": [x.erf()]
  case "erfc": [x.erfc()]
  case "erfInverse": [x.erfInverse()]
  case "lgamma": [x.lgamma()]
  case "digamma": [x.digamma()]
  case "polygamma": [polygamma(2, x)]
  case "square": [x.square()]
  case "reciprocal": [x.reciprocal()]
  case "powHalf": [x.pow(2.5)]
  case "clamp": [x.clamp(min: -0.5, max: 0.7)]
  case "isFinite": [x.isFinite()]
  case "isNaN": [x.isNaN()]
  case "stopGradient": [x * stopGradient(x)]
  case "copy": [x.copy()]
  case "real": [x.real()]
  case "imaginary": [x.imaginary()]
  case "conjugate": [x.conjugate()]
  case "not": [~x]
  case "populationCount": [x.populationCount()]
  case "leadingZeroBitCount": [x.leadingZeroBitCount()]
  case "bitcast": [x.bitcast(.uint32)]
  default: nil
  }
}

private func arithmetic(_ name: String, _ a: Tensor, _ b: Tensor) -> [Tensor]? {
  switch name {
  case "add": [a + b]
  case "subtract": [a - b]
  case "multiply": [a * b]
  case "divide": [a / b]
  case "remainder": [a % b]
  case "power": [a ** b]
  case "maximum": [maximum(a, b)]
  case "minimum": [minimum(a, b)]
  case "atan2": [a.atan2(b)]
  case "nextAfter": [a.nextAfter(b)]
  case "logAddExp": [logAddExp(a, b)]
  case "and": [a & b]
  case "or": [a | b]
  case "xor": [a ^ b]
  case "shiftLeft": [a << b]
  case "shiftRight": [a >> b]
  case "shiftRightLogical": [a.shiftRightLogical(b)]
  case "equal": [a .== b]
  case "notEqual": [a .!= b]
  case "less": [a .< b]
  case "lessEqual": [a .<= b]
  case "greater": [a .> b]
  case "greaterEqual": [a .>= b]
  case "complex": [complex(a, b)]
  default: nil
  }
}

private func layout(_ name: String, _ x: Tensor) -> [Tensor]? {
  switch name {
  case "reshape": [x.reshape([3, 4])]
  case "flatten": [x.flatten(from: 1)]
  case "transpose": [x.transpose()]
  case "permute": [x.transpose([1, 2, 0])]
  case "swapAxes": [x.swapAxes(0, 2)]
  case "moveAxis": [x.moveAxis(from: 0, to: 1)]
  case "broadcast": [x.broadcast(to: [2, 4, 3])]
  case "expandDims": [x.expandDims(1)]
  case "squeeze": [x.squeeze(axis: 0)]
  case "slice": [x.slice(axis: 1, from: 1, to: 6, step: 2)]
  case "subscript": [x[-1, .newAxis, 0..<2, .by(2)]]
  case "pad": [x.pad(low: [1, 2], high: [0, 1], interior: [0, 1], value: 0.5)]
  case "crop": [x.pad(low: [-1, 0], high: [1, -1])]
  case "reverse": [x.reverse([0, 2])]
  case "tile": [x.tile([2, 3])]
  case "repeated": [x.repeated(2, axis: 1)]
  case "rearrange": [rearrange(x, "(a b) h w -> (a w) b h", ["a": 2])]
  case "reducePattern": [reduce(x, "(a 2) b -> a b", .max)]
  case "repeatPattern": [repeated(x, "a b -> a k b", ["k": 2])]
  case "iota": [x + Tensor.iota([2, 3], axis: 1, dtype: x.dtype)]
  case "oneHot": [oneHot(x, classes: 4)]
  default: nil
  }
}

private func reduction(_ name: String, _ x: Tensor) -> [Tensor]? {
  switch name {
  case "sum": [x.sum(0, 2)]
  case "sumAll": [x.sum()]
  case "sumKeep": [x.sum(1, keepDims: true)]
  case "product": [x.product(1)]
  case "max": [x.max(1)]
  case "min": [x.min(1)]
  case "argMax": [x.argMax(axis: 0)]
  case "argMin": [x.argMin(axis: 0)]
  case "any": [x.any(1)]
  case "all": [x.all(1)]
  case "mean": [x.mean(1)]
  case "variance": [x.variance(axes: [1])]
  case "varianceSample": [x.variance(axes: [0], keepDims: true, ddof: 1)]
  case "standardDeviation": [x.standardDeviation()]
  case "logSumExp": [x.logSumExp()]
  case "softmax": [x.softmax()]
  case "logSoftmax": [x.logSoftmax(axis: 0)]
  case "einsum trace": [einsum("iij->j", x)]
  case "maxPool": [x.maxPool(window: [2, 2])]
  case "maxPoolSame": [x.maxPool(window: [3], strides: [2], padding: .same)]
  case "minPool": [x.minPool(window: [2, 3], strides: [1, 1])]
  case "averagePool": [x.averagePool(window: [3], strides: [2], padding: .same)]
  case "averagePoolInside": [x.averagePool(window: [3], strides: [2], padding: .same, countsPadding: false)]
  default: nil
  }
}

private func ordered(_ name: String, _ x: Tensor) -> [Tensor]? {
  switch name {
  case "sorted": [x.sorted(axis: 0)]
  case "sortedDown": [x.sorted(descending: true)]
  case "argSort": [x.argSort()]
  case "argSort down": [x.argSort(descending: true)]
  case "topK": [x.topK(2).values, x.topK(2).indices]
  case "topK axis 0": [x.topK(3, axis: 0).values, x.topK(3, axis: 0).indices]
  case "cumulativeSum": [x.cumulativeSum()]
  case "cumulativeProduct": [x.cumulativeProduct()]
  case "cumulativeMax": [x.cumulativeMax()]
  case "cumulativeMin": [x.cumulativeMin()]
  case "cumulativeSumBack": [x.cumulativeSum(axis: 0, reverse: true, exclusive: true)]
  case "cumulativeProductBack": [x.cumulativeProduct(axis: 0, reverse: true, exclusive: true)]
  case "cumulativeMaxExclusive": [x.cumulativeMax(exclusive: true)]
  case "cumulativeMinBack": [x.cumulativeMin(reverse: true)]
  case "cumulativeLogSumExp": [x.cumulativeLogSumExp()]
  default: nil
  }
}

private func contraction(_ name: String, _ a: Tensor, _ b: Tensor) -> [Tensor]? {
  switch name {
  case "matmul": [a.matmul(b)]
  case "dotGeneral": [dotGeneral(a, b, batch: ([1], [0]), contract: ([2], [1]))]
  case "dotGeneral two": [dotGeneral(a, b, contract: ([0, 2], [2, 0]))]
  case "einsum batch": [einsum("bij,bkj->bik", a, b)]
  case "einsum outer": [einsum("i,jk->kij", a, b)]
  case "einsum dots": [einsum("...ij,jk->...ik", a, b)]
  case "convolution 1d": [convolution(a, b)]
  case "convolution 2d":
    [convolution(a, b, strides: [2, 1], padding: .explicit([[1, 0], [1, 2]]), kernelDilation: [1, 2])]
  case "convolution groups": [convolution(a, b, padding: .same, groups: 2)]
  case "convolution dilated": [convolution(a, b, padding: .explicit([[2, 1]]), inputDilation: [2])]
  case "convolution 3d": [convolution(a, b)]
  case "convolutionTransposed": [convolutionTransposed(a, b, strides: [2])]
  default: nil
  }
}

private func indexing(_ name: String, _ x: [Tensor]) -> [Tensor]? {
  switch name {
  case "take": [x[0].take(x[1])]
  case "take 1": [x[0].take(x[1], axis: 1)]
  case "takeAlong": [x[0].takeAlong(x[1], axis: 1)]
  case "scatterAdd": [x[0].scatterAdd(x[1], x[2])]
  case "scatterSet": [x[0].scatterSet(x[1], x[2])]
  case "scatterMax": [x[0].scatterMax(x[1], x[2])]
  case "scatterMin": [x[0].scatterMin(x[1], x[2])]
  case "scatterAddAlong": [x[0].scatterAddAlong(x[1], x[2], axis: 1)]
  case "scatterSetAlong": [x[0].scatterSetAlong(x[1], x[2], axis: 1)]
  case "dynamicSlice": [x[0].dynamicSlice(starts: Array(x[1...]), sizes: [2, 2])]
  case "dynamicUpdateSlice": [x[0].dynamicUpdateSlice(x[1], starts: Array(x[2...]))]
  default: nil
  }
}

private func mixed(_ name: String, _ x: [Tensor]) -> [Tensor]? {
  switch name {
  case "select": [select(x[0], x[1], x[2])]
  case "clampTensors": [x[0].clamp(min: x[1], max: x[2])]
  case "concatenate": [concatenate(x, axis: 1)]
  case "stack": [stack(x, axis: -1)]
  case "einsum three": [einsum("ij,jk,kl->il", x)]
  case "sortTogether": sortTogether(x[0], [x[1]])
  default: nil
  }
}

private func random(_ name: String, _ x: [Tensor]) -> [Tensor]? {
  let key = Key(words: x[0])
  return switch name {
  case "bits": [key.bits([3])]
  case "uniform": [key.uniform([2, 2])]
  case "uniform64": [key.uniform([3], dtype: .float64)]
  case "normal": [key.normal([3])]
  case "split": [key.split(3)[1].foldIn(7).words]
  case "randint": [key.randint([4], from: -5, to: 50)]
  case "permutation": [key.permutation(6)]
  case "bernoulli": [key.bernoulli(x[1])]
  case "categorical": [key.categorical(x[1])]
  default: nil
  }
}
