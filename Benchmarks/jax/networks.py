"""The suite's networks in JAX: functions of a dictionary of Pinion's weights."""

import jax
from jax import lax
from jax import numpy as jnp


def dense(p, name, x):
    y = x @ p[f"{name}.weight"]
    bias = p.get(f"{name}.bias")
    return y if bias is None else y + bias


def layer_norm(p, name, x):
    centred = x - x.mean(-1, keepdims=True)
    y = centred * lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + 1e-5)
    return y * p[f"{name}.weight"] + p[f"{name}.bias"]


def batch_norm(p, name, x):
    axes = tuple(range(x.ndim - 1))
    centred = x - x.mean(axes)
    return centred * lax.rsqrt(jnp.square(centred).mean(axes) + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]


def convolution(p, name, x, stride=1, padding=1):
    y = lax.conv_general_dilated(
        x, p[f"{name}.weight"], (stride, stride), [(padding, padding)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    bias = p.get(f"{name}.bias")
    return y if bias is None else y + bias


def transposed(p, name, x):
    """Kernel 4, stride 2, padding 1; PyTorch's orientation of the kernel."""
    return lax.conv_general_dilated(
        x, p[f"{name}.weight"][::-1, ::-1], (1, 1), [(2, 2)] * 2, lhs_dilation=(2, 2),
        dimension_numbers=("NHWC", "HWIO", "NHWC"))


def count(p, name):
    """How many entries a list of layers has."""
    return 1 + max(int(k[len(name) + 1:].split(".")[0]) for k in p if k.startswith(name + "."))


def gelu(x):
    return jax.nn.gelu(x, approximate=False)


def mlp(p, x):
    for i in range(count(p, "layers")):
        x = jax.nn.relu(dense(p, f"layers.{i}", x))
    return dense(p, "head", x)


def attend(q, k, v, causal=False):
    """Mixed values [B, T, d] of heads [B, T, heads, size]."""
    scores = jnp.einsum("bthd,bshd->bhts", q, k) * q.shape[-1] ** -0.5
    if causal:
        scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e30)
    y = jnp.einsum("bhts,bshd->bthd", jax.nn.softmax(scores), v)
    return y.reshape(*y.shape[:2], -1)


def block(p, name, x, heads, causal):
    a = name + ".attention"
    y = layer_norm(p, name + ".norm1", x)
    q, k, v = (dense(p, f"{a}.{n}", y).reshape(*y.shape[:2], heads, -1) for n in ("query", "key", "value"))
    x = x + dense(p, a + ".output", attend(q, k, v, causal))
    f = name + ".feedForward"
    return x + dense(p, f + ".contract", gelu(dense(p, f + ".expand", layer_norm(p, name + ".norm2", x))))


def gpt(p, heads, x):
    x = p["tokens.weight"][x] + p["positions"]
    for i in range(count(p, "blocks")):
        x = block(p, f"blocks.{i}", x, heads, True)
    return dense(p, "head", layer_norm(p, "norm", x))


def vit(p, settings, x):
    b, h, _, c = x.shape
    s = settings["patch"]
    x = x.reshape(b, h // s, s, h // s, s, c).transpose(0, 1, 3, 2, 4, 5).reshape(b, -1, s * s * c)
    x = dense(p, "embedding", x) + p["positions"]
    for i in range(count(p, "blocks")):
        x = block(p, f"blocks.{i}", x, settings["heads"], False)
    return dense(p, "head", layer_norm(p, "norm", x).mean(1))


def pair_attention(p, name, x, heads):
    b, t, _ = x.shape
    q, k = jnp.moveaxis(dense(p, name + ".queryKey", x).reshape(b, t, 2, heads, -1), 2, 0)
    v = dense(p, name + ".values", x).reshape(b, t, heads, -1)
    return dense(p, name + ".output", attend(q, k, v))


def feed_forward(p, name, x):
    return dense(p, name + ".contract", gelu(dense(p, name + ".expand", x)))


def tnt(p, settings, images):
    b, side = images.shape[:2]
    patch, stride = settings["patchSize"], settings["innerStride"]
    grid, pixels = side // patch, patch // stride
    y = convolution(p, "pixelEmbedding.convolution", images, stride, 3)
    c = y.shape[-1]
    y = y.reshape(b, grid, pixels, grid, pixels, c).transpose(0, 1, 3, 2, 4, 5)
    y = y.reshape(b * grid * grid, pixels * pixels, c) + p["pixelEmbedding.positions"]
    z = layer_norm(p, "firstNorm", y.reshape(b, grid * grid, -1))
    z = layer_norm(p, "secondNorm", dense(p, "projection", z))
    z = jnp.concatenate([jnp.broadcast_to(p["classToken"], (b, 1, z.shape[-1])), z], 1) + p["outerPositions"]
    for i in range(count(p, "blocks")):
        n = f"blocks.{i}"
        y = y + pair_attention(p, n + ".innerAttention", layer_norm(p, n + ".innerNorm1", y), settings["innerHeads"])
        y = y + feed_forward(p, n + ".innerFeedForward", layer_norm(p, n + ".innerNorm2", y))
        words = layer_norm(p, n + ".injectNorm", y).reshape(b, grid * grid, -1)
        z = z.at[:, 1:].add(dense(p, n + ".injection", words))
        z = z + pair_attention(p, n + ".outerAttention", layer_norm(p, n + ".outerNorm1", z), settings["heads"])
        z = z + feed_forward(p, n + ".outerFeedForward", layer_norm(p, n + ".outerNorm2", z))
    return dense(p, "head", layer_norm(p, "norm", z)[:, 0])


def convnet(p, x, stride=1):
    for i in range(count(p, "convolutions")):
        x = jax.nn.relu(convolution(p, f"convolutions.{i}", x, stride))
    return dense(p, "head", x.mean((1, 2)))


def resnet18(p, x):
    x = jax.nn.relu(batch_norm(p, "norm", convolution(p, "stem", x)))
    for i in range(count(p, "blocks")):
        n = f"blocks.{i}"
        strided = f"{n}.shortcut.weight" in p
        y = convolution(p, n + ".convolution1", x, 2 if strided else 1)
        y = convolution(p, n + ".convolution2", jax.nn.relu(batch_norm(p, n + ".norm1", y)))
        if strided:
            x = batch_norm(p, n + ".shortcutNorm", convolution(p, n + ".shortcut", x, 2, 0))
        x = jax.nn.relu(batch_norm(p, n + ".norm2", y) + x)
    return dense(p, "head", x.mean((1, 2)))


def generator(p, z):
    x = dense(p, "project", z).reshape(z.shape[0], 7, 7, -1)
    x = transposed(p, "up1", jax.nn.relu(batch_norm(p, "norm1", x)))
    return jnp.tanh(transposed(p, "up2", jax.nn.relu(batch_norm(p, "norm2", x))))


def discriminator(p, x):
    x = jax.nn.leaky_relu(convolution(p, "down1", x, 2), 0.2)
    x = jax.nn.leaky_relu(batch_norm(p, "norm", convolution(p, "down2", x, 2)), 0.2)
    return dense(p, "head", x.reshape(x.shape[0], -1))[:, 0]


def recurrent(p, gates, x):
    wx, wh = p["cell.inputWeight"], p["cell.hiddenWeight"]
    bx, bh = p["cell.inputBias"], p["cell.hiddenBias"]
    zeros = jnp.zeros((x.shape[1], wh.shape[0]))

    def gru(h, x):
        a, b = jnp.split(x @ wx + bx, 3, -1), jnp.split(h @ wh + bh, 3, -1)
        r, z = jax.nn.sigmoid(a[0] + b[0]), jax.nn.sigmoid(a[1] + b[1])
        n = jnp.tanh(a[2] + r * b[2])
        return n + z * (h - n), None

    def lstm(state, x):
        h, c = state
        i, f, g, o = jnp.split(x @ wx + bx + h @ wh + bh, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    h = lax.scan(gru, zeros, x)[0] if gates == 3 else lax.scan(lstm, (zeros, zeros), x)[0][0]
    return dense(p, "head", h)
