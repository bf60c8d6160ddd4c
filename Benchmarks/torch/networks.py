"""The suite's networks in PyTorch, made from Pinion's weights: names to tensors, channels last, kernels [in, out]."""

import torch
from torch import nn
from torch.nn import functional as F


def set_(module, weight, bias=None):
    with torch.no_grad():
        module.weight.copy_(weight)
        if bias is not None:
            module.bias.copy_(bias)
    return module


def linear(w, name):
    weight, bias = w[f"{name}.weight"], w.get(f"{name}.bias")
    return set_(nn.Linear(*weight.shape, bias=bias is not None), weight.T, bias)


def layer_norm(w, name):
    weight = w[f"{name}.weight"]
    return set_(nn.LayerNorm(weight.shape[0]), weight, w[f"{name}.bias"])


def batch_norm(w, name):
    weight = w[f"{name}.weight"]
    return set_(nn.BatchNorm2d(weight.shape[0]), weight, w[f"{name}.bias"])


def convolution(w, name, stride=1, padding=1):
    weight, bias = w[f"{name}.weight"].permute(3, 2, 0, 1), w.get(f"{name}.bias")
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], stride, padding, bias=bias is not None)
    return set_(layer, weight, bias)


def transposed(w, name):
    weight = w[f"{name}.weight"].permute(2, 3, 0, 1)
    return set_(nn.ConvTranspose2d(weight.shape[0], weight.shape[1], 4, 2, 1, bias=False), weight)


def count(w, name):
    """How many entries a list of layers has."""
    return 1 + max(int(k[len(name) + 1:].split(".")[0]) for k in w if k.startswith(name + "."))


class MLP(nn.Sequential):
    def __init__(self, w):
        layers = []
        for i in range(count(w, "layers")):
            layers += [linear(w, f"layers.{i}"), nn.ReLU()]
        super().__init__(*layers, linear(w, "head"))


class Block(nn.Module):
    """Pre-norm transformer block; queries, keys and values from one product."""

    def __init__(self, w, name, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        a = f"{name}.attention"
        parts = [a + ".query", a + ".key", a + ".value"]
        weight = torch.cat([w[p + ".weight"] for p in parts], 1)
        self.qkv = set_(nn.Linear(*weight.shape), weight.T, torch.cat([w[p + ".bias"] for p in parts]))
        self.output = linear(w, a + ".output")
        self.norm1, self.norm2 = layer_norm(w, name + ".norm1"), layer_norm(w, name + ".norm2")
        self.expand = linear(w, name + ".feedForward.expand")
        self.contract = linear(w, name + ".feedForward.contract")

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.output(y.transpose(1, 2).reshape(b, t, d))
        return x + self.contract(F.gelu(self.expand(self.norm2(x))))


class GPT(nn.Module):
    def __init__(self, w, heads):
        super().__init__()
        self.tokens = nn.Embedding.from_pretrained(w["tokens.weight"], freeze=False)
        self.positions = nn.Parameter(w["positions"].clone())
        self.blocks = nn.Sequential(*[Block(w, f"blocks.{i}", heads, True) for i in range(count(w, "blocks"))])
        self.norm, self.head = layer_norm(w, "norm"), linear(w, "head")

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.tokens(x) + self.positions)))


class ViT(nn.Module):
    def __init__(self, w, heads, patch):
        super().__init__()
        self.patch = patch
        self.embedding = linear(w, "embedding")
        self.positions = nn.Parameter(w["positions"].clone())
        self.blocks = nn.Sequential(*[Block(w, f"blocks.{i}", heads, False) for i in range(count(w, "blocks"))])
        self.norm, self.head = layer_norm(w, "norm"), linear(w, "head")

    def forward(self, x):
        b, h, _, c = x.shape
        p = self.patch
        x = x.view(b, h // p, p, h // p, p, c).transpose(2, 3).reshape(b, -1, p * p * c)
        return self.head(self.norm(self.blocks(self.embedding(x) + self.positions)).mean(1))


class PairAttention(nn.Module):
    """TNT's attention: queries and keys from one product, values from another."""

    def __init__(self, w, name, heads):
        super().__init__()
        self.heads = heads
        self.qk, self.v = linear(w, name + ".queryKey"), linear(w, name + ".values")
        self.output = linear(w, name + ".output")

    def forward(self, x):
        b, t, d = x.shape
        q, k = self.qk(x).view(b, t, 2, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        v = self.v(x).view(b, t, self.heads, d // self.heads).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.output(y.transpose(1, 2).reshape(b, t, d))


class FeedForward(nn.Sequential):
    def __init__(self, w, name):
        super().__init__(linear(w, name + ".expand"), nn.GELU(), linear(w, name + ".contract"))


class TNTBlock(nn.Module):
    def __init__(self, w, name, settings):
        super().__init__()
        self.inner_norm1 = layer_norm(w, name + ".innerNorm1")
        self.inner_attention = PairAttention(w, name + ".innerAttention", settings["innerHeads"])
        self.inner_norm2 = layer_norm(w, name + ".innerNorm2")
        self.inner_mlp = FeedForward(w, name + ".innerFeedForward")
        self.inject_norm, self.injection = layer_norm(w, name + ".injectNorm"), linear(w, name + ".injection")
        self.outer_norm1 = layer_norm(w, name + ".outerNorm1")
        self.outer_attention = PairAttention(w, name + ".outerAttention", settings["heads"])
        self.outer_norm2 = layer_norm(w, name + ".outerNorm2")
        self.outer_mlp = FeedForward(w, name + ".outerFeedForward")

    def forward(self, y, z):
        y = y + self.inner_attention(self.inner_norm1(y))
        y = y + self.inner_mlp(self.inner_norm2(y))
        words = self.inject_norm(y).reshape(z.shape[0], z.shape[1] - 1, -1)
        z = torch.cat([z[:, :1], z[:, 1:] + self.injection(words)], 1)
        z = z + self.outer_attention(self.outer_norm1(z))
        return y, z + self.outer_mlp(self.outer_norm2(z))


class TNT(nn.Module):
    def __init__(self, w, settings):
        super().__init__()
        self.patch, self.stride = settings["patchSize"], settings["innerStride"]
        self.convolution = convolution(w, "pixelEmbedding.convolution", self.stride, 3)
        self.pixel_positions = nn.Parameter(w["pixelEmbedding.positions"].clone())
        self.norm1, self.projection = layer_norm(w, "firstNorm"), linear(w, "projection")
        self.norm2 = layer_norm(w, "secondNorm")
        self.class_token = nn.Parameter(w["classToken"].clone())
        self.positions = nn.Parameter(w["outerPositions"].clone())
        self.blocks = nn.ModuleList([TNTBlock(w, f"blocks.{i}", settings) for i in range(count(w, "blocks"))])
        self.norm, self.head = layer_norm(w, "norm"), linear(w, "head")

    def forward(self, images):
        b, side = images.shape[:2]
        grid, pixels = side // self.patch, self.patch // self.stride
        y = self.convolution(images.permute(0, 3, 1, 2))
        c = y.shape[1]
        y = y.view(b, c, grid, pixels, grid, pixels).permute(0, 2, 4, 3, 5, 1)
        y = y.reshape(b * grid * grid, pixels * pixels, c) + self.pixel_positions
        z = self.norm2(self.projection(self.norm1(y.reshape(b, grid * grid, -1))))
        z = torch.cat([self.class_token.expand(b, -1, -1), z], 1) + self.positions
        for block in self.blocks:
            y, z = block(y, z)
        return self.head(self.norm(z)[:, 0])


class ConvolutionalNetwork(nn.Module):
    def __init__(self, w, stride=1):
        super().__init__()
        layers = []
        for i in range(count(w, "convolutions")):
            layers += [convolution(w, f"convolutions.{i}", stride), nn.ReLU()]
        self.features, self.head = nn.Sequential(*layers), linear(w, "head")

    def forward(self, x):
        return self.head(self.features(x.permute(0, 3, 1, 2)).mean((2, 3)))


class BasicBlock(nn.Module):
    def __init__(self, w, name):
        super().__init__()
        stride = 2 if f"{name}.shortcut.weight" in w else 1
        self.conv1, self.norm1 = convolution(w, name + ".convolution1", stride), batch_norm(w, name + ".norm1")
        self.conv2, self.norm2 = convolution(w, name + ".convolution2"), batch_norm(w, name + ".norm2")
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(
            convolution(w, name + ".shortcut", stride, 0), batch_norm(w, name + ".shortcutNorm"))

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class ResNet18(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.stem, self.norm = convolution(w, "stem"), batch_norm(w, "norm")
        self.blocks = nn.Sequential(*[BasicBlock(w, f"blocks.{i}") for i in range(count(w, "blocks"))])
        self.head = linear(w, "head")

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x.permute(0, 3, 1, 2))))
        return self.head(self.blocks(x).mean((2, 3)))


class Generator(nn.Module):
    def __init__(self, w):
        super().__init__()
        # Pinion's features are [7, 7, C], PyTorch's [C, 7, 7].
        weight = w["project.weight"].view(w["project.weight"].shape[0], 7, 7, -1).permute(0, 3, 1, 2).flatten(1)
        self.project = set_(nn.Linear(*weight.shape, bias=False), weight.T)
        self.norm1, self.up1 = batch_norm(w, "norm1"), transposed(w, "up1")
        self.norm2, self.up2 = batch_norm(w, "norm2"), transposed(w, "up2")

    def forward(self, z):
        x = self.project(z).view(z.shape[0], -1, 7, 7)
        return self.up2(F.relu(self.norm2(self.up1(F.relu(self.norm1(x)))))).tanh()


class Discriminator(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.down1, self.down2 = convolution(w, "down1", 2), convolution(w, "down2", 2)
        self.norm = batch_norm(w, "norm")
        weight = w["head.weight"].view(7, 7, -1).permute(2, 0, 1).reshape(-1, 1)
        self.head = set_(nn.Linear(*weight.shape), weight.T, w["head.bias"])

    def forward(self, x):
        x = F.leaky_relu(self.down1(x), 0.2)
        return self.head(F.leaky_relu(self.norm(self.down2(x)), 0.2).flatten(1)).squeeze(1)


class Recurrent(nn.Module):
    def __init__(self, w, gates):
        super().__init__()
        weight = w["cell.inputWeight"]
        self.cell = (nn.GRU if gates == 3 else nn.LSTM)(weight.shape[0], weight.shape[1] // gates)
        with torch.no_grad():
            self.cell.weight_ih_l0.copy_(weight.T)
            self.cell.weight_hh_l0.copy_(w["cell.hiddenWeight"].T)
            self.cell.bias_ih_l0.copy_(w["cell.inputBias"])
            self.cell.bias_hh_l0.copy_(w["cell.hiddenBias"])
        self.head = linear(w, "head")

    def forward(self, x):
        return self.head(self.cell(x)[0][-1])
