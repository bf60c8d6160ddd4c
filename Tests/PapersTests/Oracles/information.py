"""Values of neural-tangents, SciPy and mpmath for the tests of InformationContent.

    python information.py > information.json

Needs neural-tangents 0.6.5, which takes jax up to 0.4.30 (with numpy < 2 and scipy < 1.13), and mpmath: an environment of
its own.
"""

import json
import math

import jax
import mpmath
import numpy
import scipy
from scipy.stats import multivariate_normal

jax.config.update("jax_enable_x64", True)
import neural_tangents  # noqa: E402
from neural_tangents import stax  # noqa: E402

mpmath.mp.dps = 40


def rounded(array):
    return [float(f"{x:.14g}") for x in numpy.asarray(array, dtype=float).ravel()]


GAIN = {"relu": 2.0, "erf": 1 / (2 / math.pi * math.asin(2 / 3))}
LAYER = {"relu": stax.Relu, "erf": stax.Erf}
KIND = {"prior": "nngp", "tangent": "ntk"}

random = numpy.random.default_rng(8)
inputs = random.standard_normal((5, 7))
inputs *= (7 / (inputs**2).sum(1, keepdims=True)) ** 0.5
pictures = random.standard_normal((3, 5, 6, 2))


def dense(unit, depth, bias):
    layers = [stax.Dense(1, W_std=1, b_std=bias**0.5)]
    for _ in range(depth - 1):
        layers += [LAYER[unit](), stax.Dense(1, W_std=GAIN[unit] ** 0.5, b_std=bias**0.5)]
    return stax.serial(*layers)[2]


def convolutional(unit, depth, bias):
    layers = []
    for i in range(depth - 1):
        layers += [
            stax.Conv(1, (3, 3), padding="SAME", W_std=GAIN[unit] ** 0.5 if i else 1, b_std=bias**0.5),
            LAYER[unit](),
        ]
    return stax.serial(*layers, stax.Flatten(), stax.Dense(1, W_std=GAIN[unit] ** 0.5, b_std=bias**0.5))[2]


kernels = []
for make, data, name in [(dense, inputs, "dense"), (convolutional, pictures, "convolutional")]:
    for unit in ["relu", "erf"]:
        for depth in [1, 2, 3, 7] if name == "dense" else [2, 4]:
            for bias in [0.0, 0.1]:
                for kind, get in KIND.items():
                    values = make(unit, depth, bias)(data, None, get)
                    kernels.append(
                        {
                            "network": name, "unit": unit, "depth": depth, "bias": bias, "kind": kind,
                            "values": rounded(values),
                        }
                    )

# Orthants of random covariances, by Genz's algorithm.
orthants = []
for n in [2, 3, 4, 6, 10, 15, 20]:
    factors = random.standard_normal((n, n + 2))
    covariance = factors @ factors.T / n
    deviation = covariance.diagonal() ** 0.5
    covariance /= numpy.outer(deviation, deviation)
    signs = random.integers(0, 2, n) * 2.0 - 1
    signed = covariance * numpy.outer(signs, signs)
    trials = [
        multivariate_normal.cdf(numpy.zeros(n), cov=signed, maxpts=2_000_000, abseps=1e-12, releps=1e-6)
        for _ in range(4)
    ]
    orthants.append(
        {
            "covariance": rounded(covariance), "signs": rounded(signs), "content": float(-math.log(numpy.mean(trials))),
            "spread": float(numpy.std(numpy.log(trials))),
        }
    )

# Equicorrelated coordinates of which some are negative: one integral, whatever their number.
equicorrelated = []
for n, negative, rho in [(10, 0, 0.5), (50, 10, 0.3), (200, 100, 0.7), (500, 250, 0.9), (500, 20, 0.5)]:
    a = mpmath.sqrt(mpmath.mpf(rho) / (1 - mpmath.mpf(rho)))

    def log_density(t):
        return (
            -t * t / 2 - mpmath.log(2 * mpmath.pi) / 2 + (n - negative) * mpmath.log(mpmath.ncdf(a * t))
            + negative * mpmath.log(mpmath.ncdf(-a * t))
        )

    grid = [mpmath.mpf(i) / 20 for i in range(-200, 201)]
    peak = max(grid, key=log_density)
    top = log_density(peak)
    value = mpmath.quad(lambda t: mpmath.exp(log_density(t) - top), mpmath.linspace(peak - 6, peak + 6, 49))
    equicorrelated.append(
        {"count": n, "negative": negative, "correlation": rho, "content": float(-(top + mpmath.log(value)))}
    )

tails = []
for z in [-30, -8, -3, -0.5, 0, 0.7, 3, 9, 14.9, 15.1, 21, 60, 1000]:
    survival = mpmath.erfc(mpmath.mpf(z) / mpmath.sqrt(2)) / 2
    hazard = mpmath.npdf(z) / survival
    # Near 1 by its complement, which keeps its digits.
    logarithm = mpmath.log(survival) if z > 0 else mpmath.log1p(-mpmath.erfc(-mpmath.mpf(z) / mpmath.sqrt(2)) / 2)
    tails.append(
        {"z": z, "survival": float(logarithm), "hazard": float(hazard), "excess": float(hazard - z)}
    )

versions = {m.__name__: m.__version__ for m in [neural_tangents, jax, scipy, numpy, mpmath]}
print(
    json.dumps(
        {
            "versions": versions, "inputs": rounded(inputs), "pictures": rounded(pictures), "kernels": kernels,
            "orthants": orthants, "equicorrelated": equicorrelated, "tails": tails,
        }
    )
)
