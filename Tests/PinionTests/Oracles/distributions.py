"""Writes distributions.json: what jax.random gives, for DistributionTests. python distributions.py"""
import json
import pathlib
import sys

sys.path.pop(0)  # random.py beside this isn't the standard library's
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")
out = {}
k = jax.random.key(42)
r = jax.random


def put(name, x):
    x = np.asarray(x).astype(np.float64)
    out[name] = {"shape": list(x.shape), "values": [None if v != v else float(v) for v in x.ravel()]}


f32 = lambda *v: jnp.asarray(v, "float32")
f64 = lambda *v: jnp.asarray(v, "float64")
a = f32(0.001, 0.3, 1, 2.5, 40)
put("laplace", r.laplace(k, (12,), "float32"))
put("laplace float64", r.laplace(k, (12,), "float64"))
put("cauchy", r.cauchy(k, (12,), "float64"))
put("logistic", r.logistic(k, (12,), "float64"))
put("maxwell", r.maxwell(k, (4, 3), "float64"))
put("rayleigh", r.rayleigh(k, f64(0.5, 2), (6, 2), "float64"))
put("pareto", r.pareto(k, f64(0.5, 2), (6, 2), "float64"))
put("weibull", r.weibull_min(k, f64(0.5, 2), f64(3, 1), (6, 2), "float64"))
put("logNormal", r.lognormal(k, f64(0.5, 2), (6, 2), "float64"))
put("triangular", r.triangular(k, f64(-1, 2), f64(0, 3), f64(4, 5), (6, 2), "float64"))
put("wald", r.wald(k, f64(0.5, 2), (6, 2), "float64"))
put("geometric", r.geometric(k, f64(0.1, 0.7), (6, 2), "int64"))
put("gamma", r.gamma(k, a, (4, 5), "float32"))
put("gamma float64", r.gamma(k, a.astype("float64"), (4, 5), "float64"))
put("logGamma", r.loggamma(k, a, (4, 5), "float32"))
put("beta", r.beta(k, a, a[::-1], (4, 5), "float64"))
put("dirichlet", r.dirichlet(k, f64(0.01, 0.5, 3, 20), (3,), "float64"))
put("chiSquare", r.chisquare(k, f64(0.5, 2, 30), (4, 3), "float64"))
put("studentT", r.t(k, f64(0.5, 2, 30), (4, 3), "float64"))
wide = lambda *v: jnp.broadcast_to(f64(*v), (4, 3))
put("fisherF", r.f(k, wide(0.5, 2, 30), wide(3, 1, 8), (4, 3), "float64"))
put("generalizedNormal", r.generalized_normal(k, 1.5, (8,), "float64"))
put("ball", r.ball(k, 3, 2, (4,), "float64"))
put("poisson", r.poisson(k, f32(0, 0.1, 3, 9.9, 10, 50, 1000, np.nan), (5, 8), "int32"))
put("binomial", r.binomial(k, f64(0, 5, 10, 3.7, np.nan), f64(0.3, 0.9, 0.5, 0.2, 0.5), (5, 5), "float64"))
cov = f64([2, 0.5], [0.5, 1])
put("multivariateNormal", r.multivariate_normal(k, f64(1, -2), cov, (5,), "float64"))
put("multivariateNormal covariance", r.multivariate_normal(k, f64(1, -2), cov, (5,), "float64"))
put("orthogonal", r.orthogonal(k, 3, (2,), "float64"))
put("orthogonal wide", r.orthogonal(k, 2, (), "float64", m=4))
p = f32(0.1, 0.2, 0, 0.4, 0.3)
put("choice without", r.choice(k, 10, (6,), replace=False))
put("choice probabilities", r.choice(k, 5, (12,), p=p))
put("choice without probabilities", r.choice(k, 5, (4,), replace=False, p=p))
put("gamma slope", jax.grad(lambda a: r.gamma(k, a, (5,), "float64").sum())(a.astype("float64")))
put("logGamma slope", jax.grad(lambda a: r.loggamma(k, a, (5,), "float64").sum())(a.astype("float64")))
put("dirichlet slope", jax.grad(lambda a: (r.dirichlet(k, a) ** 2).sum())(f64(0.1, 0.5, 3, 20)))
put("vmap", jax.vmap(lambda k, a: r.gamma(k, a, (2,), "float64"))(r.split(k, 3), f64(0.5, 1, 3)))
jax.config.update("jax_enable_x64", False)  # or these draw 64 bits a number
put("rademacher", r.rademacher(k, (12,), "float32"))
put("choice", r.choice(k, 100, (4, 3)))
put("choice axis", r.choice(k, jnp.arange(12.0).reshape(3, 4), (2,), axis=1))
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
