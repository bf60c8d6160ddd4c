"""Spectral normalisation of PyTorch: one forward pass in training, which takes one step of power iteration."""
import torch
import torch.nn as nn
from oracle import gradients, write

g = torch.Generator().manual_seed(3)
torch.manual_seed(3)
cases = {}

layer = nn.utils.spectral_norm(nn.Conv2d(3, 4, 3, stride=2, padding=1).double(), n_power_iterations=1)
start = layer.weight_u.clone()
x = torch.randn((2, 3, 6, 6), generator=g).requires_grad_()
y = layer(x)
nhwc = lambda t: t.movedim(1, -1)
case = {"y": nhwc(y), "x": nhwc(x), "start": start}
sigma = layer.weight_orig.flatten(1).mv(layer.weight_v).dot(layer.weight_u)
case["sigma"] = sigma
gradients(case, nhwc(y), {
    "x": (x, nhwc),
    "parameter layer.weight": (layer.weight_orig, lambda t: t.permute(2, 3, 1, 0)),
    "parameter layer.bias": (layer.bias, lambda t: t),
}, g)
case["parameter layer.weight"] = layer.weight_orig.permute(2, 3, 1, 0)
case["parameter layer.bias"] = layer.bias
cases["spectral"] = case
write("gan.json", cases)
