"""Layers of PyTorch: parameters in our layout, results, gradients. Channels move from the second axis to the last."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from oracle import gradients, write

g = torch.Generator().manual_seed(1)
torch.manual_seed(1)
cases = {}
same = lambda t: t
tr = lambda t: t.T


def last(t):
    return t.movedim(1, -1)


def first(t):
    return t.movedim(-1, 1)


def rand(*shape):
    return torch.randn(shape, generator=g)


def add(name, parameters, inputs, y):
    """Parameters: path -> (tensor, to our layout); inputs: name -> tensor; those that want gradients have them."""
    case = {"y": y}
    for n, t in inputs.items():
        case[n] = t
    for n, (t, layout) in parameters.items():
        case["parameter " + n] = layout(t)
    wanted = {n: (t, same) for n, t in inputs.items() if t.requires_grad}
    wanted |= {"parameter " + n: p for n, p in parameters.items() if p[0].requires_grad}
    gradients(case, y, wanted, g)
    cases[name] = case


def leaf(*shape):
    return rand(*shape).requires_grad_()


x = leaf(2, 3, 5)
m = nn.Linear(5, 4)
add("dense", {"weight": (m.weight, tr), "bias": (m.bias, same)}, {"x": x}, m(x))


def conv_layout(t):  # [O, I, s...] -> [s..., I, O]
    return t.movedim((0, 1), (-1, -2))


def transposed_layout(groups):  # [I, O/g, s...] -> [s..., I/g, O]
    def f(t):
        i, o, *s = t.shape
        t = t.reshape(groups, i // groups, o, *s)
        return t.movedim((1, 0, 2), (-3, -2, -1)).reshape(*s, i // groups, groups * o)

    return f


for name, cls, size, args in [
    ("conv1d", nn.Conv1d, (7,), dict(kernel_size=3, stride=2, padding=1, dilation=2)),
    ("conv2d", nn.Conv2d, (6, 5), dict(kernel_size=(3, 2), stride=(2, 1), padding=(1, 0), groups=2)),
    ("conv3d", nn.Conv3d, (3, 4, 3), dict(kernel_size=2)),
]:
    m = cls(4, 6, **args)
    x = leaf(2, *size, 4)
    add(name, {"weight": (m.weight, conv_layout), "bias": (m.bias, same)}, {"x": x}, last(m(first(x))))
for name, cls, size, args in [
    ("convTransposed1d", nn.ConvTranspose1d, (5,), dict(kernel_size=3, stride=2, padding=1, dilation=2)),
    ("convTransposed2d", nn.ConvTranspose2d, (3, 4), dict(kernel_size=(3, 4), stride=(2, 3), padding=1, output_padding=1, groups=2)),
    ("convTransposed3d", nn.ConvTranspose3d, (2, 2, 3), dict(kernel_size=2, stride=2)),
]:
    m = cls(4, 6, **args)
    x = leaf(2, *size, 4)
    layout = transposed_layout(args.get("groups", 1))
    add(name, {"weight": (m.weight, layout), "bias": (m.bias, same)}, {"x": x}, last(m(first(x))))

m = nn.Embedding(7, 3)
i = torch.tensor([[1, 6, 1], [0, 3, 1]])
add("embedding", {"weight": (m.weight, same)}, {"indices": i.double()}, m(i))


def jitter(m):
    """Scales and offsets away from 1 and 0."""
    with torch.no_grad():
        for p in m.parameters():
            p.add_(0.3 * rand(*p.shape))
    return m


def wb(m, prefix=""):
    return {prefix + "weight": (m.weight, same), prefix + "bias": (m.bias, same)}


x = leaf(3, 4, 6)
m = jitter(nn.LayerNorm(6))
add("layerNorm", wb(m), {"x": x}, m(x))
m = jitter(nn.RMSNorm(6, eps=1e-6))
add("rmsNorm", {"weight": (m.weight, same)}, {"x": x}, m(x))
x = leaf(2, 3, 2, 6)
m = jitter(nn.GroupNorm(3, 6))
add("groupNorm", wb(m), {"x": x}, last(m(first(x))))
m = jitter(nn.InstanceNorm2d(6, affine=True))
add("instanceNorm", wb(m), {"x": x}, last(m(first(x))))
m = jitter(nn.BatchNorm2d(6))
for step in range(3):
    x = (1 + step + 2 * rand(2, 3, 2, 6)).requires_grad_()
    add(f"batchNorm{step}", wb(m), {"x": x}, last(m(first(x))))
    cases[f"batchNorm{step}"] |= {"mean": m.running_mean.clone(), "variance": m.running_var.clone()}
m.eval()
add("batchNormUse", wb(m), {"x": x}, last(m(first(x))))


def mha(m, prefix, width):
    parts = {}
    for k, n in enumerate(["query", "key", "value"]):
        cut = lambda t, k=k: t[k * width : (k + 1) * width]
        parts[f"{prefix}{n}.weight"] = (m.in_proj_weight, lambda t, cut=cut: cut(t).T)
        parts[f"{prefix}{n}.bias"] = (m.in_proj_bias, cut)
    parts[f"{prefix}output.weight"] = (m.out_proj.weight, tr)
    parts[f"{prefix}output.bias"] = (m.out_proj.bias, same)
    return parts


x, c = leaf(2, 4, 6), leaf(2, 5, 6)
m = jitter(nn.MultiheadAttention(6, 2, batch_first=True))
causal = nn.Transformer.generate_square_subsequent_mask(4)
y, w = m(x, x, x, attn_mask=causal, average_attn_weights=False)
add("attentionCausal", mha(m, "", 6), {"x": x}, y)
cases["attentionCausal"]["weights"] = w
visible = torch.tensor([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]]).bool()
y, w = m(x, c, c, attn_mask=~visible, average_attn_weights=False)
add("attentionCross", mha(m, "", 6), {"x": x, "context": c, "mask": visible.double()}, y)
cases["attentionCross"]["weights"] = w
score = rand(4, 5)
y, w = m(x, c, c, attn_mask=score)
add("attentionAdditive", mha(m, "", 6), {"x": x, "context": c, "mask": score}, y)


def block(m, decoder):
    parts = mha(m.self_attn, "attention.", 6)
    if decoder:
        parts |= mha(m.multihead_attn, "crossAttention.", 6) | wb(m.norm3, "norm3.")
    parts |= wb(m.norm1, "norm1.") | wb(m.norm2, "norm2.")
    parts |= {
        "feedForward.expand.weight": (m.linear1.weight, tr),
        "feedForward.expand.bias": (m.linear1.bias, same),
        "feedForward.contract.weight": (m.linear2.weight, tr),
        "feedForward.contract.bias": (m.linear2.bias, same),
    }
    return parts


for order in ["pre", "post"]:
    args = dict(dim_feedforward=8, dropout=0, activation=F.gelu, batch_first=True, norm_first=order == "pre")
    m = jitter(nn.TransformerEncoderLayer(6, 2, **args))
    add(f"encoder {order}", block(m, False), {"x": x}, m(x))
    m = jitter(nn.TransformerDecoderLayer(6, 2, **args))
    add(f"decoder {order}", block(m, True), {"x": x, "context": c}, m(x, c, tgt_mask=causal, tgt_is_causal=True))


def cell(m):
    return {
        "inputWeight": (m.weight_ih, tr), "hiddenWeight": (m.weight_hh, tr),
        "inputBias": (m.bias_ih, same), "hiddenBias": (m.bias_hh, same),
    }


x, h, c = leaf(2, 3), leaf(2, 4), leaf(2, 4)
m = nn.GRUCell(3, 4)
add("gru", cell(m), {"x": x, "hidden": h}, m(x, h))
m = nn.LSTMCell(3, 4)
y = torch.cat(m(x, (h, c)), 1)
add("lstm", cell(m), {"x": x, "hidden": h, "cell": c}, y)

x = torch.tensor([-30, -4, -2.5, -1, -0.3, -1e-3, 0, 1e-3, 0.4, 1, 2.9, 3.5, 30.0]).requires_grad_()
for name, f in [
    ("relu", F.relu), ("gelu", F.gelu), ("geluTanh", lambda t: F.gelu(t, approximate="tanh")), ("silu", F.silu),
    ("mish", F.mish), ("elu", F.elu), ("selu", F.selu), ("leakyRelu", F.leaky_relu), ("softplus", lambda t: F.softplus(t, threshold=100)),
    ("hardSigmoid", F.hardsigmoid), ("hardSwish", F.hardswish), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh),
]:
    add("activation " + name, {}, {"x": x}, f(x))

write("layers.json", cases)
