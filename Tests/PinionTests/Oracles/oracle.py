"""What the oracle scripts share."""
import numpy as np


def numbers(shape, low=-1.0, high=1.0, seed=1):
    """The congruence of `numbers` in Support.swift."""
    mask = (1 << 64) - 1
    state = (seed * 2862933555777941757 + 3037000493) & mask
    values = []
    for _ in range(int(np.prod(shape))):
        state = (state * 6364136223846793005 + 1442695040888963407) & mask
        values.append(low + (high - low) * ((state >> 11) + 0.5) / (1 << 53))
    return np.array(values).reshape(shape)
