"""Oracles of the Jarzynski tests: pymbar on work values, NumPy by the formulas as they stand. Writes jarzynski.json.

python jarzynski.py   # needs numpy, scipy, pymbar
"""

import itertools
import json
import pathlib

import numpy as np
import pymbar
from pymbar import other_estimators
from scipy.special import logsumexp

rng = np.random.default_rng(21)


def rounded(x):
    return np.asarray(x, float).tolist()


# Gaussian work with ΔF = 1.3 and dissipation 1.2 either way.
forward = rng.normal(1.3 + 1.2, np.sqrt(2.4), 60)
reverse = rng.normal(-1.3 + 1.2, np.sqrt(2.4), 45)
exp = other_estimators.exp(forward)
bar = other_estimators.bar(forward, reverse, method="false-position", relative_tolerance=1e-13)
work = {
    "forward": rounded(forward), "reverse": rounded(reverse), "exp": -exp["Delta_f"], "expError": exp["dDelta_f"],
    "bar": -bar["Delta_f"],
}

# Harmonic states of different stiffness and place.
counts = [20, 30, 25]
stiffness, places = np.array([1.0, 2.0, 5.0]), np.array([0.0, 0.5, 1.0])
x = np.concatenate([rng.normal(p, 1 / np.sqrt(k), n) for k, p, n in zip(stiffness, places, counts)])
u = 0.5 * stiffness[:, None] * (x[None] - places[:, None]) ** 2
mbar = pymbar.MBAR(u, np.array(counts), relative_tolerance=1e-13)
found = mbar.compute_free_energy_differences()
two = pymbar.MBAR(
    np.stack([np.concatenate([np.zeros(60), reverse]), np.concatenate([forward, np.zeros(45)])]), np.array([60, 45]),
    relative_tolerance=1e-13).compute_free_energy_differences()
work["barError"] = two["dDelta_f"][0, 1]
states = {
    "energies": rounded(u), "counts": counts, "logZ": rounded(-found["Delta_f"][0]),
    "errors": rounded(found["dDelta_f"][0]),
}

# The windowed weight as it is written, from given phase-space points.
K, h, gamma, k0, k1 = 4, 0.2, 0.6, 0.4, 1.0
means = np.array([[4 * np.cos(a), 4 * np.sin(a)] for a in np.arange(8) * np.pi / 4])


def ring(x):
    return -logsumexp(-((x - means) ** 2).sum(1) / 0.5) + np.log(8 * 2 * np.pi * 0.25)


def slope(x):
    w = np.exp(-((x - means) ** 2).sum(1) / 0.5)
    return ((x - means) * (w / w.sum())[:, None]).sum(0) / 0.25


def step(z, h):
    x, p = z
    p = p * np.exp(-gamma * h / 2) - h / 2 * slope(x)
    x = x + h * p
    return x, (p - h / 2 * slope(x)) * np.exp(-gamma * h / 2)


def log_ratio(x, p):
    orbit = {0: (x, p)}
    for j in range(K):
        orbit[j + 1] = step(orbit[j], h)
        orbit[-j - 1] = step(orbit[-j], -h)
    jacobian = {j: -gamma * 2 * h * j for j in orbit}
    log0 = {j: -(x @ x) / 32 - np.log(2 * np.pi * 16) - k0 * p @ p / 2 + jacobian[j] for j, (x, p) in orbit.items()}
    log1 = {j: -ring(x) - k1 * p @ p / 2 + jacobian[j] for j, (x, p) in orbit.items()}
    terms = [log1[k] - logsumexp([log0[j] for j in range(k - K, k + 1)]) for k in range(K + 1)]
    return logsumexp(terms) + np.log(k1 / k0)


starts = [(4 * rng.normal(size=2), rng.normal(size=2) / np.sqrt(k0)) for _ in range(6)]
window = {
    "length": K, "step": h, "friction": gamma, "precisions": [k0, k1], "positions": rounded([x for x, _ in starts]),
    "momenta": rounded([p for _, p in starts]), "logRatios": rounded([log_ratio(x, p) for x, p in starts]),
}

# Boltzmann machines by sums over all states of both layers, or over the hidden one with Gaussian integrals.
W, b, c = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=2)
hidden = np.array(list(itertools.product([0, 1], repeat=2)), float)
visible = np.array(list(itertools.product([0, 1], repeat=3)), float)
binary = logsumexp([v @ W @ g + b @ v + c @ g for v in visible for g in hidden])
# ∫ exp(−|v − b|²/2 + vᵀWg + cᵀg) dv
gaussian = logsumexp([
    c @ g + ((b + W @ g) ** 2 - b**2).sum() / 2 + 1.5 * np.log(2 * np.pi) for g in hidden])
machine = {
    "weights": rounded(W), "visibleBias": rounded(b), "hiddenBias": rounded(c), "binary": binary, "gaussian": gaussian}

# Logistic regression: −log likelihood − log prior.
X, y, w, prior = rng.normal(size=(7, 2)), np.array([0, 1, 1, 0, 1, 0, 0]), rng.normal(size=3), 1.5
scores = np.c_[np.ones(7), X] @ w
energy = (np.logaddexp(0, scores) - y * scores).sum() + (w @ w) / (2 * prior**2) + 1.5 * np.log(2 * np.pi * prior**2)
logistic = {
    "features": rounded(X), "labels": y.tolist(), "weights": rounded(w), "prior": prior, "energy": float(energy)}

oracle = {"work": work, "states": states, "window": window, "machine": machine, "logistic": logistic}
target = pathlib.Path(__file__).with_name("jarzynski.json")
target.write_text(json.dumps(oracle) + "\n")
