"""Writes what Paceline's picture networks are tested against: Tests/ModelsTests/Fixtures/toy-pictures.{bin,json}.

    python3 reference.py ../../../Tests/ModelsTests/Fixtures

Small networks with random weights, rounded to half precision as the file holds them, and what PyTorch computes with them.
"""

import json
import sys

import torch

from export import Weights
from nets import ScaleTokenizer, ScaleTransformer
from paint import SETTINGS, paint

CODES, LATENT, SCALES = 48, 8, (1, 2, 3, 4)


def halved(model):
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float()
    return model.eval()


def scattered(model, seed):
    """Weights that no part of the network is deaf to: norms, biases and gates are random as well."""
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        if parameter.dim() <= 1:
            parameter.data += 0.3 * torch.randn_like(parameter)
        elif name.endswith("table"):
            parameter.data = 0.5 * torch.randn_like(parameter)
    return halved(model)


def flat(tensor, digits=6):
    return [round(float(x), digits) for x in tensor.flatten()]


@torch.no_grad()
def main():
    torch.manual_seed(0)
    tokenizer = scattered(ScaleTokenizer(CODES, LATENT, SCALES, widths=(8, 16), depth=1), 1)
    scales = scattered(ScaleTransformer(CODES, LATENT, width=32, layers=2, heads=2, scales=SCALES), 2)
    raster = scattered(
        ScaleTransformer(CODES, LATENT, width=32, layers=2, heads=2, scales=SCALES, raster=True), 3)
    weights = Weights()
    weights.tokenizer(tokenizer)
    weights.transformer("scales", scales)
    weights.transformer("raster", raster)
    folder = sys.argv[1]
    weights.write(f"{folder}/toy-pictures.bin", "paceline-next-scale")
    text = torch.nn.functional.normalize(torch.randn(384), dim=0)
    cases = []
    for seed in (1, 2):
        for model in (scales, raster):
            tokens, pictures = paint(tokenizer, model, text, seed, SETTINGS | {"top_k": 40})
            cases.append({
                "seed": seed, "raster": model.raster, "tokens": tokens,
                "pictures": [flat(picture.permute(1, 2, 0), 5) for picture in pictures]})
    maps = tokenizer.quantizer.maps([torch.tensor([t]) for t in cases[0]["tokens"]])
    told = scales.told(tokenizer.quantizer, [torch.tensor([t]) for t in cases[0]["tokens"]])
    logits = scales(told.expand(2, -1, -1), torch.stack([text, scales.nothing]))
    with open(f"{folder}/toy-pictures.json", "w") as file:
        json.dump({
            "text": flat(text, 7), "maps": [flat(m[0].permute(1, 2, 0)) for m in maps], "told": flat(told[0]),
            "logits": flat(logits), "cases": cases}, file)


main()
