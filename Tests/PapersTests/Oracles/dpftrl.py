"""Values of Google's dp-accounting for the tests of DP-FTRL.

    python dpftrl.py > dpftrl.json

Needs dp-accounting 0.6, numpy. Orders are as fine as those of the Swift side after its refinement.
"""

import json
from importlib.metadata import version

import numpy
from dp_accounting import dp_event
from dp_accounting.gaussian_mechanism import get_epsilon_gaussian
from dp_accounting.privacy_accountant import NeighboringRelation
from dp_accounting.rdp import RdpAccountant

ORDERS = numpy.concatenate([numpy.arange(1.05, 20, 0.01), numpy.arange(20, 200, 0.25), numpy.arange(200, 4000, 4)])


def epsilon(event, count, delta, relation=NeighboringRelation.ADD_OR_REMOVE_ONE, orders=ORDERS):
    accountant = RdpAccountant(orders=list(orders), neighboring_relation=relation)
    accountant.compose(event, count)
    return accountant.get_epsilon(delta)


trees = []
for steps in [1, 4, 7, 8, 100, 128, 600]:
    for sigma in [1.0, 3.0, 10.0]:
        for delta in [1e-5, 1e-6]:
            # Twice: two epochs with a restart between, each of which has every record once.
            event = dp_event.SelfComposedDpEvent(dp_event.SingleEpochTreeAggregationDpEvent(sigma, steps), 2)
            trees.append({
                "steps": steps, "sigma": sigma, "delta": delta,
                "epsilon": epsilon(event, 1, delta, NeighboringRelation.REPLACE_SPECIAL)})

sampled = []
COARSE = numpy.concatenate([numpy.arange(1.05, 12, 0.02), numpy.arange(12, 256, 1)])
for units, batch in [(24000, 500), (60000, 250), (1000, 100)]:
    for sigma in [0.6, 1.0, 2.0, 5.0]:
        for epochs in [1, 10]:
            steps = epochs * (units // batch)
            event = dp_event.PoissonSampledDpEvent(batch / units, dp_event.GaussianDpEvent(sigma))
            sampled.append({
                "units": units, "batch": batch, "sigma": sigma, "epochs": epochs,
                "epsilon": epsilon(event, steps, 1e-5, orders=COARSE)})

gaussians = []
for ratio in [0.01, 0.1, 0.5, 1.0, 4.0, 30.0]:
    event = dp_event.GaussianDpEvent(ratio ** -0.5)
    gaussians.append({
        "ratio": ratio, "epsilon": epsilon(event, 1, 1e-5), "exact": get_epsilon_gaussian(ratio ** -0.5, 1e-5)})

print(json.dumps({
    "version": version("dp-accounting"), "trees": trees, "sampled": sampled, "gaussians": gaussians}, indent=1))
