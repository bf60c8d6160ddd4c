"""The suite's workloads in JAX, as its users would write them, from Pinion's weights in one dictionary."""

import math
from functools import partial

import jax
from jax import lax
from jax import numpy as jnp

import networks as net


def adam(rate=1e-3, b1=0.9, b2=0.999, decay=0.0):
    """Adam, or AdamW where weights decay."""

    def start(p):
        zeros = jax.tree.map(jnp.zeros_like, p)
        return {"step": jnp.zeros((), jnp.int32), "m": zeros, "v": jax.tree.map(jnp.zeros_like, p)}

    def update(p, g, s):
        step = s["step"] + 1
        t = step.astype(jnp.float32)
        m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, s["m"], g)
        v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, s["v"], g)
        c1, c2 = 1 - b1**t, 1 - b2**t
        p = jax.tree.map(
            lambda p, m, v: p * (1 - rate * decay) - rate / c1 * m / (jnp.sqrt(v / c2) + 1e-8), p, m, v)
        return p, {"step": step, "m": m, "v": v}

    return start, update


def sgd(rate, momentum=0.0):
    def start(p):
        return jax.tree.map(jnp.zeros_like, p) if momentum else {}

    def update(p, g, v):
        if momentum:
            g = v = jax.tree.map(lambda v, g: momentum * v + g, v, g)
        return jax.tree.map(lambda p, g: p - rate * g, p, g), v

    return start, update


def training(network, optimizer, loss):
    """A workload of the standard form. `network` is given weights, settings and input."""

    def make(weights, data, settings):
        start, update = optimizer
        # Running statistics aren't needed to train; batch statistics are used.
        weights = {k: v for k, v in weights.items() if ".running" not in k and not k.startswith("running")}
        state = (weights, start(weights))

        def function(state, data):
            p, s = state
            value, g = jax.value_and_grad(lambda p: loss(partial(network, p, settings), data))(p)
            return update(p, g, s), value

        compiled = jax.jit(function, donate_argnums=0)

        def step():
            nonlocal state
            state, value = compiled(state, data)
            return value

        return step, lambda: jax.jit(lambda *a: function(*a), donate_argnums=0).lower(state, data)

    return make


def computation(function, double=False):
    """The same from the same data in each step, in float64 where asked for."""

    def make(weights, data, settings):
        compiled = jax.jit(lambda data: function(data, settings))

        def step():
            with jax.enable_x64(double):
                return compiled(data)[0]

        return step, lambda: jax.jit(lambda data: function(data, settings)).lower(data)

    return make


def cross_entropy(scores, labels):
    logs = jax.nn.log_softmax(scores)
    return -jnp.take_along_axis(logs, labels[..., None], -1).mean()


def classify(key):
    return lambda model, data: cross_entropy(model(data[key]), data["labels"])


def next_token(model, data):
    return cross_entropy(model(data["tokens"][:, :-1]), data["tokens"][:, 1:])


def per_example(network):
    """Gradients of each example, clipped, and their mean."""

    def make(weights, data, settings):
        def clipped(p, x, y):
            value, g = jax.value_and_grad(lambda p: cross_entropy(network(p, x[None]), y[None]))(p)
            norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(g)))
            factor = jnp.where(norm <= 1, 1.0, 1.0 / norm)
            return jax.tree.map(lambda g: g * factor, g), value

        def function(p, data):
            g, values = jax.vmap(clipped, in_axes=(None, 0, 0))(p, data["inputs"], data["labels"])
            return jax.tree.map(lambda p, g: p - 0.5 * g.mean(0), p, g), values.mean()

        compiled = jax.jit(function, donate_argnums=0)

        def step():
            nonlocal weights
            weights, value = compiled(weights, data)
            return value

        return step, lambda: jax.jit(lambda *a: function(*a)).lower(weights, data)

    return make


def dcgan(weights, data, settings):
    weights = {k: v for k, v in weights.items() if ".running" not in k}
    g = {k[10:]: v for k, v in weights.items() if k.startswith("generator.")}
    d = {k[14:]: v for k, v in weights.items() if k.startswith("discriminator.")}
    start, update = adam(2e-5, b1=0.5)
    state = (g, d, start(g), start(d))

    def judge(scores, label):
        return jnp.mean(jnp.maximum(scores, 0) - scores * label + jnp.log1p(jnp.exp(-jnp.abs(scores))))

    def function(state, data):
        g, d, sg, sd = state
        made, pull = jax.vjp(lambda g: net.generator(g, data["noise"]), g)
        first, slope = jax.value_and_grad(
            lambda d: judge(net.discriminator(d, data["images"]), 1.0) + judge(net.discriminator(d, made), 0.0))(d)
        d, sd = update(d, slope, sd)
        second, slope = jax.value_and_grad(lambda made: judge(net.discriminator(d, made), 1.0))(made)
        g, sg = update(g, pull(slope)[0], sg)
        return (g, d, sg, sd), first + second

    compiled = jax.jit(function, donate_argnums=0)

    def step():
        nonlocal state
        state, value = compiled(state, data)
        return value

    return step, lambda: jax.jit(lambda *a: function(*a)).lower(state, data)


def call_overhead(weights, data, settings):
    return call(data, lambda leaves: [0.5 * leaf for leaf in leaves])


def call_unchanged(weights, data, settings):
    return call(data, lambda leaves: [0.5 * leaves[0] + leaves[-1]] + leaves[1:])


def call(data, change):
    leaves = [jnp.array(row) for row in data["x"]]

    def function(leaves):
        leaves = change(leaves)
        return leaves, leaves[0].sum()

    compiled = jax.jit(function, donate_argnums=0)

    def step():
        nonlocal leaves
        leaves, value = compiled(leaves)
        return value

    return step, lambda: jax.jit(function).lower(leaves)


def cholesky(data, settings):
    factor = jnp.linalg.cholesky(data["a"])
    solution = jax.scipy.linalg.cho_solve((factor, True), data["b"])
    return jnp.square(solution).mean(), solution


def pendulums(data, settings):
    h = 0.01

    def slope(y):
        return y[1], -jnp.sin(y[0]) - 0.1 * y[1]

    def moved(y, k, t):
        return y[0] + t * k[0], y[1] + t * k[1]

    def body(_, y):
        k1 = slope(y)
        k2 = slope(moved(y, k1, h / 2))
        k3 = slope(moved(y, k2, h / 2))
        k4 = slope(moved(y, k3, h))
        return tuple(y[i] + (h / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) for i in range(2))

    y = lax.fori_loop(0, settings["steps"], body, (data["angle"], data["speed"]))
    return jnp.square(y[0]).mean(), jnp.stack(y)


RING = [(4 * math.cos(k * math.pi / 4), 4 * math.sin(k * math.pi / 4)) for k in range(8)]


def reference_energy(x):
    return jnp.square(x).sum() / 32 + math.log(2 * math.pi * 16)


def ring_energy(x):
    """Eight Gaussians of deviation 0.5."""
    squares = jnp.square(x - jnp.array(RING)).sum(1)
    return -jax.nn.logsumexp(-squares / 0.5 - math.log(8) - math.log(2 * math.pi * 0.25))


def evaluated(x):
    """Values and gradients of both energies at many states."""
    both = [jax.vmap(jax.value_and_grad(energy))(x) for energy in (reference_energy, ring_energy)]
    return [value for value, _ in both], [gradient for _, gradient in both]


def mixed(terms, level):
    return (1 - level) * terms[0] + level * terms[1]


def ais_mala(data, settings):
    count, steps, dt = settings["count"], settings["steps"], 0.2
    keys = jax.random.split(jax.random.wrap_key_data(data["key"]))
    start = 4 * jax.random.normal(keys[0], (count, 2))
    moves = jax.random.split(keys[1])[1]

    def body(carry, element):
        x, (values, gradients), work = carry
        before, after, step = element
        work = work + mixed(values, after) - mixed(values, before)
        drawing, deciding = jax.random.split(jax.random.fold_in(moves, step))
        noise = jax.random.normal(drawing, (2, count)).T
        y = x - dt * mixed(gradients, after) + math.sqrt(2 * dt) * noise
        proposal = evaluated(y)
        back = x - y + dt * mixed(proposal[1], after)
        kernels = jnp.square(noise).sum(1) / 2 - jnp.square(back).sum(1) / (4 * dt)
        ratio = mixed(values, after) - mixed(proposal[0], after) + kernels
        accepted = jnp.log(jax.random.uniform(deciding, (count,))) < ratio
        row = accepted[:, None]
        values = [jnp.where(accepted, new, old) for new, old in zip(proposal[0], values)]
        gradients = [jnp.where(row, new, old) for new, old in zip(proposal[1], gradients)]
        return (jnp.where(row, y, x), (values, gradients), work), None

    levels = jnp.arange(steps + 1) / steps
    begin = (start, evaluated(start), jnp.zeros(count))
    (_, _, work), _ = lax.scan(body, begin, (levels[:-1], levels[1:], jnp.arange(steps)))
    return work.mean(), work


def virtual_trajectories(data, settings):
    count, length = settings["count"], settings["length"]
    friction, h, precision = 0.5, 0.15, 0.3
    keys = jax.random.split(jax.random.wrap_key_data(data["key"]))
    start = 4 * jax.random.normal(keys[0], (count, 2))
    momenta = jax.random.normal(jax.random.split(keys[1])[0], (2, count)).T / math.sqrt(precision)

    def step(orbit, h, time):
        x, p, gradient, alive, total = orbit
        damping = jnp.exp(-friction * h / 2)
        half = p * damping - h / 2 * gradient
        x = x + h * half
        values, gradients = evaluated(x)
        p = (half - h / 2 * gradients[1]) * damping
        kinetic = jnp.square(p).sum(1) / 2
        alive = alive & (values[1] + kinetic < 1e8)
        volume = -2 * friction * h * time
        log0 = jnp.where(alive, -values[0] - precision * kinetic + volume, -jnp.inf)
        log1 = jnp.where(alive, -values[1] - kinetic + volume, -jnp.inf)
        return (x, p, gradients[1], alive, jnp.logaddexp(total, log0)), log1

    def backward(orbit, time):
        orbit, _ = step(orbit, -h, time)
        return orbit, orbit[4]

    def forward(carry, element):
        time, behind = element
        orbit, log1 = step(carry[0], h, time)
        return (orbit, jnp.logaddexp(carry[1], log1 - jnp.logaddexp(orbit[4], behind))), None

    values, gradients = evaluated(start)
    kinetic = jnp.square(momenta).sum(1) / 2
    first = -values[0] - precision * kinetic
    times = jnp.arange(length) + 1.0
    begin = (start, momenta, gradients[1], jnp.ones(count, bool), first)
    _, behind = lax.scan(backward, begin, times)
    ratio = -values[1] - kinetic - behind[-1]
    sums = jnp.concatenate([behind[::-1][1:], first[None]])
    begin = begin[:4] + (jnp.full(count, -jnp.inf),)
    (_, ratio), _ = lax.scan(forward, (begin, ratio), (times, sums))
    ratio = ratio - math.log(precision)
    return ratio.mean(), ratio


def elementwise(data, settings):
    x = data["x"]
    y = jnp.tanh(1.5 * x + 0.5)
    z = jax.nn.relu(x) * y - jnp.sqrt(jnp.abs(x)) / (1 + x * x)
    return z.mean(), z


def reductions(data, settings):
    x = data["x"]
    array = jnp.stack([x.sum(0), x.sum(1), x.max(0), x.max(1), x.var(0), x.var(1)])
    return array.mean(), array


def softmax(data, settings):
    y = jax.nn.softmax(data["x"])
    return y[:, 0].mean(), y


def fourier(data, settings):
    y = jnp.fft.ifft2(jnp.fft.fft2(data["x"]) * data["filter"]).real
    return jnp.square(y).mean(), y


def gpt(p, settings, x):
    return net.gpt(p, settings["heads"], x)


def rnn(p, settings, x):
    return net.recurrent(p, settings["gates"], x)


all = {
    "mlp": training(lambda p, s, x: net.mlp(p, x), adam(1e-4), classify("inputs")),
    "gpt-d256": training(gpt, adam(decay=0.01), next_token),
    "gpt-d64": training(gpt, adam(decay=0.01), next_token),
    "gpt-l12": training(gpt, adam(decay=0.01), next_token),
    "vit-tiny": training(net.vit, adam(decay=0.01), classify("images")),
    "tnt": training(net.tnt, adam(decay=0.01), classify("images")),
    "convnet": training(lambda p, s, x: net.convnet(p, x), sgd(0.05, 0.9), classify("images")),
    "resnet18": training(lambda p, s, x: net.resnet18(p, x), sgd(0.01, 0.9), classify("images")),
    "dcgan": dcgan,
    "gru": training(rnn, adam(), classify("inputs")),
    "lstm": training(rnn, adam(), classify("inputs")),
    "per-example-mlp": per_example(net.mlp),
    "per-example-convnet": per_example(partial(net.convnet, stride=2)),
    "embedding": training(
        lambda p, s, x: p["weight"][x], sgd(100.0),
        lambda model, data: jnp.square(model(data["indices"]) - data["targets"]).mean()),
    "cholesky": computation(cholesky),
    "pendulums": computation(pendulums),
    "ais-mala": computation(ais_mala, double=True),
    "virtual-trajectories": computation(virtual_trajectories, double=True),
    "elementwise": computation(elementwise),
    "reductions": computation(reductions),
    "softmax": computation(softmax),
    "fft2": computation(fourier),
    "call-overhead": call_overhead,
    "call-unchanged": call_unchanged,
}
