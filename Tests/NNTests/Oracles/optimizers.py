"""Twelve steps of optimizers of PyTorch and Optax on given gradients, and values of Optax's schedules."""
import jax
import optax
import torch
from oracle import write

jax.config.update("jax_enable_x64", True)
g = torch.Generator().manual_seed(3)
steps = 12
w0, b0 = torch.randn((3, 4), generator=g), torch.randn(4, generator=g)
gw, gb = torch.randn((steps, 3, 4), generator=g), torch.randn((steps, 4), generator=g)
cases = {"given": {"weight": w0, "bias": b0, "grad weight": gw, "grad bias": gb}}


def torch_run(name, make):
    w, b = w0.clone().requires_grad_(), b0.clone().requires_grad_()
    o = make([w, b])
    ws, bs = [], []
    for t in range(steps):
        w.grad, b.grad = gw[t].clone(), gb[t].clone()
        o.step()
        ws.append(w.detach().clone()), bs.append(b.detach().clone())
    cases[name] = {"weight": torch.stack(ws), "bias": torch.stack(bs)}


def optax_run(name, o):
    p = {"weight": jax.numpy.array(w0.numpy()), "bias": jax.numpy.array(b0.numpy())}
    s = o.init(p)
    ws, bs = [], []
    for t in range(steps):
        d = {"weight": jax.numpy.array(gw[t].numpy()), "bias": jax.numpy.array(gb[t].numpy())}
        u, s = o.update(d, s, p)
        p = optax.apply_updates(p, u)
        ws.append(torch.tensor(p["weight"].tolist())), bs.append(torch.tensor(p["bias"].tolist()))
    cases[name] = {"weight": torch.stack(ws), "bias": torch.stack(bs)}


T = torch.optim
torch_run("sgd", lambda p: T.SGD(p, lr=0.1))
torch_run("momentum", lambda p: T.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05))
torch_run("nesterov", lambda p: T.SGD(p, lr=0.1, momentum=0.8, nesterov=True))
torch_run("adam", lambda p: T.Adam(p, lr=0.01))
torch_run("adam decay", lambda p: T.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1))
torch_run("adamw", lambda p: T.AdamW(p, lr=0.01, weight_decay=0.2))
torch_run("rmsprop", lambda p: T.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.5))
torch_run("adagrad", lambda p: T.Adagrad(p, lr=0.1))
matrices = {"weight": True, "bias": False}
cosine = optax.warmup_cosine_decay_schedule(0, 0.05, 4, 10, 0.01)
optax_run("adamw scheduled", optax.adamw(cosine, weight_decay=0.1, mask=matrices))
optax_run("lion", optax.lion(0.01, b1=0.9, b2=0.99, weight_decay=0.1, mask=matrices))
optax_run("clipped sgd", optax.chain(optax.clip_by_global_norm(3.5), optax.sgd(0.1)))
optax_run("value clipped sgd", optax.chain(optax.clip(0.5), optax.sgd(0.1)))


def schedule(name, s):
    cases["schedule " + name] = {"values": torch.tensor([float(s(jax.numpy.asarray(t))) for t in range(24)])}


schedule("constant", optax.constant_schedule(0.3))
schedule("linear", optax.linear_schedule(0.5, 0.1, 15))
schedule("cosine", optax.warmup_cosine_decay_schedule(0, 0.5, 6, 20, 0.05))
schedule("cosine without warm-up", optax.cosine_decay_schedule(0.5, 20))
schedule("step", optax.exponential_decay(0.5, 7, 0.3, staircase=True))
schedule("exponential", optax.exponential_decay(0.5, 7, 0.3))
schedule("warmed up", optax.join_schedules([optax.linear_schedule(0, 0.5, 5), optax.exponential_decay(0.5, 1, 0.9)], [5]))
schedule("followed", optax.join_schedules([optax.constant_schedule(1.0), optax.linear_schedule(1.0, 0.0, 4)], [10]))
write("optimizers.json", cases)
