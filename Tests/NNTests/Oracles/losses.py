"""Losses of PyTorch and their gradients."""
import torch
import torch.nn.functional as F
from oracle import gradients, write

g = torch.Generator().manual_seed(2)
cases = {}
same = lambda t: t


def add(name, inputs, f):
    for reduction in ["mean", "sum", "none"]:
        y = f(reduction)
        case = {"y": y} | inputs
        gradients(case, y, {n: (t, same) for n, t in inputs.items() if t.requires_grad}, g)
        cases[f"{name} {reduction}"] = case


def rand(*shape):
    return torch.randn(shape, generator=g)


x = (2 * rand(5, 4)).requires_grad_()
labels = torch.tensor([0, 3, 1, 1, 2])
some = torch.tensor([0, -1, 1, -1, 2])
soft = torch.softmax(rand(5, 4), -1)
weights = torch.tensor([0.5, 1, 2, 0.1])
log = torch.log_softmax(x, -1).detach().requires_grad_()
ints = {"x": x, "labels": labels.double()}
add("crossEntropy", ints, lambda r: F.cross_entropy(x, labels, reduction=r))
add("crossEntropy smooth", ints, lambda r: F.cross_entropy(x, labels, reduction=r, label_smoothing=0.1))
add("crossEntropy weights", ints | {"weights": weights}, lambda r: F.cross_entropy(x, labels, weight=weights, reduction=r))
add(
    "crossEntropy all", {"x": x, "labels": some.double(), "weights": weights},
    lambda r: F.cross_entropy(x, some, weight=weights, reduction=r, label_smoothing=0.2, ignore_index=-1),
)
add("crossEntropy soft", {"x": x, "labels": soft}, lambda r: F.cross_entropy(x, soft, reduction=r))
add(
    "crossEntropy soft all", {"x": x, "labels": soft, "weights": weights},
    lambda r: F.cross_entropy(x, soft, weight=weights, reduction=r, label_smoothing=0.1),
)
add("nll", {"x": log, "labels": labels.double()}, lambda r: F.nll_loss(log, labels, reduction=r))
a = (8 * rand(3, 4)).requires_grad_()
y = torch.rand((3, 4), generator=g)
w = torch.tensor([1.0, 2, 0.5, 3])
add("bce", {"x": a, "labels": y}, lambda r: F.binary_cross_entropy_with_logits(a, y, reduction=r))
add("bce weight", {"x": a, "labels": y, "weights": w}, lambda r: F.binary_cross_entropy_with_logits(a, y, pos_weight=w, reduction=r))
b = rand(3, 4).requires_grad_()
pair = {"x": a, "labels": b}
add("mse", pair, lambda r: F.mse_loss(a, b, reduction=r))
add("mae", pair, lambda r: F.l1_loss(a, b, reduction=r))
add("huber", pair, lambda r: F.huber_loss(a, b, delta=2.5, reduction=r))
add("smoothL1", pair, lambda r: F.smooth_l1_loss(a, b, beta=2.5, reduction=r))
target = torch.tensor([[0.5, 0.5, 0, 0], [0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0], [0.25] * 4, [0, 0.9, 0, 0.1]])
reduced = {"mean": lambda t: t.mean(), "sum": lambda t: t.sum(), "none": lambda t: t}
add(
    "kl", {"x": log, "labels": target},
    lambda r: reduced[r](F.kl_div(log, target, reduction="none").sum(-1)),
)
sign = torch.sign(rand(3, 4))
add("hinge", {"x": b, "labels": sign}, lambda r: reduced[r](F.relu(1 - sign * b)))
add("cosine", pair, lambda r: reduced[r](F.cosine_similarity(a, b, dim=-1)))
write("losses.json", cases)
