"""Writes random.json: what jax.random gives, for RandomTests. Run with a Python that has jax: python random.py"""
import json
import pathlib
import sys

sys.path.pop(0)  # this file isn't the standard library's random
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
bits, values = {}, {}


def words(key):
    return jax.random.key_data(key)


def exact(name, x):
    x = np.asarray(x)
    if x.dtype == jnp.bfloat16 or x.dtype.kind == "f":
        x = x.view({2: np.uint16, 4: np.uint32, 8: np.uint64}[x.dtype.itemsize])
    bits[name] = [int(v) for v in x.ravel()]


def close(name, x):
    values[name] = [float(v) for v in np.asarray(x).astype(np.float64).ravel()]


k = jax.random.key(42)
exact("key 0", words(jax.random.key(0)))
exact("key large", words(jax.random.key(0x1234_5678_9ABC_DEF0)))
exact("split", words(jax.random.split(k)))
exact("split 5", words(jax.random.split(k, 5)))
exact("foldIn 7", words(jax.random.fold_in(k, 7)))
exact("foldIn chain", words(jax.random.fold_in(jax.random.fold_in(k, 2**32 - 1), 3)))
for t in ("uint8", "uint16", "uint32", "uint64"):
    exact(f"bits {t}", jax.random.bits(k, (3, 5), t))
exact("bits scalar", jax.random.bits(k, (), "uint32"))
for t in ("float16", "bfloat16", "float32", "float64"):
    exact(f"uniform {t}", jax.random.uniform(k, (4, 5), t))
exact("uniform range", jax.random.uniform(k, (20,), "float32", -2.5, 3.5))
for t in ("float16", "bfloat16", "float32", "float64"):
    close(f"normal {t}", jax.random.normal(k, (6, 5), t))
z = jax.random.normal(k, (5,), "complex64")
close("normal complex64", jnp.stack([z.real, z.imag], -1))
z = jax.random.normal(k, (5,), "complex128")
close("normal complex128", jnp.stack([z.real, z.imag], -1))
close("truncatedNormal", jax.random.truncated_normal(k, -2, 2, (30,), "float32"))
close("truncatedNormal narrow", jax.random.truncated_normal(k, 0.5, 0.75, (30,), "float64"))
close("gumbel", jax.random.gumbel(k, (30,), "float32"))
close("gumbel float64", jax.random.gumbel(k, (30,), "float64"))
close("exponential", jax.random.exponential(k, (30,), "float32"))
exact("bernoulli", jax.random.bernoulli(k, jnp.float32(0.3), (40,)))
exact("bernoulli tensor", jax.random.bernoulli(k, jnp.linspace(0, 1, 11, dtype="float64")))
exact("randint int32", jax.random.randint(k, (20,), -10, 1000, "int32"))
exact("randint full", jax.random.randint(k, (20,), -(2**31), 2**31, "int32"))
exact("randint int8", jax.random.randint(k, (20,), -128, 128, "int8"))
exact("randint uint8", jax.random.randint(k, (20,), 0, 256, "uint8"))
exact("randint uint32", jax.random.randint(k, (20,), 5, 2**32, "uint32"))
exact("randint int64", jax.random.randint(k, (20,), -(2**40), 2**41 + 3, "int64"))
exact("randint empty", jax.random.randint(k, (3,), 4, 4, "int32"))
for n in (0, 1, 10, 1000, 5000):
    exact(f"permutation {n}", jax.random.permutation(k, n)[:50])
exact("permutation matrix", jax.random.permutation(k, jnp.arange(12).reshape(3, 4), axis=1))
logits = jnp.asarray(np.sin(np.arange(24.0)).reshape(4, 6) * 2, "float32")
exact("categorical", jax.random.categorical(k, logits))
exact("categorical axis 0", jax.random.categorical(k, logits, axis=0))
exact("categorical shape", jax.random.categorical(k, logits, shape=(3, 4)))
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({"bits": bits, "values": values}) + "\n")
