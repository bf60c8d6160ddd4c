"""Answers the driver's requests with PyTorch: one line of JSON each on standard input and output.

    worker.py [--compile]
"""

import json
import os
import sys
import time

# What libraries print mustn't get between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402

import workloads  # noqa: E402

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))


def read(path):
    """Weights, data and settings of a file of Pinion's."""
    weights, data = {}, {}
    with safe_open(path, "pt") as file:
        settings = {name: int(value) for name, value in (file.metadata() or {}).items()}
        for name in file.keys():
            kind, rest = name.split(".", 1)
            tensor = file.get_tensor(name)
            if not tensor.is_floating_point():
                tensor = tensor.long()
            (weights if kind == "model" else data)[rest] = tensor
    return weights, data, settings


class Worker:
    step = None

    def load(self, request):
        self.step = None
        make = workloads.all.get(request["workload"])
        if make is None:
            raise RuntimeError(workloads.missing.get(request["workload"], "not written for PyTorch"))
        compiled = "--compile" in sys.argv
        if compiled:
            torch._dynamo.reset()
        wrap = (lambda f: torch.compile(f)) if compiled else (lambda f: f)
        self.step = make(*read(request["file"]), wrap)
        return {}

    def run(self, request):
        start = time.perf_counter()
        values, value = [], None
        for _ in range(request["steps"]):
            value = self.step()
            if request["values"]:
                values.append(value.item())
        if value is not None:
            value.item()
        return {"seconds": time.perf_counter() - start, "values": values}

    def trace(self, request):
        raise RuntimeError("traces nothing" if "--compile" not in sys.argv else "not measured")


worker = Worker()
for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = getattr(worker, request["task"])(request)
    except Exception as error:  # The driver lists the cause.
        reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    answers.write(json.dumps(reply) + "\n")
    answers.flush()
