"""Writes what Paceline's forward pass of the drafter is tested against: Tests/MethodsTests/Fixtures.

    python3 reference.py > ../../../Tests/MethodsTests/Fixtures/semi-autoregressive.json

All weights and states are the numbers that SplitMix64 gives for small seeds, so that the test can make them itself.
"""

import json

import torch

from drafter import Drafter, normed
from splitmix import numbers

WIDTH, HEADS, KV_HEADS, DIMENSION, FEED_FORWARD, BLOCK, VOCABULARY = 32, 2, 1, 16, 48, 2, 40
SHORTLIST = list(range(0, VOCABULARY, 3))
TEXT = [5, 17, 2, 39, 8, 8, 21, 30, 1, 12]


def main():
    norm = 1 + 0.3 * numbers(13, WIDTH)
    model = Drafter(WIDTH, HEADS, KV_HEADS, DIMENSION, FEED_FORWARD, BLOCK, norm)
    with torch.no_grad():
        for seed, (name, tensor) in enumerate(model.tensors().items()):
            scale = 1.7 / tensor.shape[1] ** 0.5
            value = numbers(seed, *tensor.shape) * (0.5 if len(tensor) == 1 else scale)
            if name == "lstm.bias":
                model.lstm.bias_ih_l0.copy_(value[0])
                model.lstm.bias_hh_l0.zero_()
            elif name == "feed_forward.norm":
                model.norm.copy_(1 + value[0])
            else:
                tensor.copy_(value)
    embedding, head = numbers(11, VOCABULARY, WIDTH), numbers(12, VOCABULARY, WIDTH)[SHORTLIST]
    states = normed(numbers(14, len(TEXT), WIDTH), norm, model.epsilon)
    cases = []
    with torch.no_grad():
        for length in (8, 9):
            offset = length % BLOCK
            # Rows of the text, then a block of drafted tokens on the states foretold.
            rows, tokens = states[:length], TEXT[1:length + 1]
            out = run(model, embedding, rows, tokens, offset)[-BLOCK:]
            drafted = [SHORTLIST[3], SHORTLIST[7]]
            grown = run(model, embedding, torch.cat([rows, out]), tokens + drafted, offset)[-BLOCK:]
            cases.append({
                "rows": length, "states": out.flatten().tolist(), "logits": (out @ head.T).flatten().tolist(),
                "drafted": drafted, "grownStates": grown.flatten().tolist(),
                "grownLogits": (grown @ head.T).flatten().tolist()})
    print(json.dumps({
        "width": WIDTH, "heads": HEADS, "kvHeads": KV_HEADS, "headDimension": DIMENSION, "feedForward": FEED_FORWARD,
        "block": BLOCK, "vocabulary": VOCABULARY, "shortlist": SHORTLIST, "text": TEXT, "cases": cases}, indent=1))


def run(model, embedding, states, tokens, offset):
    """As the module does, but with blocks counted so that the last rows form one."""
    hidden, _ = model.lstm(torch.cat([embedding[tokens], states], -1)[None])
    return model.decode(hidden, offset)[0]


main()
