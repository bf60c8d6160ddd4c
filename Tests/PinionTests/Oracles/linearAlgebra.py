"""Writes linearAlgebra.json: values of NumPy and SciPy, derivatives of jax, for real and complex matrices.

Inputs are made by the same congruence as `numbers` in Support.swift. Run with a Python that has jax and SciPy.
"""
import json
import pathlib
import sys

sys.path.append(sys.path.pop(0))  # Last, as random.py beside this file isn't the standard library's.
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg as sl
from oracle import numbers

jax.config.update("jax_enable_x64", True)
out = {}


def complexes(shape, seed=1):
    return numbers(shape, seed=seed) + 1j * numbers(shape, seed=seed + 50)


def put(name, x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        x = np.stack([x.real, x.imag], -1)
    out[name] = {"shape": list(x.shape), "values": [float(f"{v:.13g}") for v in x.ravel()]}


def hermitian(x):
    return x @ np.conj(np.swapaxes(x, -1, -2)) + 2 * np.eye(x.shape[-1])


def weigh(x, seed=9):
    """A real number of a tensor, with fixed weights."""
    return jnp.sum(numbers(x.shape, 0.5, 1.5, seed=seed) * (jnp.real(x) + 0.5 * jnp.imag(x)))


for kind, make in {"real": numbers, "complex": complexes}.items():
    a, b = make([2, 4, 4]), make([2, 4, 3], seed=2)
    tall, wide = make([5, 3], seed=3), make([3, 5], seed=4)
    spd = hermitian(a)
    put(f"{kind} cholesky", np.linalg.cholesky(spd))
    put(f"{kind} solve", np.linalg.solve(a, b))
    put(f"{kind} inverse", np.linalg.inv(a))
    put(f"{kind} determinant", np.linalg.det(a))
    sign, log = np.linalg.slogdet(a)
    put(f"{kind} slogdet sign", sign)
    put(f"{kind} slogdet log", log)
    put(f"{kind} power", np.linalg.matrix_power(a, -3))
    put(f"{kind} expm", np.stack([sl.expm(a[0]), sl.expm(9 * a[1])]))
    put(f"{kind} eigvalsh", np.linalg.eigvalsh(spd))
    for name, x in {"tall": tall, "wide": wide}.items():
        put(f"{kind} {name} svdvals", np.linalg.svd(x, compute_uv=False))
        put(f"{kind} {name} pinv", np.linalg.pinv(x))
        put(f"{kind} {name} lstsq", np.linalg.lstsq(x, b[0, :3] if x.shape[0] == 3 else np.concatenate([b[0], b[1, :1]]), rcond=None)[0])
        q, r = np.linalg.qr(x)
        put(f"{kind} {name} q", q)
        put(f"{kind} {name} r", r)
        for norm in ("fro", "nuc", 2, -2, 1, np.inf):
            put(f"{kind} {name} norm {norm}", np.linalg.norm(x, norm))
    for norm in (1, 2, 3.5, np.inf, -np.inf, 0):
        put(f"{kind} vector norm {norm}", np.linalg.norm(make([2, 5], seed=6), norm, axis=1))
    p, l, u = sl.lu(tall, p_indices=True)
    put(f"{kind} lu lower", l)
    put(f"{kind} lu upper", u)
    put(f"{kind} lu permutation", np.argsort(p))

    # Functions that don't depend on the choice of signs and phases.
    functions = {
        "cholesky": (lambda x: weigh(jnp.linalg.cholesky(x)), spd),
        "solve": (lambda x: weigh(jnp.linalg.solve(x, b)), a),
        "inverse": (lambda x: weigh(jnp.linalg.inv(x)), a),
        "determinant": (lambda x: weigh(jnp.linalg.det(x)), a),
        "slogdet": (lambda x: weigh(jnp.linalg.slogdet(x)[1]) + weigh(jnp.linalg.slogdet(x)[0]), a),
        "qr": (lambda x: weigh(jnp.linalg.qr(x)[0]) + weigh(jnp.linalg.qr(x)[1], 8), tall),
        "eigh": (lambda x: weigh(jnp.linalg.eigh(x)[0] ** 3) + weigh(jnp.abs(jnp.linalg.eigh(x)[1]) ** 2, 8), spd),
        "svd": (
            lambda x: weigh(jnp.linalg.svd(x, full_matrices=False)[1] ** 3)
            + weigh(jnp.abs(jnp.linalg.svd(x, full_matrices=False)[0]) ** 2, 8)
            + weigh(jnp.abs(jnp.linalg.svd(x, full_matrices=False)[2]) ** 2, 7),
            tall,
        ),
        "pinv": (lambda x: weigh(jnp.linalg.pinv(x)), wide),
        "expm": (lambda x: weigh(jax.scipy.linalg.expm(x)), a[0]),
    }
    for name, (f, x) in functions.items():
        put(f"{kind} gradient {name}", jax.grad(f)(jnp.asarray(x)))

pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
