"""Answers the driver's requests with JAX: one line of JSON each on standard input and output."""

import json
import os
import sys
import time

# What libraries print mustn't get between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import jax  # noqa: E402
import numpy as np  # noqa: E402
from safetensors import safe_open  # noqa: E402

import workloads  # noqa: E402


def read(path):
    """Weights, data and settings of a file of Pinion's."""
    weights, data = {}, {}
    with safe_open(path, "np") as file:
        settings = {name: int(value) for name, value in (file.metadata() or {}).items()}
        for name in file.keys():
            kind, rest = name.split(".", 1)
            (weights if kind == "model" else data)[rest] = jax.numpy.asarray(file.get_tensor(name))
    return weights, data, settings


class Worker:
    step = lowered = None

    def load(self, request):
        self.step = self.lowered = None
        make = workloads.all.get(request["workload"])
        if make is None:
            raise RuntimeError("not written for JAX")
        self.step, self.lowered = make(*read(request["file"]))
        return {}

    def run(self, request):
        start = time.perf_counter()
        values, value = [], None
        for _ in range(request["steps"]):
            value = self.step()
            if request["values"]:
                values.append(float(value))
        if value is not None:
            value.block_until_ready()
        return {"seconds": time.perf_counter() - start, "values": values}

    def trace(self, request):
        jax.clear_caches()
        start = time.perf_counter()
        self.lowered()
        return {"seconds": time.perf_counter() - start}


worker = Worker()
for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = getattr(worker, request["task"])(request)
    except Exception as error:  # The driver lists the cause.
        reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    answers.write(json.dumps(reply) + "\n")
    answers.flush()
