"""Numbers that Paceline's tests can make as well."""

import torch

MASK = (1 << 64) - 1


def numbers(seed, *shape):
    """Uniform numbers from -1 to 1, as TestSupport's SplitMix64 gives them."""
    state, values = seed, []
    for _ in range(torch.Size(shape).numel()):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        mixed = state
        mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & MASK
        values.append(((mixed ^ mixed >> 31) >> 11) * 2.0 ** -53 * 2 - 1)
    return torch.tensor(values, dtype=torch.float64).reshape(shape).float()
