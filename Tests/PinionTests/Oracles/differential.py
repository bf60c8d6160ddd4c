"""Writes differential.json: what jax makes of each operation in OperationTable.swift, for DifferentialTests.

A case has an operation, inputs, and for three examples of the inputs the values (vmapped in jax), and for the first
example the gradients of a sum with fixed weights. Inputs are made by the congruence of `numbers` in Support.swift.
Run with a Python that has jax: python differential.py
"""
import base64
import json
import pathlib
import sys

sys.path.append(sys.path.pop(0))  # Last, as random.py beside this file isn't the standard library's.
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from oracle import numbers

jax.config.update("jax_enable_x64", True)
f32, f64, f16, bf16 = "float32", "float64", "float16", "bfloat16"
c64, c128, i8, i32, i64, u8, u32 = "complex64", "complex128", "int8", "int32", "int64", "uint8", "uint32"
nan, inf = float("nan"), float("inf")
EXAMPLES = 3
cases, used = [], set()


def F(shape, low=-1.0, high=1.0, dtype=f32, seed=1):
    return {"d": dtype, "s": list(shape), "low": low, "high": high, "seed": seed}


def V(values, dtype=f32):
    """Given numbers; the next example has them rolled by one."""
    x = np.array(values)
    return {"d": dtype, "s": list(x.shape), "values": [str(v) if np.isnan(v) or np.isinf(v) else float(v) for v in x.ravel().astype(float)]}


def example(spec, e):
    shape, dtype = spec["s"], spec["d"]
    if "values" in spec:
        return np.roll(np.array([float(v) for v in spec["values"]]), -e).reshape(shape).astype(jnp.dtype(dtype))
    x = numbers(shape, spec["low"], spec["high"], spec["seed"] + 37 * e)
    if dtype in (c64, c128):
        x = x + 1j * numbers(shape, spec["low"], spec["high"], spec["seed"] + 37 * e + 1000)
    if dtype == "bool":
        x = x > 0
    elif dtype[0] in "iu":
        x = np.floor(x)
    return x.astype(jnp.dtype(dtype))


def put(x):
    x = np.asarray(x)
    return {"d": str(x.dtype), "s": list(x.shape), "b": base64.b64encode(x.tobytes()).decode()}


def weights(shape, dtype):
    n = int(np.prod(shape))
    return (0.5 + (np.arange(n) * 7 % 11) / 11).reshape(shape).astype(jnp.dtype(dtype))


def case(op, f, *inputs, grads=True, loose=1):
    """`loose`: how many times the tolerance of the type; each use says why."""

    def run(*xs):
        ys = f(*xs)
        ys = list(ys) if isinstance(ys, (tuple, list)) else [ys]
        # Places are int32 with us.
        return [y.astype(i32) if y.dtype == jnp.int64 and op in PLACES else y for y in ys]

    number = len(cases)
    # Every pattern of operands with and without examples comes up, and every axis.
    mask = number % (2 ** len(inputs) - 1) + 1
    axes = [((number + i) % (len(s["s"]) + 1)) if mask >> i & 1 else None for i, s in enumerate(inputs)]
    first = [example(s, 0) for s in inputs]
    given = [
        x if a is None else np.stack([example(s, e) for e in range(EXAMPLES)], a)
        for s, a, x in zip(inputs, axes, first)
    ]
    shapes = jax.eval_shape(run, *first)
    floating = [i for i, x in enumerate(first) if jnp.issubdtype(x.dtype, jnp.inexact)]
    graded = grads and floating and any(jnp.issubdtype(y.dtype, jnp.inexact) for y in shapes)

    def loss(*xs):
        ys = [y for y in run(*xs) if jnp.issubdtype(y.dtype, jnp.inexact)]
        return sum((y * weights(y.shape, y.dtype)).sum().real.astype(f64) for y in ys)

    def everything(first, given):
        gradients = jax.grad(loss, tuple(floating))(*first) if graded else []
        return run(*first), jax.vmap(run, in_axes=tuple(axes))(*given), gradients

    values, vmapped, gradients = jax.jit(everything)(first, given)
    entry = {"op": op, "inputs": list(inputs), "axes": axes}
    entry |= {"values": [put(y) for y in values], "vmap": [put(y) for y in vmapped]}
    if graded:
        entry["gradients"] = [put(g) for g in gradients]
    if loose != 1:
        entry["loose"] = loose
    cases.append(entry)
    used.add(op)


PLACES = {"argMax", "argMin", "argSort", "argSort down", "topK", "topK axis 0"}


def wrapped(i, n):
    return jnp.where(i < 0, i + n, i)


def onward(f, axis=-1, reverse=False, exclusive=None):
    """A cumulative function with our `reverse` and `exclusive` (a value that comes in)."""

    def g(x):
        y = jnp.flip(x, axis) if reverse else x
        if exclusive is not None:
            y = jnp.concatenate([jnp.full_like(jnp.take(y, jnp.array([0]), axis), exclusive), y.take(jnp.arange(y.shape[axis] - 1), axis)], axis)
        y = f(y, axis % x.ndim)
        return jnp.flip(y, axis) if reverse else y

    return g


# Elementwise, one operand: a domain away from poles.
unary = {
    "negate": (jnp.negative, -2, 2), "abs": (jnp.abs, -2, 2), "sign": (jnp.sign, -2, 2), "exp": (jnp.exp, -2, 2),
    "expm1": (jnp.expm1, -1, 1), "log": (jnp.log, 0.2, 4), "log1p": (jnp.log1p, -0.5, 2), "sqrt": (jnp.sqrt, 0.2, 4),
    "rsqrt": (lax.rsqrt, 0.2, 4), "cbrt": (jnp.cbrt, 0.2, 4), "sin": (jnp.sin, -3, 3), "cos": (jnp.cos, -3, 3),
    "tan": (jnp.tan, -1, 1), "asin": (jnp.arcsin, -0.9, 0.9), "acos": (jnp.arccos, -0.9, 0.9),
    "atan": (jnp.arctan, -3, 3), "sinh": (jnp.sinh, -2, 2), "cosh": (jnp.cosh, -2, 2), "tanh": (jnp.tanh, -2, 2),
    "asinh": (jnp.arcsinh, -3, 3), "acosh": (jnp.arccosh, 1.2, 4), "atanh": (jnp.arctanh, -0.9, 0.9),
    "sigmoid": (jax.nn.sigmoid, -3, 3), "floor": (jnp.floor, -3, 3), "ceil": (jnp.ceil, -3, 3),
    "round": (jnp.round, -3, 3), "truncated": (jnp.trunc, -3, 3), "erf": (jax.scipy.special.erf, -2, 2),
    "erfc": (jax.scipy.special.erfc, -2, 2), "erfInverse": (jax.scipy.special.erfinv, -0.9, 0.9),
    "lgamma": (jax.scipy.special.gammaln, 0.5, 4), "digamma": (jax.scipy.special.digamma, 0.5, 4),
    "polygamma": (lambda x: jax.scipy.special.polygamma(2, x), 0.5, 4), "square": (jnp.square, -2, 2),
    "reciprocal": (lambda x: 1 / x, 0.5, 3), "powHalf": (lambda x: x**2.5, 0.3, 3),
    "clamp": (lambda x: jnp.clip(x, -0.5, 0.7), -2, 2), "isFinite": (jnp.isfinite, -1, 1), "isNaN": (jnp.isnan, -1, 1),
    "stopGradient": (lambda x: x * lax.stop_gradient(x), -1, 1), "copy": (lambda x: x, -1, 1),
}
heavy = {"lgamma", "digamma", "polygamma", "erfInverse", "erfc"}
for name, (f, low, high) in unary.items():
    # The first derivative of lgamma, digamma and the like is a long series.
    case(name, f, F([3], low, high, f32), loose=8 if name in heavy else 1)
    case(name, f, F([2, 2], low, high, f64, 5))
for name in ("exp", "log", "tanh", "sqrt", "sin", "abs", "floor", "square", "sigmoid", "negate", "erf"):
    f, low, high = unary[name]
    for t in (f16, bf16):
        case(name, f, F([4], low, high, t))
for name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "sinh", "abs", "square", "reciprocal", "negate", "sign", "log1p"):
    f, low, high = unary[name]
    case(name, f, F([3], 0.2, 1.4, c128), grads=name != "sign")  # That of sign is 0 in jax.
case("exp", jnp.exp, F([2, 2], 0.2, 1.4, c64))
case("real", jnp.real, F([3], -1, 1, c64))
case("imaginary", jnp.imag, F([3], -1, 1, c128))
case("conjugate", jnp.conj, F([2, 2], -1, 1, c64))
for name in ("abs", "sign", "negate"):
    case(name, unary[name][0], F([5], -9, 9, i32))
case("not", jnp.invert, F([4], -9, 9, i32))
case("not", jnp.invert, F([4], dtype="bool"))
case("populationCount", lax.population_count, F([4], 0, 255, u8))
case("leadingZeroBitCount", lax.clz, F([4], 0, 9999, i32))
edges = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 2.5, -2.5]
for name in ("isFinite", "isNaN", "abs", "sign", "round", "truncated", "exp", "tanh", "sigmoid", "sqrt"):
    case(name, unary[name][0], V(edges), grads=False)
for name in ("abs", "sign", "clamp"):  # Derivatives at the kinks; that of abs at 0 is 0 with us, 1 in jax.
    case(name, unary[name][0], V([0.0, -0.5, 0.7, 1.0]), grads=name != "abs")

# Two operands.
binary = {
    "add": jnp.add, "subtract": jnp.subtract, "multiply": jnp.multiply, "divide": jnp.divide, "remainder": lax.rem,
    "power": jnp.power, "maximum": jnp.maximum, "minimum": jnp.minimum, "atan2": jnp.arctan2,
    "nextAfter": jnp.nextafter, "logAddExp": jnp.logaddexp,
}
shapes = [([2, 3], [2, 3]), ([3, 1], [1, 2]), ([4], []), ([2, 2], [2]), ([1], [3]), ([0, 2], [2])]


def broadcasting(f):
    return lambda a, b: f(*jnp.broadcast_arrays(a, b))


for n, (name, f) in enumerate(binary.items()):
    a, b = shapes[n % len(shapes)]
    case(name, broadcasting(f), F(a, 0.3, 2, f32), F(b, 0.5, 1.5, f32, 2), grads=name != "nextAfter")
    a, b = shapes[(n + 1) % len(shapes)]
    case(name, broadcasting(f), F(a, 0.3, 2, f64), F(b, 0.5, 1.5, f64, 2), grads=name != "nextAfter")
for name in ("add", "subtract", "multiply", "divide", "maximum", "power"):
    case(name, broadcasting(binary[name]), F([2, 2], 0.5, 2, bf16), F([2], 0.5, 1.5, bf16, 2))
    case(name, broadcasting(binary[name]), F([3], 0.5, 2, f16), F([3], 0.5, 1.5, f16, 2))
for name in ("add", "subtract", "multiply", "divide", "power"):
    case(name, broadcasting(binary[name]), F([2, 2], 0.5, 2, c128), F([2], 0.5, 1.5, c128, 2))
for name in ("add", "subtract", "multiply", "maximum", "minimum", "remainder"):
    case(name, broadcasting(binary[name]), F([5], -90, 90, i8), F([5], 1, 90, i8, 2))
    case(name, broadcasting(binary[name]), F([2, 2], 0, 2**31, u32), F([2], 1, 999, u32, 2))
case("divide", broadcasting(lax.div), F([6], -99, 99, i64), F([6], 1, 20, i64, 2))  # Towards zero, as XLA.
tied = V([1.0, 2.0, nan, inf, -inf, 0.0])
for name in ("maximum", "minimum", "logAddExp"):
    case(name, binary[name], tied, V([1.0, 3.0, 1.0, inf, -inf, -1.0]), grads=False)
for name in ("maximum", "minimum"):
    case(name, binary[name], V([1.0, 2.0, 3.0]), V([1.0, 2.5, 1.0]))
case("power", binary["power"], V([0.0, 0.0, 2.0, -2.0]), V([0.0, 2.0, 0.0, 3.0]), grads=False)
for name, f in {"and": jnp.bitwise_and, "or": jnp.bitwise_or, "xor": jnp.bitwise_xor}.items():
    case(name, f, F([4], dtype="bool"), F([4], dtype="bool", seed=2))
    case(name, broadcasting(f), F([2, 3], -99, 99, i32), F([3], -99, 99, i32, 2))
for name, f in {"shiftLeft": jnp.left_shift, "shiftRight": jnp.right_shift, "shiftRightLogical": lax.shift_right_logical}.items():
    case(name, f, F([4], -999, 999, i32), F([4], 0, 9, i32, 2))
case("shiftRight", jnp.right_shift, F([4], 0, 250, u8), F([4], 0, 6, u8, 2))
for name, f in {"equal": jnp.equal, "notEqual": jnp.not_equal, "less": jnp.less, "lessEqual": jnp.less_equal, "greater": jnp.greater, "greaterEqual": jnp.greater_equal}.items():
    case(name, f, tied, V([1.0, 3.0, nan, inf, 1.0, -0.0]))
    case(name, broadcasting(f), F([2, 3], -3, 3, i32), F([3], -3, 3, i32, 2))
case("equal", jnp.equal, F([3], 0, 1, c64), F([3], 0, 1, c64))
case("select", jnp.where, F([2, 3], dtype="bool"), F([2, 3]), F([2, 3], seed=2))
case("select", lambda c, a, b: jnp.where(c, a, b), F([3], dtype="bool"), F([2, 3], dtype=f64), F([2, 1], dtype=f64, seed=2))
case("select", jnp.where, F([], dtype="bool"), F([2], -9, 9, i32), F([2], -9, 9, i32, 2))
case("clampTensors", lambda x, a, b: jnp.minimum(jnp.maximum(x, a), b), F([2, 3], -2, 2), F([3], -1, 0), F([], 0.2, 1))
case("complex", lax.complex, F([3]), F([3], seed=2))
for t, low, high, target in ((f32, -9, 9, i32), (i32, -99, 99, f32), (f32, -9, 9, bf16), (f64, -9, 9, f32), (f32, -2, 2, f64), ("bool", -1, 1, f32), (c64, -1, 1, c128), (f64, -1, 1, f16), (i32, -999, 999, u8), (f32, -1, 1, c64)):
    case(f"cast {target}", lambda x, target=target: x.astype(target), F([2, 3], low, high, t))
case("cast bool", lambda x: x.astype(bool), V([0.0, 1.0, nan, -2.0]))
case("bitcast", lambda x: lax.bitcast_convert_type(x, u32), F([4]))

# Layout.
x23, x234 = F([2, 3]), F([2, 3, 4], dtype=f64)
case("reshape", lambda x: x.reshape(3, 4), F([2, 6]))
case("reshape", lambda x: x.reshape(3, 4), F([3, 2, 2], dtype=f64))
case("reshape", lambda x: x.reshape(3, 4), F([12], -99, 99, i32))
case("flatten", lambda x: x.reshape(2, 12), x234)
case("transpose", lambda x: x.T, x23)
case("transpose", lambda x: x.transpose(2, 1, 0), x234)
case("permute", lambda x: x.transpose(1, 2, 0), x234)
case("swapAxes", lambda x: x.swapaxes(0, 2), x234)
case("moveAxis", lambda x: jnp.moveaxis(x, 0, 1), x234)
case("broadcast", lambda x: jnp.broadcast_to(x, (2, 4, 3)), F([4, 3]))
case("broadcast", lambda x: jnp.broadcast_to(x, (2, 4, 3)), F([4, 1], dtype=f64))
case("broadcast", lambda x: jnp.broadcast_to(x, (2, 4, 3)), F([], dtype=f64))
case("expandDims", lambda x: x[:, None], F([3]))
case("squeeze", lambda x: x[0], F([1, 3]))
case("slice", lambda x: x[:, 1:6:2], F([2, 7]))
case("slice", lambda x: x[:, 1:6:2], F([2, 7], dtype=bf16))
case("subscript", lambda x: x[-1, None, 0:2, ::2], x234)
case("pad", lambda x: lax.pad(x, jnp.asarray(0.5, x.dtype), [(1, 0, 0), (2, 1, 1)]), x23)
case("pad", lambda x: lax.pad(x, jnp.asarray(0.5, x.dtype), [(1, 0, 0), (2, 1, 1)]), F([0, 3]))
case("crop", lambda x: lax.pad(x, jnp.asarray(0, x.dtype), [(-1, 1, 0), (0, -1, 0)]), F([3, 3], dtype=f64))
case("reverse", lambda x: jnp.flip(x, (0, 2)), x234)
case("tile", lambda x: jnp.tile(x, (2, 3)), x23)
case("repeated", lambda x: jnp.repeat(x, 2, 1), x23)
case("concatenate", lambda a, b: jnp.concatenate([a, b], 1), x23, F([2, 2], seed=2))
case("concatenate", lambda a, b: jnp.concatenate([a, b], 1), F([2, 0]), F([2, 1], seed=2))
case("stack", lambda a, b: jnp.stack([a, b], -1), x23, F([2, 3], seed=2))
case("rearrange", lambda x: x.reshape(2, 2, 3, 2).transpose(0, 3, 1, 2).reshape(4, 2, 3), F([4, 3, 2]))
case("reducePattern", lambda x: x.reshape(2, 2, 3).max(1), F([4, 3]))
case("repeatPattern", lambda x: jnp.broadcast_to(x[:, None, :], (2, 2, 3)), x23)
case("iota", lambda x: x + jnp.broadcast_to(jnp.arange(3, dtype=f32), (2, 3)), x23)
case("oneHot", lambda i: jax.nn.one_hot(i, 4, dtype=f32), V([0, 3, -1, 4, 2], i32))

# Reductions.
for t in (f32, f64, bf16, i32, c64):
    case("sum", lambda x: x.sum((0, 2), dtype=x.dtype), F([2, 3, 2], -3, 3, t), loose=4)  # jax sums bfloat16 in float32.
case("sum", lambda x: x.sum((0, 2)), F([2, 3, 0]))
case("sumAll", jnp.sum, x23)
case("sumKeep", lambda x: x.sum(1, keepdims=True), x23)
case("product", lambda x: x.prod(1), V([[1.0, 2.0, 3.0], [0.0, 4.0, -2.0], [0.0, 0.0, 2.0]], f64))
case("product", lambda x: x.prod(1), F([2, 0]))
case("product", lambda x: x.prod(1), F([2, 2], -1, 1, c128))
for name, f in {"max": jnp.max, "min": jnp.min}.items():
    case(name, lambda x, f=f: f(x, 1), F([3, 4]))
    case(name, lambda x, f=f: f(x, 1), V([[1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0]], f64))
    case(name, lambda x, f=f: f(x, 1), V([[1.0, nan, 3.0], [inf, -inf, 0.0]]), grads=False)
    case(name, lambda x, f=f: f(x, 1), F([2, 3], -99, 99, i32))
    case(f"arg{name.title()}", lambda x, f=f: (jnp.argmax if f is jnp.max else jnp.argmin)(x, 0), F([4, 3], -3, 3, i32))
    case(f"arg{name.title()}", lambda x, f=f: (jnp.argmax if f is jnp.max else jnp.argmin)(x, 0), V([[1.0, nan], [nan, 2.0], [1.0, -inf]]))
case("any", lambda x: x.any(1), F([3, 2], dtype="bool"))
case("all", lambda x: x.all(1), F([3, 2], dtype="bool"))
case("mean", lambda x: x.mean(1), x23)
case("mean", lambda x: x.mean(1), F([2, 4], dtype=f64))
case("variance", lambda x: x.var(1), x23)
case("varianceSample", lambda x: x.var(0, ddof=1, keepdims=True), F([4, 2], dtype=f64))
case("standardDeviation", lambda x: x.std(), x23)
for t in (f32, f64):
    case("logSumExp", lambda x: jax.nn.logsumexp(x, -1), F([2, 4], -3, 3, t))
    case("softmax", lambda x: jax.nn.softmax(x, -1), F([2, 4], -3, 3, t))
    case("logSoftmax", lambda x: jax.nn.log_softmax(x, 0), F([2, 4], -3, 3, t))
case("logSumExp", lambda x: jax.nn.logsumexp(x, -1), V([[-inf, 0.0, 1000.0], [-inf, -inf, -inf]]), grads=False)

# Contractions.
for name, a, b in (("2 2", [2, 3], [3, 4]), ("1 1", [5], [5]), ("3 2", [2, 2, 3], [3, 4]), ("1 3", [3], [2, 3, 4]), ("3 3", [2, 2, 3], [2, 3, 2]), ("lead", [2, 1, 2, 3], [3, 3, 2]), ("2 1", [2, 3], [3]), ("empty", [2, 0], [0, 3])):
    case("matmul", jnp.matmul, F(a), F(b, seed=2))
    case("matmul", jnp.matmul, F(a, dtype=f64), F(b, dtype=f64, seed=2))
case("matmul", jnp.matmul, F([2, 2], dtype=c128), F([2, 2], dtype=c128, seed=2))
case("matmul", jnp.matmul, F([2, 2], -9, 9, i32), F([2, 3], -9, 9, i32, 2))
case("matmul", jnp.matmul, F([2, 4], dtype=bf16), F([4, 2], dtype=bf16, seed=2), loose=4)  # Sums in float32 or not.
case("dotGeneral", lambda a, b: lax.dot_general(a, b, (((2,), (1,)), ((1,), (0,)))), F([2, 3, 4], dtype=f64), F([3, 4, 2], dtype=f64, seed=2))
case("dotGeneral", lambda a, b: lax.dot_general(a, b, (((2,), (1,)), ((1,), (0,)))), F([2, 2, 2]), F([2, 2, 2], seed=2))
case("dotGeneral two", lambda a, b: lax.dot_general(a, b, (((0, 2), (2, 0)), ((), ()))), F([2, 3, 4], dtype=f64), F([4, 3, 2], dtype=f64, seed=2))
case("einsum trace", lambda a: jnp.einsum("iij->j", a), F([3, 3, 2], dtype=f64))
case("einsum batch", lambda a, b: jnp.einsum("bij,bkj->bik", a, b), F([2, 3, 4]), F([2, 2, 4], seed=2))
case("einsum outer", lambda a, b: jnp.einsum("i,jk->kij", a, b), F([2], dtype=f64), F([2, 3], dtype=f64, seed=2))
case("einsum three", lambda a, b, c: jnp.einsum("ij,jk,kl->il", a, b, c), F([2, 3], dtype=f64), F([3, 2], dtype=f64, seed=2), F([2, 4], dtype=f64, seed=3))
case("einsum dots", lambda a, b: jnp.einsum("...ij,jk->...ik", a, b), F([2, 2, 3], dtype=f64), F([3, 2], dtype=f64, seed=2))


# Convolutions and pools.
def conv(strides, padding, dilation, groups, lhs=None):
    def f(x, w):
        n = x.ndim - 2
        d = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}[n]
        return lax.conv_general_dilated(x, w, strides, padding, lhs_dilation=lhs, rhs_dilation=dilation, dimension_numbers=d, feature_group_count=groups)

    return f


for t in (f32, f64):
    case("convolution 1d", conv((1,), "VALID", (1,), 1), F([2, 6, 2], dtype=t), F([3, 2, 3], dtype=t, seed=2), loose=2)
    case("convolution 2d", conv((2, 1), [(1, 0), (1, 2)], (1, 2), 1), F([2, 4, 5, 2], dtype=t), F([2, 2, 2, 3], dtype=t, seed=2), loose=2)
    case("convolution groups", conv((1, 1), "SAME", (1, 1), 2), F([1, 3, 3, 4], dtype=t), F([2, 2, 2, 4], dtype=t, seed=2), loose=2)
    case("convolution dilated", conv((1,), [(2, 1)], (1,), 1, (2,)), F([1, 4, 1], dtype=t), F([3, 1, 2], dtype=t, seed=2))
    case("convolutionTransposed", lambda x, w: lax.conv_transpose(x, jnp.flip(w, 0), (2,), "VALID", dimension_numbers=("NWC", "WIO", "NWC")), F([2, 3, 2], dtype=t), F([3, 2, 2], dtype=t, seed=2), loose=2)
case("convolution 3d", conv((1, 1, 1), "VALID", (1, 1, 1), 1), F([1, 2, 3, 3, 1]), F([2, 2, 2, 1, 2], seed=2))


def pool(f, start, window, strides, padding):
    return lambda x: lax.reduce_window(x, np.array(start, x.dtype), f, (1, *window, 1), (1, *strides, 1), padding)


case("maxPool", pool(lax.max, -inf, (2, 2), (2, 2), "VALID"), F([2, 4, 4, 2]))
case("maxPool", pool(lax.max, -inf, (2, 2), (2, 2), "VALID"), V(np.arange(16).reshape(1, 4, 4, 1) // 3 % 3, f64))
case("maxPoolSame", pool(lax.max, -inf, (3,), (2,), "SAME"), F([2, 5, 2], dtype=f64))
case("minPool", pool(lax.min, inf, (2, 3), (1, 1), "VALID"), F([1, 3, 4, 2]))
case("averagePool", lambda x: pool(lax.add, 0, (3,), (2,), "SAME")(x) / 3, F([2, 5, 2]))
case("averagePoolInside", lambda x: pool(lax.add, 0, (3,), (2,), "SAME")(x) / pool(lax.add, 0, (3,), (2,), "SAME")(jnp.ones_like(x)), F([2, 5, 2], dtype=f64))

# Indexing: negative places count from the end, reading outside reads the edge, writing outside does nothing.
places = V([0, -1, 2, 9, 0, -9], i32)


def take(x, i, axis):
    return jnp.take(x, jnp.clip(wrapped(i, x.shape[axis]), 0, x.shape[axis] - 1), axis)


def scattered(kind, x, i, u):
    i = wrapped(i, x.shape[0])
    i = jnp.where(i < 0, x.shape[0], i)
    return getattr(x.at[i], kind)(u, mode="drop")


for t in (f32, f64, i32):
    case("take", lambda x, i: take(x, i, 0), F([4, 2], -9, 9, t), places)
    case("take 1", lambda x, i: take(x, i, 1), F([2, 4, 2], -9, 9, t), V([[0, -1], [3, 7]], i32))
    case("scatterAdd", lambda x, i, u: scattered("add", x, i, u), F([4, 2], -9, 9, t), places, F([6, 2], -9, 9, t, 2))
    case("scatterMax", lambda x, i, u: scattered("max", x, i, u), F([4, 2], -9, 9, t), places, F([6, 2], -9, 9, t, 2), grads=False)  # jax has no derivative.
    case("scatterMin", lambda x, i, u: scattered("min", x, i, u), F([4, 2], -9, 9, t), places, F([6, 2], -9, 9, t, 2), grads=False)
    # Distinct places: which of several updates stays is left open.
    case("scatterSet", lambda x, i, u: scattered("set", x, i, u), F([4, 2], -9, 9, t), V([2, 0, -1], i32), F([3, 2], -9, 9, t, 2))
case("takeAlong", lambda x, i: jnp.take_along_axis(x, jnp.clip(wrapped(i, 3), 0, 2), 1), x23, V([[0, -1], [7, 1]], i32))
case("takeAlong", lambda x, i: jnp.take_along_axis(x, jnp.clip(wrapped(i, 3), 0, 2), 1), F([2, 3], dtype=f64), V([[0, -1, 1, 1], [7, 1, 0, 2]], i64))


def along(kind, x, i, u):
    i = wrapped(i, 3)
    i = jnp.where(i < 0, 3, i)
    return getattr(x.at[jnp.arange(2)[:, None], i], kind)(u, mode="drop")


case("scatterAddAlong", lambda x, i, u: along("add", x, i, u), x23, V([[0, -1], [7, 1]], i32), F([2, 2], seed=2))
case("scatterSetAlong", lambda x, i, u: along("set", x, i, u), F([2, 3], dtype=f64), V([[0, -1], [7, 1]], i32), F([2, 2], dtype=f64, seed=2))
case("dynamicSlice", lambda x, i, j: lax.dynamic_slice(x, (i, j), (2, 2)), F([4, 3]), V(1, i32), V(-1, i32))
case("dynamicSlice", lambda x, i, j: lax.dynamic_slice(x, (i, j), (2, 2)), F([4, 3], dtype=f64), F([], -3, 5, i32), F([], -3, 5, i32, 2))
case("dynamicSlice", lambda x, i, j: lax.dynamic_slice(x, (i, j), (2, 2)), F([4, 3], -9, 9, i32), F([], -3, 5, i32, 5), F([], -3, 5, i32, 9))
for t in (f32, f64, i32):
    case("dynamicUpdateSlice", lambda x, u, i, j: lax.dynamic_update_slice(x, u, (i, j)), F([4, 3], -9, 9, t), F([2, 2], -9, 9, t, 2), F([], -3, 5, i32), F([], -3, 5, i32, 2))

# Sorting: NaN comes last either way with us; jax puts it first where the order descends.
for t in (f32, f64, i32):
    case("sorted", lambda x: jnp.sort(x, 0), F([4, 2], -9, 9, t))
case("sorted", lambda x: jnp.sort(x, 0), V([[3.0, nan], [-inf, 0.0], [nan, -0.0], [3.0, inf]]), grads=False)
case("sortedDown", lambda x: -jnp.sort(-x), V([3.0, nan, -inf, 2.0, inf, 3.0]), grads=False)
case("sortedDown", lambda x: -jnp.sort(-x), F([2, 4], dtype=f64))
case("argSort", lambda x: jnp.argsort(x, -1), F([2, 5], -3, 3, i32))
case("argSort", lambda x: jnp.argsort(x, -1), V([3.0, nan, 1.0, nan, 1.0]))
case("argSort down", lambda x: jnp.argsort(-x, -1), V([3.0, nan, 1.0, nan, 1.0]))
case("topK", lambda x: lax.top_k(x, 2), F([2, 5]))
case("topK", lambda x: lax.top_k(x, 2), F([6], -3, 3, i32))
case("topK axis 0", lambda x: [jnp.moveaxis(y, -1, 0) for y in lax.top_k(jnp.moveaxis(x, 0, -1), 3)], F([4, 2], dtype=f64))
case("sortTogether", lambda k, x: lax.sort((k, x), num_keys=1, is_stable=True), F([2, 4], -3, 3, i32), F([2, 4], dtype=f64))
case("sortTogether", lambda k, x: lax.sort((k, x), num_keys=1, is_stable=True), F([2, 4]), F([2, 4], seed=2))

# Cumulative.
for t in (f32, f64, i32):
    case("cumulativeSum", onward(lambda x, a: jnp.cumsum(x, a, dtype=x.dtype)), F([2, 5], -9, 9, t))
    case("cumulativeProduct", onward(lambda x, a: jnp.cumprod(x, a, dtype=x.dtype)), F([2, 5], -3, 3, t))
    case("cumulativeMax", onward(lax.cummax), F([2, 5], -9, 9, t))
    case("cumulativeMin", onward(lax.cummin), F([2, 5], -9, 9, t))
case("cumulativeMax", onward(lax.cummax), V([1.0, nan, 2.0, 3.0]), grads=False)
case("cumulativeMax", onward(lax.cummax), V([1.0, 2.0, 2.0, 0.0]), grads=False)  # Of equals the last has our derivative.
case("cumulativeSumBack", onward(jnp.cumsum, 0, True, 0), F([4, 2]))
case("cumulativeProductBack", onward(jnp.cumprod, 0, True, 1), F([4, 2], dtype=f64))
case("cumulativeMaxExclusive", onward(lax.cummax, -1, False, -inf), F([4], dtype=f64))
case("cumulativeMinBack", onward(lax.cummin, -1, True), F([4]))
case("cumulativeLogSumExp", onward(lax.cumlogsumexp), F([2, 4], -3, 3, f32))
case("cumulativeLogSumExp", onward(lax.cumlogsumexp), F([2, 4], -3, 3, f64))


# Random numbers of keys: each example has its own.
def keyed(f):
    return lambda words: f(jax.random.wrap_key_data(words))


words = F([2], 0, 2**32, u32)
case("bits", keyed(lambda k: jax.random.bits(k, (3,), u32)), words)
case("uniform", keyed(lambda k: jax.random.uniform(k, (2, 2), f32)), words)
case("uniform64", keyed(lambda k: jax.random.uniform(k, (3,), f64)), words)
case("normal", keyed(lambda k: jax.random.normal(k, (3,), f32)), words)
case("split", keyed(lambda k: jax.random.key_data(jax.random.fold_in(jax.random.split(k, 3)[1], 7))), words)
case("randint", keyed(lambda k: jax.random.randint(k, (4,), -5, 50, i32)), words)
case("permutation", keyed(lambda k: jax.random.permutation(k, jnp.arange(6, dtype=i32))), words)
case("bernoulli", lambda w, p: jax.random.bernoulli(jax.random.wrap_key_data(w), p), words, F([4], 0, 1))
case("categorical", lambda w, l: jax.random.categorical(jax.random.wrap_key_data(w), l).astype(i32), words, F([2, 3], -2, 2))

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
print(len(cases), "cases,", len(used), "operations,", path.stat().st_size, "bytes")
