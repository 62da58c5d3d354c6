"""Paints pictures with the networks as PyTorch has them: what Paceline's own painting is compared with.

    python3 paint.py FOLDER "red heart" "dog face" --output sheet.png [--seed 1 --guidance 3 --floor 1]

The random numbers are those of Paceline: Philox 4x32 with ten rounds (Salmon et al., SC 2011), keyed by the seed, counted
by token, purpose and code; tokens are drawn by the greatest sum of logit and Gumbel noise.
"""

import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F

TOKEN, NOISE = 4, 5


def philox(counter, key):
    """Blocks `[n, 4]` of counters `[n, 4]`, all unsigned 32-bit numbers in 64-bit words."""
    x = [counter[:, place].astype(np.uint64) for place in range(4)]
    k = [np.uint64(word) for word in key]
    mask = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [(b >> np.uint64(32)) ^ x[1] ^ k[0], b & mask, (a >> np.uint64(32)) ^ x[3] ^ k[1], a & mask]
        k = [(k[0] + np.uint64(0x9E3779B9)) & mask, (k[1] + np.uint64(0xBB67AE85)) & mask]
    return np.stack(x, 1)


def uniform(seed, position, purpose, indices):
    """Numbers in 0..<1 with 53 random bits, one for each index."""
    indices = np.asarray(indices, np.uint64)
    counter = np.zeros((len(indices), 4), np.uint64)
    counter[:, 0], counter[:, 1] = position & 0xFFFFFFFF, position >> 32
    counter[:, 2], counter[:, 3] = purpose, indices
    block = philox(counter, (seed & 0xFFFFFFFF, seed >> 32))
    bits = block[:, 0] << np.uint64(32) | block[:, 1]
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0 ** -53


def draw(logits, settings, seed, position):
    weights = np.exp((logits.astype(np.float64) - float(logits.max())) / settings["temp"])
    order = np.lexsort((np.arange(len(weights)), -weights))[:settings["top_k"]]
    before = np.concatenate([[0], np.cumsum(weights[order])[:-1]])
    kept = order[before < settings["top_p"] * weights.sum()]
    noise = -np.log(-np.log(np.maximum(uniform(seed, position, TOKEN, kept), 2.0 ** -53)))
    return int(kept[np.argmax(np.log(np.maximum(weights[kept], 1e-300)) + noise)])


@torch.no_grad()
def paint(tokenizer, model, text, seed, settings):
    """Tokens of each scale, and the picture `[4, height, width]` after each."""
    quantizer, scales = tokenizer.quantizer, model.scales
    texts = torch.stack([text, model.nothing])
    tokens, position, pictures = [], 0, []
    for place, side in enumerate(scales):
        count, found = side * side, []
        strength = settings["floor"] + (settings["guidance"] - settings["floor"]) * place / max(len(scales) - 1, 1)
        for step in range(count if model.raster else 1):
            # What comes later is not seen: any token may stand there.
            rest = [torch.zeros(1, s * s, dtype=torch.long) for s in scales[len(tokens):]]
            if model.raster:
                rest[0][0, :len(found)] = torch.tensor(found)
            told = model.told(quantizer, [torch.tensor([t]) for t in tokens] + rest)
            logits = model(told.expand(2, -1, -1), texts).float()
            first = position + step
            rows = logits[:, first:first + (1 if model.raster else count)]
            rows = rows[0] + strength * (rows[0] - rows[1])
            for row in rows:
                found.append(draw(row.numpy(), settings, seed, position + len(found)))
        tokens.append(found)
        position += count
        total = quantizer.maps([torch.tensor([t]) for t in tokens])[-1]
        pictures.append(tokenizer.decoder(total)[0])
    return tokens, pictures


SETTINGS = {"guidance": 3.0, "floor": 1.0, "top_k": 600, "top_p": 0.96, "temp": 1.0}


def straight(picture):
    """Bytes `[height, width, 4]`, colours not multiplied by alpha."""
    unit = (picture.permute(1, 2, 0).numpy() * 0.5 + 0.5).clip(0, 1)
    alpha = unit[..., 3:]
    colours = np.where(alpha >= 0.5 / 255, np.minimum(unit[..., :3], alpha) / np.maximum(alpha, 1e-9), 0)
    return np.rint(np.concatenate([colours, np.where(alpha >= 0.5 / 255, alpha, 0)], -1) * 255).astype(np.uint8)


def main():
    from PIL import Image

    from export import average
    from nets import ScaleTokenizer, ScaleTransformer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("captions", nargs="+")
    parser.add_argument("--output", default="sheet.png")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guidance", type=float, default=3)
    parser.add_argument("--floor", type=float, default=1)
    parser.add_argument("--temp", type=float, default=1)
    parser.add_argument("--raster", action="store_true")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=8)
    options = parser.parse_args()
    data = np.load(f"{options.folder}/captions.npz")
    numbers = {str(text): number for number, text in enumerate(data["texts"])}
    tokenizer = average(options.folder, "tokenizer", ScaleTokenizer())
    model = average(
        options.folder, "raster" if options.raster else "scales",
        ScaleTransformer(width=options.width, layers=options.layers, raster=options.raster))
    settings = SETTINGS | {"guidance": options.guidance, "floor": options.floor, "temp": options.temp}
    rows = []
    for caption in options.captions:
        text = F.normalize(torch.from_numpy(data["vectors"][numbers[caption]].astype(np.float32)), dim=0)
        _, pictures = paint(tokenizer, model, text, options.seed, settings)
        rows.append(np.concatenate([straight(picture) for picture in pictures], 1))
    Image.fromarray(np.concatenate(rows, 0)).save(options.output)


if __name__ == "__main__":
    main()
