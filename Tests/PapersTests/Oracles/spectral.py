"""Values of scikit-learn and SciPy for the tests of SpectralPCA.

    python spectral.py > spectral.json

Needs numpy, scipy, scikit-learn. Points are small, so that the file is.
"""

import json
import sys

import numpy
import scipy
import sklearn
from scipy.sparse import csgraph
from sklearn import metrics
from sklearn.cluster import DBSCAN, AgglomerativeClustering, SpectralClustering
from sklearn.datasets import make_blobs, make_moons
from sklearn.decomposition import KernelPCA
from sklearn.manifold import spectral_embedding
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import kneighbors_graph


def rounded(array):
    return [float(f"{x:.13g}") for x in numpy.asarray(array, dtype=float).ravel()]


cases = []
for name, (points, truth), clusters in [
    ("moons", make_moons(64, noise=0.05, random_state=0), 2),
    ("blobs", make_blobs(60, centers=3, cluster_std=1.2, random_state=5), 3),
]:
    points = numpy.round(points, 6)
    neighbours = kneighbors_graph(points, n_neighbors=12, include_self=True)
    affinity = 0.5 * (neighbours + neighbours.T)
    gamma = 3.0 if name == "moons" else 0.3
    gram = rbf_kernel(points, gamma=gamma)
    embeddings = {}
    for kind, matrix in [("nearest_neighbors", affinity.toarray()), ("rbf", gram)]:
        laplacian = csgraph.laplacian(matrix, normed=True)
        embeddings[kind] = {
            "eigenvalues": rounded(scipy.linalg.eigvalsh(laplacian)[:6]),
            "vectors": rounded(
                spectral_embedding(matrix, n_components=4, drop_first=False, eigen_solver="arpack", random_state=0)
            ),
            "unnormalized": rounded(scipy.linalg.eigvalsh(csgraph.laplacian(matrix, normed=False))[:6]),
            "components": int(csgraph.connected_components(matrix)[0]),
            "labels": {
                assign: SpectralClustering(
                    clusters, affinity="precomputed", assign_labels=assign, random_state=0
                ).fit_predict(matrix).tolist()
                for assign in ["kmeans", "cluster_qr", "discretize"]
            },
        }
    cases.append(
        {
            "name": name,
            "points": rounded(points),
            "truth": truth.tolist(),
            "clusters": clusters,
            "gamma": gamma,
            "affinities": embeddings,
            "kernelPCA": rounded(KernelPCA(3, kernel="precomputed").fit_transform(gram)),
            "dbscan": DBSCAN(eps=0.35 if name == "moons" else 2.0).fit_predict(points).tolist(),
            "ward": AgglomerativeClustering(clusters).fit_predict(points).tolist(),
        }
    )

generator = numpy.random.default_rng(0)
scores = []
for a, b in [(2, 2), (3, 5), (1, 4), (1, 1), (10, 10)]:
    first, second = generator.integers(0, a, 40), generator.integers(0, b, 40)
    places = generator.normal(size=(40, 2)) + second[:, None]
    scores.append(
        {
            "first": first.tolist(),
            "second": second.tolist(),
            "ari": metrics.adjusted_rand_score(first, second),
            "nmi": metrics.normalized_mutual_info_score(first, second),
            "points": rounded(places),
            "silhouette": metrics.silhouette_score(places, second) if b > 1 else None,
        }
    )
json.dump({"scikit-learn": sklearn.__version__, "cases": cases, "scores": scores}, sys.stdout)
print()
