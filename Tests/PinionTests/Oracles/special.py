"""Writes special.json: SciPy's special functions, for SpecialTests; with --series prints the coefficients of Special.swift,
for which it needs mpmath. python special.py"""
import json
import pathlib
import sys

sys.path.pop(0)  # random.py beside this isn't the standard library's
import numpy as np
import scipy.special as sp


def series(f, tolerance=2e-17):
    """Chebyshev coefficients on [-1, 1]."""
    import mpmath as mp

    mp.mp.dps, n = 40, 40
    angles = [mp.pi * (mp.mpf(i) + 0.5) / n for i in range(n)]
    ys = [f(mp.cos(t)) for t in angles]
    c = [float(mp.mpf(2 if j else 1) / n * sum(y * mp.cos(j * t) for y, t in zip(ys, angles))) for j in range(n)]
    while abs(c[-1]) < tolerance:
        c.pop()
    return c


if "--series" in sys.argv:
    import mpmath as mp

    scaled = lambda x: mp.besseli(0, x) * mp.exp(-x)
    print("near", series(lambda t: scaled(4 * (t + 1))))
    print("far", series(lambda t: mp.sqrt(16 / (t + 1)) * scaled(16 / (t + 1))))

out = {}


def put(name, x):
    x = np.asarray(x, "float64")
    out[name] = {"shape": list(x.shape), "values": [None if v != v else float(np.clip(v, -1e300, 1e300)) for v in x.ravel()]}


x = np.array([-30, -9.5, -3, -0.4, 0, 1e-4, 0.3, 1, 2.5, 7.9, 8.1, 40])
p = np.array([0, 1e-300, 1e-20, 1e-5, 0.1, 0.3, 0.5, 0.77, 0.999, 1 - 1e-10, 1, 1.5])
put("ndtr", sp.ndtr(x))
put("logNdtr", sp.log_ndtr(x))
put("logNdtr far", sp.log_ndtr([-1e5, -200, -38, -20.01, -19.99, -10.01, -9.99]))
put("ndtri", sp.ndtri(p))
put("besselI0e", sp.i0e(x))
put("besselI1e", sp.i1e(x))
put("sinc", np.sinc(x))
put("entropyTerms", sp.entr(x))
put("logit", sp.logit(p[1:10]))
put("xlogy", sp.xlogy([0, 0, 2, 0], [0, np.nan, 3, -1]))
put("xlog1py", sp.xlog1py([0, 1, 2], [-1, 1e-10, -0.5]))
put("zeta", sp.zeta([1.5, 2, 3, 10], [1, 0.5, 4, 2.5]))
a, y = np.meshgrid([0, 1e-3, 0.4, 1, 2.5, 10, 150, 2000], [0, 1e-8, 0.1, 0.9, 1, 2, 12, 140, 2050, np.inf], indexing="ij")
put("igamma", sp.gammainc(a, y))
put("igammac", sp.gammaincc(a, y))
a, b, y = np.meshgrid([0, 0.1, 1, 3.5, 80], [0, 0.2, 1, 7, 60], [0, 1e-6, 0.2, 0.5, 0.9, 1], indexing="ij")
put("betainc", sp.betainc(a, b, y))
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
