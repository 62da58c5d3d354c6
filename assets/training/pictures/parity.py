"""Compares pictures that Paceline paints with those of PyTorch, from the same weights, words and seed.

    python3 parity.py FOLDER PACELINE [--layers 6]

FOLDER holds the checkpoints that the files in assets/weights were written from, PACELINE is the program. Weights are
rounded to half precision as the files hold them. Prints for each painter the greatest difference of any channel of any
pixel over ten captions, in steps of 1/255, and fails where one is above 1.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from export import average
from nets import Denoiser, FlexibleTokenizer, FlexibleTransformer, ScaleTokenizer, ScaleTransformer
from paint import SETTINGS, denoise, paint, paint_flexible, straight

CAPTIONS = ["red heart", "star", "grinning face", "dog face", "frog", "red apple", "banana", "automobile", "sun", "rainbow"]
TOKENS = SETTINGS | {"guidance": 0.0, "floor": 0.0, "temp": 0.4}


def halved(model):
    for parameter in model.parameters():
        # What the file keeps in single precision: vectors, and a few tables.
        parameter.data = parameter.data.half().float() if parameter.dim() > 1 else parameter.data
    return model


def kept(model, names):
    """The tables that export.py writes in single precision, before they are rounded."""
    return {name: value.clone() for name, value in model.state_dict().items() if any(part in name for part in names)}


def loaded(folder, name, model):
    model = average(folder, name, model)
    whole = kept(model, ("position", "level", "table", "codebook", "depthwise"))
    halved(model).load_state_dict(whole, strict=False)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("program")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--only")
    options = parser.parse_args()
    data = np.load(f"{options.folder}/captions.npz")
    numbers = {str(text): number for number, text in enumerate(data["texts"])}
    vectors = F.normalize(torch.from_numpy(data["vectors"].astype(np.float16).astype(np.float32)), dim=1)
    tokenizer = loaded(options.folder, "tokenizer", ScaleTokenizer())
    decoder, flexible = tokenizer.decoder, None

    def denoised(name, student=False, **more):
        # Many steps in double precision: what is compared is Paceline's rounding, not PyTorch's.
        model = loaded(options.folder, name, Denoiser(guided=student)).double()
        return lambda text: decoder(model.restored(denoise(model, text, 1, **more)).float())[0]

    def scales(name, raster):
        model = loaded(options.folder, name, ScaleTransformer(layers=options.layers, raster=raster))
        return lambda text: paint(tokenizer, model, text, 1, TOKENS)[1][-1]

    def of_any_scale():
        cutter = loaded(options.folder, "flexible-tokenizer", FlexibleTokenizer())
        model = loaded(options.folder, "flexible-scales", FlexibleTransformer(layers=options.layers))
        return lambda text: paint_flexible(cutter, model, text, 1, TOKENS, (1, 2, 3, 4, 6, 8))[1][-1]

    painters = {
        "next-scale": lambda: scales("scales", False), "raster-scan": lambda: scales("raster", True),
        "flexible-scales": of_any_scale,
        "flow": lambda: denoised("denoiser", kind="flow", steps=20, guidance=3.0),
        "flow:order=2,steps=8": lambda: denoised("denoiser", kind="heun", steps=8, guidance=3.0),
        "ddim:steps=20": lambda: denoised("denoiser", kind="ddim", steps=20, guidance=3.0),
        "ddpm:steps=50": lambda: denoised("denoiser", kind="ddpm", steps=50, guidance=3.0),
        "dpm-solver": lambda: denoised("denoiser", kind="multistep", steps=10, guidance=3.0),
        "few-steps": lambda: denoised("student", True, kind="student", steps=4, guidance=3.0)}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/list.txt", "w") as file:
            file.write("\n".join(CAPTIONS))
        for method, make in painters.items():
            if options.only and options.only != method:
                continue
            subprocess.run(
                [options.program, "draw", "--list", f"{folder}/list.txt", "--out", f"{folder}/{method}", "--method", method],
                check=True)
            model, worst = make(), 0
            for line, caption in enumerate(CAPTIONS):
                with torch.no_grad():
                    expected = straight(model(vectors[numbers[caption]]))
                found = np.asarray(Image.open(f"{folder}/{method}/{line + 1}-1.png").convert("RGBA"))
                worst = max(worst, difference(expected, found))
            print(f"{method}: {worst:.2f}/255 over {len(CAPTIONS)} captions", flush=True)
            failed |= worst > 1
    sys.exit(failed)


def difference(expected, found):
    """The greatest one of a channel, a colour's as much as can be seen of it."""
    steps = np.abs(expected.astype(np.float32) - found.astype(np.float32))
    alpha = np.maximum(expected[..., 3:], found[..., 3:]).astype(np.float32) / 255
    return float(np.concatenate([steps[..., :3] * alpha, steps[..., 3:]], -1).max())


if __name__ == "__main__":
    main()
