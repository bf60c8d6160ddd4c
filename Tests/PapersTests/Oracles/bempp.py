"""Products of Galerkin matrices of bempp-cl with two vectors, on a small irregular closed surface.

pip install bempp-cl; python bempp.py
"""
import json
import pathlib

import bempp_cl
import bempp_cl.api as api
import numpy as np

# A sphere of 80 triangles, bent so that no two are alike.
golden = (1 + 5**0.5) / 2
corners = [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0), (0, -1, golden), (0, 1, golden)]
corners += [(0, -1, -golden), (0, 1, -golden), (golden, 0, -1), (golden, 0, 1), (-golden, 0, -1), (-golden, 0, 1)]
faces = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6)]
faces += [(7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10)]
faces += [(8, 6, 7), (9, 8, 1)]
vertices = [np.array(c) / np.linalg.norm(c) for c in corners]
middles, triangles = {}, []


def middle(a, b):
    key = (min(a, b), max(a, b))
    if key not in middles:
        point = vertices[a] + vertices[b]
        middles[key] = len(vertices)
        vertices.append(point / np.linalg.norm(point))
    return middles[key]


for a, b, c in faces:
    ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
    triangles += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
points = np.array(vertices)
points = points * (1 + 0.2 * np.sin(3 * points[:, [1]] + 1) * np.cos(2 * points[:, [0]])) * [1.5, 1.0, 0.8]

api.GLOBAL_PARAMETERS.quadrature.regular = 6
api.GLOBAL_PARAMETERS.quadrature.singular = 8
grid = api.Grid(points.T, np.array(triangles).T)
kappa = 0.7
found = {}
for name, kind in [("constant", ("DP", 0)), ("linear", ("P", 1))]:
    space = api.function_space(grid, *kind)
    n = space.global_dof_count
    vectors = [np.sin(1.3 * np.arange(n) + 0.2), np.cos(0.7 * np.arange(n))]
    kinds = ["single_layer", "double_layer", "adjoint_double_layer"] + (["hypersingular"] if name == "linear" else [])
    for kernel, family, extra in [
        ("laplace", api.operators.boundary.laplace, ()),
        ("yukawa", api.operators.boundary.modified_helmholtz, (kappa,)),
    ]:
        for operator in kinds:
            matrix = getattr(family, operator)(space, space, space, *extra).weak_form().A
            key = f"{name} {kernel} {operator.replace('_', '-')}"
            found[key] = [[float(f"{v:.10e}") for v in matrix @ x] for x in vectors]
    if name == "linear":
        # Unknowns are vertices in the same order.
        assert all(space.local2global[t][c] == triangles[t][c] for t in range(len(triangles)) for c in range(3))
data = {
    "made_by": f"bempp-cl {bempp_cl.__version__}",
    "inverseLength": kappa,
    "vertices": points.tolist(),
    "triangles": triangles,
    "products": found,
}
pathlib.Path(__file__).with_name("bempp.json").write_text(json.dumps(data))
