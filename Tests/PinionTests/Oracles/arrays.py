"""Writes arrays.json: convolutions and pools of PyTorch and jax, special functions of SciPy, complex derivatives of jax.

Inputs are made by the same congruence as `numbers` in Support.swift. Run with a Python that has jax, torch and SciPy.
"""
import json
import pathlib
import sys

sys.path.append(sys.path.pop(0))  # Last, as random.py beside this file isn't the standard library's.
import jax
import jax.numpy as jnp
import numpy as np
import scipy.special as special
import torch
import torch.nn.functional as F
from oracle import numbers

jax.config.update("jax_enable_x64", True)
out = {}


def put(name, x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        x = np.stack([x.real, x.imag], -1)
    out[name] = {"shape": list(x.shape), "values": [float(f"{v:.12g}") for v in x.ravel()]}


def first(x):  # [N, spatial…, C] to PyTorch's [N, C, spatial…]
    return torch.from_numpy(np.moveaxis(x, -1, 1).copy())


def last(x):
    return np.moveaxis(x.numpy(), 1, -1)


def kernel(w):  # [spatial…, C/groups, O] to [O, C/groups, spatial…]
    return torch.from_numpy(np.moveaxis(w, (-1, -2), (0, 1)).copy())


def transposed_kernel(w, groups):  # to [C, O/groups, spatial…]
    parts = np.split(w, groups, -1)
    return torch.from_numpy(np.concatenate([np.moveaxis(p, (-2, -1), (0, 1)) for p in parts], 0).copy())


x1, w1 = numbers([2, 9, 3]), numbers([3, 3, 4], seed=2)
put("conv1d", last(F.conv1d(first(x1), kernel(w1), stride=2, padding=1)))
x2 = numbers([2, 6, 5, 4])
put("conv2d", last(F.conv2d(first(x2), kernel(numbers([3, 2, 4, 6], seed=2)), stride=(2, 1), padding=(1, 0), dilation=(1, 2))))
put("conv2d groups", last(F.conv2d(first(x2), kernel(numbers([3, 3, 2, 6], seed=2)), padding=1, groups=2)))
put("conv2d depthwise", last(F.conv2d(first(x2), kernel(numbers([3, 3, 1, 8], seed=2)), padding=1, groups=4)))
put("conv3d", last(F.conv3d(first(numbers([1, 4, 5, 4, 2])), kernel(numbers([2, 3, 2, 2, 3], seed=2)), stride=(1, 2, 1))))
for s in (1, 2, 3):
    y = jax.lax.conv_general_dilated(x2, numbers([3, 2, 4, 5], seed=2), (s, s), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    put(f"conv2d same {s}", y)
wt = numbers([3, 2, 4, 6], seed=2)
put("transposed", last(F.conv_transpose2d(first(x2), transposed_kernel(wt, 1), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), dilation=(2, 1))))
wt = numbers([3, 3, 2, 6], seed=2)
put("transposed groups", last(F.conv_transpose2d(first(x2), transposed_kernel(wt, 2), stride=2, padding=1, groups=2)))

put("maxPool", last(F.max_pool2d(first(x2), (3, 2), (2, 3), (1, 1))))
put("maxPool 1d", last(F.max_pool1d(first(x1), 2)))
put("averagePool", last(F.avg_pool2d(first(x2), (3, 2), (2, 3), (1, 1))))
put("averagePool inside", last(F.avg_pool2d(first(x2), (3, 2), (2, 3), (1, 1), count_include_pad=False)))
put("averagePool 3d", last(F.avg_pool3d(first(numbers([1, 4, 5, 4, 2])), (2, 2, 3), (1, 2, 1))))
tied = torch.from_numpy(np.round(np.moveaxis(x2, -1, 1) * 2)).requires_grad_()
F.max_pool2d(tied, 3, 2, 1).sum().backward()
put("maxPool tied gradient", last(tied.grad))

x = numbers([12], 0.2, 4)
for name, y in {
    "lgamma": special.gammaln(x), "digamma": special.digamma(x), "polygamma 1": special.polygamma(1, x),
    "polygamma 3": special.polygamma(3, x), "erf": special.erf(x), "erfc": special.erfc(x),
    "erfInverse": special.erfinv(x / 4.5), "cbrt": np.cbrt(x), "expm1": np.expm1(x), "log1p": np.log1p(x),
    "asinh": np.arcsinh(x), "acosh": np.arccosh(x + 1), "atanh": np.arctanh(x / 4.5), "acos": np.arccos(x / 4.5),
    "atan2": np.arctan2(x - 2, 1 - x), "nextAfter": np.nextafter(x, 0), "remainder": np.fmod(-x, 0.7),
}.items():
    put(f"special {name}", y)

z = numbers([8]) + 1j * numbers([8], seed=3)
v = numbers([8], seed=5) + 1j * numbers([8], seed=6)
weight = numbers([8], seed=7) + 1j * numbers([8], seed=8)
functions = {
    "exp": jnp.exp, "expm1": jnp.expm1, "log": jnp.log, "log1p": jnp.log1p, "sqrt": jnp.sqrt, "rsqrt": jax.lax.rsqrt,
    "sin": jnp.sin, "cos": jnp.cos, "tan": jnp.tan, "sinh": jnp.sinh, "cosh": jnp.cosh, "tanh": jnp.tanh,
    "asinh": jnp.arcsinh, "asin": jnp.arcsin, "acos": jnp.arccos, "atan": jnp.arctan, "atanh": jnp.arctanh,
    "acosh": lambda a: jnp.arccosh(a + 1), "sigmoid": jax.lax.logistic, "reciprocal": lambda a: 1 / a,
    "conjugate": jnp.conj, "negate": lambda a: -a, "square": lambda a: a * a,
    "abs": lambda a: jnp.abs(a) + 0j, "real": lambda a: jnp.real(a) + 0j, "imaginary": lambda a: jnp.imag(a) + 0j,
    "sign": jnp.sign, "complex": lambda a: jax.lax.complex(a.imag * a.real, a.real),
    "multiply": lambda a: a * v, "divide": lambda a: v / a, "power": lambda a: a**v, "exponent": lambda a: v**a,
    "matmul": lambda a: a.reshape(2, 4) @ v.reshape(4, 2) @ weight.reshape(2, 4),
    "cumulativeProduct": jnp.cumprod, "sum": lambda a: a * a.sum(), "product": lambda a: a + a.prod(),
}
for name, f in functions.items():
    put(f"complex {name}", f(z).reshape(8))
    put(f"complex gradient {name}", jax.grad(lambda a: (f(a).reshape(8) * weight).sum().real)(jnp.asarray(z)))
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
