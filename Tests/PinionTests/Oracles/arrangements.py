"""Writes arrangements.json: NumPy's functions of places, segments and statistics. python arrangements.py"""
import json
import pathlib
import sys

sys.path.pop(0)  # random.py beside this isn't the standard library's
import numpy as np

out = {}


def put(name, x):
    x = np.asarray(x)
    out[name] = {"shape": list(x.shape), "values": [None if v != v else float(v) for v in x.ravel()]}


a = np.array([[3.0, -1.5, 2.0, 0.5], [2.0, 7.0, -4.0, 3.0], [0.25, 2.0, 2.0, -6.0]])
b = np.array([[1.0, 2.0], [-3.0, 0.5]])
v = np.array([1.0, -2.0, 3.0])
ids = np.array([2, 0, 2, -1, 7, 0])
data = np.arange(12.0).reshape(6, 2) - 4
for k in (-5, -1, 0, 2, 4):
    put(f"diagonal {k}", np.diagonal(a, k) if -3 < k < 4 else [])
    put(f"lowerTriangle {k}", np.tril(a, k))
    put(f"upperTriangle {k}", np.triu(a, k))
for k in (-2, 0, 1):
    put(f"diagonalMatrix {k}", np.diag(v, k))
put("trace", np.trace(a))
put("eye", np.eye(3, 4, -1))
put("outer", np.outer(v, a[0]))
put("kron", np.kron(a, b))
put("kron of a vector", np.kron(v, b))
put("cross", np.cross(np.stack([v, v + 1]), np.array([0.5, 1, -1])))
x, y = np.meshgrid(v, a[0])
put("meshgrid xy 0", x)
put("meshgrid xy 1", y)
put("meshgrid ij 1", np.meshgrid(v, a[0], indexing="ij")[1])
for k in (-5, 1, 3):
    put(f"roll {k}", np.roll(a, k, 1))
for k in range(-1, 4):
    put(f"rotated90 {k}", np.rot90(a, k))
put("differences", np.diff(a))
put("differences 2", np.diff(a, 2, axis=0))
put("logspace", np.logspace(-1, 2, 4))
q = np.array([0.0, 0.1, 0.5, 0.77, 1.0])
for m in ("linear", "lower", "higher", "midpoint", "nearest"):
    put(f"quantile {m}", np.quantile(a, q, method=m))
put("quantile axis", np.quantile(a, q, axis=0))
put("percentile", np.percentile(a, 30, axis=1))
put("median", np.median(a, axis=1))
put("median of all", np.median(a))
put("average", np.average(a, axis=0, weights=v**2))
put("covariance", np.cov(a))
put("correlation", np.corrcoef(a))
put("trapezoid", np.trapezoid(a, dx=0.5))
put("trapezoid at", np.trapezoid(a, np.array([0, 1, 4, 4.5])))
put("polynomial", np.polyval(v, a))
n = a.copy()
n[0, 1] = n[2] = np.nan
put("nanSum", np.nansum(n, 1))
put("nanMean", np.nanmean(n, 0))
put("nanMax", np.nanmax(n, 0))
put("nanMin", np.nanmin(n, 0))
line = np.array([-2.0, 0.0, 0.0, 1.5, 4.0])
at = np.array([[-3.0, -2.0, 0.0], [1.0, 4.0, 9.0], [np.nan, 1.5, -0.5]])
put("searchSorted left", np.searchsorted(line, at))
put("searchSorted right", np.searchsorted(line, at, "right"))
for right in (False, True):
    put(f"digitize {right}".lower(), np.digitize(at, line, right))
    put(f"digitize descending {right}".lower(), np.digitize(at[:2], line[::-1], right))
put("isIn", np.isin(at, line))
put("interp", np.interp(at, line[[0, 1, 3, 4]], [5.0, 1.0, -2.0, 3.0]))
put("interp outside", np.interp(at, line[[0, 1, 3, 4]], [5.0, 1.0, -2.0, 3.0], left=-9, right=9))
u, i, j, c = np.unique(a, return_index=True, return_inverse=True, return_counts=True)
put("unique values", u)
put("unique indices", i)
put("unique inverse", j)
put("unique counts", c)
for k, p in enumerate(np.nonzero(a > 1.9)):
    put(f"nonzero {k}", p)
put("bincount", np.bincount([1, 3, 1, 0], minlength=5))
put("bincount weights", np.bincount([1, 3, 1, 0], [0.5, 2, 3, 4], minlength=5))
h, e = np.histogram(a, 5)
put("histogram", h)
put("histogram edges", e)
put("histogram range", np.histogram(a, 4, (-2, 3), weights=a**2)[0])
good = (ids >= 0) & (ids < 3)
s = np.zeros((3, 2))
np.add.at(s, ids[good], data[good])
put("segmentSum", s)
put("segmentMean", s / np.maximum(np.bincount(ids[good], minlength=3), 1)[:, None])
for name, f, start in (("Max", np.maximum, -np.inf), ("Min", np.minimum, np.inf), ("Product", np.multiply, 1.0)):
    s = np.full((3, 2), start)
    f.at(s, ids[good], data[good])
    put(f"segment{name}", s[[0, 2]])
w = np.array([7.0, -7.0, 7.5, -7.5, 0.0, 6.0, -6.0])
d = np.array([3.0, 3.0, -3.0, -3.0, 2.0, 3.0, -3.0])
put("floorDivide", w // d)
put("floorRemainder", w % d)
put("floorDivide int", w.astype(int) // d.astype(int))
put("floorRemainder int", w.astype(int) % d.astype(int))
put("hypot", np.hypot(w * 1e200, d * 1e200) / 1e200)
put("copySign", np.copysign(w, [-1, -0.0, 0.0, 1, -2, -3, 4]))
put("log2", np.log2(q + 1))
put("log10", np.log10(q + 1))
put("heaviside", np.heaviside(w, 0.5))
put("angle", np.angle(w[:3] + 1j * d[:3]))
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
