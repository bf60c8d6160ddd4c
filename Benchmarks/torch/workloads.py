"""The suite's workloads in PyTorch, as its users would write them, from Pinion's weights."""

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap
from torch.nn import functional as F

from networks import (
    GPT, MLP, TNT, ConvolutionalNetwork, Discriminator, Generator, Recurrent, ResNet18, ViT)


def training(network, optimizer, loss):
    """A workload of the standard form."""

    def make(weights, data, settings, wrap):
        model = network(weights, settings)
        rule = optimizer(model.parameters())
        evaluate = wrap(lambda: loss(model, data))

        def step():
            rule.zero_grad()
            value = evaluate()
            value.backward()
            rule.step()
            return value.detach()

        return step

    return make


def computation(function):
    """The same from the same data in each step."""

    def make(weights, data, settings, wrap):
        compiled = wrap(lambda: function(data, settings))

        @torch.no_grad()
        def step():
            return compiled()[0]

        return step

    return make


def adam(parameters, rate=1e-3):
    return torch.optim.Adam(parameters, lr=rate, fused=True)


def adamw(parameters):
    return torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, fused=True)


def sgd(rate, momentum=0.0):
    return lambda parameters: torch.optim.SGD(parameters, lr=rate, momentum=momentum, fused=True)


def classify(key):
    return lambda model, data: F.cross_entropy(model(data[key]), data["labels"])


def next_token(model, data):
    tokens = data["tokens"]
    return F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())


def per_example(network):
    """Gradients of each example, clipped, and their mean."""

    def make(weights, data, settings, wrap):
        model = network(weights, settings)
        parameters = {name: p.detach() for name, p in model.named_parameters()}

        def loss(parameters, x, y):
            return F.cross_entropy(functional_call(model, parameters, (x[None],)), y[None])

        def clipped(parameters, x, y):
            gradient, value = grad_and_value(loss)(parameters, x, y)
            norm = torch.stack([g.square().sum() for g in gradient.values()]).sum().sqrt()
            factor = torch.where(norm <= 1, 1.0, 1.0 / norm)
            return {name: g * factor for name, g in gradient.items()}, value

        gradients = wrap(vmap(clipped, in_dims=(None, 0, 0)))

        @torch.no_grad()
        def step():
            nonlocal parameters
            each, values = gradients(parameters, data["inputs"], data["labels"])
            parameters = {name: p - 0.5 * each[name].mean(0) for name, p in parameters.items()}
            return values.mean()

        return step

    return make


def embedding(weights, settings):
    return nn.Embedding.from_pretrained(weights["weight"], freeze=False)


def dcgan(weights, data, settings, wrap):
    generator = Generator({k[10:]: v for k, v in weights.items() if k.startswith("generator.")})
    discriminator = Discriminator({k[14:]: v for k, v in weights.items() if k.startswith("discriminator.")})
    rules = [torch.optim.Adam(m.parameters(), lr=2e-5, betas=(0.5, 0.999), fused=True)
             for m in (generator, discriminator)]
    judge = F.binary_cross_entropy_with_logits

    @wrap
    def of_discriminator(made):
        real, fake = discriminator(data["images"]), discriminator(made)
        return judge(real, torch.ones_like(real)) + judge(fake, torch.zeros_like(fake))

    @wrap
    def of_generator(made):
        scores = discriminator(made)
        return judge(scores, torch.ones_like(scores))

    make = wrap(generator)

    def step():
        made = make(data["noise"])
        rules[1].zero_grad()
        first = of_discriminator(made.detach())
        first.backward()
        rules[1].step()
        rules[0].zero_grad()
        second = of_generator(made)
        second.backward()
        rules[0].step()
        return (first + second).detach()

    data["images"] = data["images"].permute(0, 3, 1, 2).contiguous()
    return step


def cholesky(data, settings):
    solution = torch.cholesky_solve(data["b"], torch.linalg.cholesky(data["a"]))
    return solution.square().mean(), solution


def pendulums(data, settings):
    h = 0.01

    def slope(y):
        return y[1], -torch.sin(y[0]) - 0.1 * y[1]

    def moved(y, k, t):
        return y[0] + t * k[0], y[1] + t * k[1]

    y = data["angle"], data["speed"]
    for _ in range(settings["steps"]):
        k1 = slope(y)
        k2 = slope(moved(y, k1, h / 2))
        k3 = slope(moved(y, k2, h / 2))
        k4 = slope(moved(y, k3, h))
        y = tuple(y[i] + (h / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) for i in range(2))
    return y[0].square().mean(), torch.stack(y)


def elementwise(data, settings):
    x = data["x"]
    y = (1.5 * x + 0.5).tanh()
    z = x.relu() * y - x.abs().sqrt() / (1 + x.square())
    return z.mean(), z


def reductions(data, settings):
    x = data["x"]
    array = torch.stack([
        x.sum(0), x.sum(1), x.amax(0), x.amax(1), x.var(0, correction=0), x.var(1, correction=0)])
    return array.mean(), array


def softmax(data, settings):
    y = data["x"].softmax(-1)
    return y[:, 0].mean(), y


def fourier(data, settings):
    x = data["x"]
    y = torch.fft.ifft2(torch.fft.fft2(x) * data["filter"]).real
    return y.square().mean(), y


all = {
    "mlp": training(lambda w, s: MLP(w), lambda p: adam(p, 1e-4), classify("inputs")),
    "gpt-d256": training(lambda w, s: GPT(w, s["heads"]), adamw, next_token),
    "gpt-d64": training(lambda w, s: GPT(w, s["heads"]), adamw, next_token),
    "gpt-l12": training(lambda w, s: GPT(w, s["heads"]), adamw, next_token),
    "vit-tiny": training(lambda w, s: ViT(w, s["heads"], s["patch"]), adamw, classify("images")),
    "tnt": training(TNT, adamw, classify("images")),
    "convnet": training(lambda w, s: ConvolutionalNetwork(w), sgd(0.05, 0.9), classify("images")),
    "resnet18": training(lambda w, s: ResNet18(w), sgd(0.01, 0.9), classify("images")),
    "dcgan": dcgan,
    "gru": training(lambda w, s: Recurrent(w, s["gates"]), adam, classify("inputs")),
    "lstm": training(lambda w, s: Recurrent(w, s["gates"]), adam, classify("inputs")),
    "per-example-mlp": per_example(lambda w, s: MLP(w)),
    "per-example-convnet": per_example(lambda w, s: ConvolutionalNetwork(w, stride=2)),
    "embedding": training(
        embedding, sgd(100), lambda model, data: F.mse_loss(model(data["indices"]), data["targets"])),
    "cholesky": computation(cholesky),
    "pendulums": computation(pendulums),
    "elementwise": computation(elementwise),
    "reductions": computation(reductions),
    "softmax": computation(softmax),
    "fft2": computation(fourier),
}

# Workloads that have no meaning here.
missing = {
    "call-overhead": "has no compiled call",
    "call-unchanged": "has no compiled call",
    "ais-mala": "the keys' numbers are JAX's",
    "virtual-trajectories": "the keys' numbers are JAX's",
}
