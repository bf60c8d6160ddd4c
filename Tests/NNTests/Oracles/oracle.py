"""What the oracle scripts share. Run each script with Python 3, PyTorch, JAX and Optax; it writes its JSON beside it."""
import json, os
import torch

torch.set_default_dtype(torch.float64)


def record(t):
    t = t.detach() if torch.is_tensor(t) else torch.as_tensor(t)
    return {"shape": list(t.shape), "data": [float(f"{v:.11g}") for v in t.reshape(-1).tolist()]}


def write(name, cases):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, "w") as f:
        json.dump({k: {n: record(t) for n, t in c.items()} for k, c in cases.items()}, f, indent=None, separators=(",", ":"))
        f.write("\n")


def gradients(case, y, tensors, g):
    """Cotangent, and for each name the gradient of sum(y * cotangent), in our layout."""
    cotangent = torch.randn(y.shape, generator=g)
    case["cotangent"] = cotangent
    for name, (t, layout) in tensors.items():
        (d,) = torch.autograd.grad((y * cotangent).sum(), t, retain_graph=True)
        case["grad " + name] = layout(d)
