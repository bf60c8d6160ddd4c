"""Writes subscripts.json: NumPy's indexing and updates, for SubscriptTests. python subscripts.py"""
import json
import pathlib
import sys

sys.path.pop(0)  # random.py beside this isn't the standard library's
import numpy as np

x = np.arange(60, dtype=np.int32).reshape(3, 4, 5)
rows, columns = np.array([2, 0, -1]), np.array([1, 3, -2])
grid = np.array([[0, 1], [2, 3]])
mask = x[:, :, 0] % 10 == 0
N = None
subscripts = {
    "reversed": np.s_[::-1],
    "every second, backwards": np.s_[:, ::-2],
    "walk back": np.s_[..., 3:0:-2],
    "walk back from the end": np.s_[..., -2:-5:-1],
    "strides": np.s_[::2, 1::2, -4::3],
    "through the last": np.s_[:, -3:],
    "new axes": np.s_[N, 1, ..., N, 2:],
    "rows": np.s_[rows],
    "rows and columns": np.s_[rows, columns],
    "apart": np.s_[rows, :, columns],
    "apart by a new axis": np.s_[rows, N, columns],
    "apart by an ellipsis": np.s_[:, [0, 1], ..., [1, 2]],
    "grid in the middle": np.s_[:, grid],
    "number beside a tensor": np.s_[1, :, grid],
    "number next to a tensor": np.s_[:, 2, grid],
    "tensors that stretch": np.s_[rows[:, N], columns[N, :2]],
    "tensors and steps": np.s_[::-1, rows, 1:4:2],
    "mask": np.s_[mask],
    "mask in the middle": np.s_[1, x[0] > 8],
    "mask and tensor": np.s_[x[:, 0, 0] > 10, [1, 2]],
    "nothing": np.s_[rows[:0]],
    "scalar": np.s_[2, 3, -1],
}
reads, writes = {}, {}
for name, s in subscripts.items():
    y = x[s]
    reads[name] = {"shape": list(y.shape), "values": y.ravel().tolist()}
    update = (np.arange(y.size, dtype=np.int32).reshape(y.shape) * 7) % 50 - 20
    out = {}
    kinds = {"add": np.add}
    if name in ("apart", "mask", "tensors and steps", "walk back"):
        kinds |= {"multiply": np.multiply, "max": np.maximum, "min": np.minimum}
    for kind, f in kinds.items():
        z = x.copy()
        f.at(z, s, update)
        out[kind] = z.ravel().tolist()
    z = x.copy()
    z[s] = -5
    out["set"] = z.ravel().tolist()
    writes[name] = out
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({"reads": reads, "writes": writes}) + "\n")
