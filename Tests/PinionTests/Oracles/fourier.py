"""Writes fourier.json: NumPy's Fourier transforms, and JAX's derivatives of them, for FourierTests. python fourier.py"""
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


def put(name, x):
    x = np.asarray(x)
    parts = np.stack([x.real, x.imag], -1) if np.iscomplexobj(x) else x
    out[name] = {"shape": list(parts.shape), "values": [float("%.17g" % v) for v in parts.ravel()]}


n = np.arange(60.0)
n = n[:24]
x = np.sin(n * n).reshape(2, 4, 3)
z = x + 1j * np.cos(n * n + 1).reshape(2, 4, 3)
for name, f in (("fft", "fftn"), ("ifft", "ifftn"), ("rfft", "rfftn"), ("irfft", "irfftn")):
    f = getattr(np.fft, f)
    t = x if name == "rfft" else z
    put(f"{name}", f(t, axes=[-1]))
    put(f"{name} axis", f(t, axes=[1]))
    put(f"{name} two", f(t, axes=[2, 0]))
    put(f"{name} three ortho", f(t, norm="ortho"))
    put(f"{name} sizes", f(t, s=[3, 2], axes=[0, 2], norm="forward"))
put("fft of a real tensor", np.fft.fft(x))
put("irfft odd", np.fft.irfftn(z, s=[7], axes=[1]))
put("four axes", np.fft.fftn(z.reshape(2, 2, 2, 3)))
put("four real axes", np.fft.rfftn(x.reshape(2, 2, 2, 3)))
put("four inverse axes", np.fft.irfftn(z.reshape(2, 2, 2, 3)))
put("shift", np.fft.fftshift(x))
put("shift back", np.fft.ifftshift(x, axes=[2]))
for k in (4, 5):
    put(f"frequencies {k}", np.fft.fftfreq(k, 0.5))
    put(f"real frequencies {k}", np.fft.rfftfreq(k, 0.5))
w = jnp.asarray(np.cos(3 * n[:6]).reshape(2, 3))
loss = lambda f: lambda t: (jnp.abs(f(t)) ** 2 * w[:, : f(t).shape[-1]] + jnp.real(f(t))).sum()
put("slope fft", jax.grad(loss(jnp.fft.fft))(jnp.asarray(z[:, 0])))
put("slope rfft", jax.grad(loss(jnp.fft.rfft))(jnp.asarray(x[:, 0])))
put("slope irfft", jax.grad(loss(lambda t: jnp.fft.irfft(t, 3)))(jnp.asarray(z[:, 0, :2])))
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
