"""Writes what Paceline's picture networks are tested against: Tests/ModelsTests/Fixtures/toy-pictures.{bin,json}.

    python3 reference.py ../../../Tests/ModelsTests/Fixtures

Small networks with random weights, rounded to half precision as the file holds them, and what PyTorch computes with them.
"""

import json
import sys

import torch

from export import Weights
from nets import (
    Denoiser, FlexibleTokenizer, FlexibleTransformer, Judge, ScaleTokenizer, ScaleTransformer)
from paint import SETTINGS, denoise, paint, paint_flexible

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
        elif not parameter.any():
            parameter.data = torch.randn_like(parameter) / parameter[0].numel() ** 0.5
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
    shape = dict(latent=LATENT, side=4, widths=(16, 24), depths=(1, 2, 1, 1, 2), heads=2, told=32, inner=24)
    denoiser = scattered(Denoiser(**shape), 4)
    student = scattered(Denoiser(**shape, guided=True), 5)
    judge = scattered(Judge(3, 4, widths=(8, 16)), 6)
    flexible = scattered(FlexibleTokenizer(CODES, LATENT, 4, widths=(8, 16), depth=1), 7)
    foreteller = scattered(FlexibleTransformer(CODES, LATENT, width=32, layers=2, heads=2, side=4, grid=6, inner=24), 8)
    weights = Weights()
    weights.flexible_tokenizer("flexible.tokenizer", flexible)
    weights.transformer("flexible.transformer", foreteller)
    weights.tokenizer(tokenizer)
    weights.transformer("scales", scales)
    weights.transformer("raster", raster)
    weights.denoiser("denoiser", denoiser)
    weights.denoiser("student", student)
    for name in ("judge", "verifier"):
        weights.judge(name, judge)
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
    maps_in = torch.randn(2, LATENT, 4, 4)
    moments = torch.tensor([0.3, 0.9])
    velocities = denoiser(maps_in, moments, torch.stack([text, denoiser.nothing]))
    walks = []
    for kind, steps, more in (
            ("flow", 6, {}), ("heun", 4, {}), ("multistep", 6, {}), ("student", 3, {}), ("ddim", 8, {}),
            ("ddim", 6, {"eta": 0.5, "cosine": True}), ("ddpm", 10, {}), ("ddim", 10, {"encoder": [0, 3, 6, 9]})):
        found = denoise(student if kind == "student" else denoiser, text, 3, kind, steps, 2.0, **more)
        picture = tokenizer.decoder(denoiser.restored(found))[0]
        walks.append({
            "kind": kind, "steps": steps, "eta": more.get("eta", 0), "cosine": more.get("cosine", False),
            "every": 3 if "encoder" in more else 0, "picture": flat(picture.permute(1, 2, 0), 5)})
    choices = []
    for sides in ((1, 2, 3, 4), (1, 3, 4, 6)):
        tokens, pictures = paint_flexible(flexible, foreteller, text, 5, SETTINGS | {"top_k": 40}, sides)
        choices.append({"sides": sides, "tokens": tokens, "pictures": [flat(p.permute(1, 2, 0), 5) for p in pictures]})
    seen = torch.rand(2, 4, 16, 16)
    seen[:, 3] = 1
    seen = (seen * 255).round() / 255
    features = judge.features(seen * 2 - 1)
    caption = torch.nn.functional.normalize(judge.text(features), dim=1)
    with open(f"{folder}/toy-pictures.json", "w") as file:
        json.dump({
            "mapsIn": flat(maps_in.permute(0, 2, 3, 1)), "times": flat(moments),
            "velocities": flat(velocities.permute(0, 2, 3, 1)), "walks": walks,
            "seen": (seen.permute(0, 2, 3, 1) * 255).round().int().flatten().tolist(), "features": flat(features),
            "caption": flat(caption), "choices": choices,
            "text": flat(text, 7), "maps": [flat(m[0].permute(1, 2, 0)) for m in maps], "told": flat(told[0]),
            "logits": flat(logits), "cases": cases}, file)


main()
