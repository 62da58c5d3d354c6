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


@torch.no_grad()
def paint_flexible(tokenizer, model, text, seed, settings, sides):
    """Tokens of each scale without guidance, and the picture after each; beyond what was learned the likeliest ones."""
    quantizer, found, pictures, position = tokenizer.quantizer, [], [], 0
    for place, side in enumerate(sides):
        rest = [torch.zeros(1, s, s, dtype=torch.long) for s in sides[place:]]
        told = model.told(quantizer, found + rest) if len(sides) > 1 else torch.zeros(1, 0, quantizer.latent)
        rows = model(told, text[None], sides)[0, position:position + side * side].float()
        chosen = settings | ({"top_k": 1} if side > quantizer.side else {})
        tokens = [draw(row.numpy(), chosen, seed, position + number) for number, row in enumerate(rows)]
        position += side * side
        found.append(torch.tensor(tokens).view(1, side, side))
        pictures.append(tokenizer.decoder(quantizer.map(quantizer.codes(found[-1])))[0])
    return [tokens.flatten().tolist() for tokens in found], pictures


def gaussian(seed, position, shape):
    """Noise of a map `[1, latent, side, side]`, counted place by place."""
    latent, side, _ = shape
    count = latent * side * side
    numbers = uniform(seed, position, NOISE, np.arange(2 * count)).reshape(count, 2)
    values = np.sqrt(-2 * np.log(np.maximum(numbers[:, 0], 2.0 ** -53))) * np.cos(2 * np.pi * numbers[:, 1])
    return torch.from_numpy(values.astype(np.float32)).view(side, side, latent).permute(2, 0, 1).unsqueeze(0)


def levels(cosine):
    """How much of the variance is the picture's, after each of 1,000 steps (arXiv:2006.11239, arXiv:2102.09672)."""
    if not cosine:
        return np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    shape = np.cos((np.arange(1001) / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.cumprod(1 - np.minimum(1 - shape[1:] / shape[:-1], 0.999))


@torch.no_grad()
def denoise(model, text, seed, kind, steps, guidance, eta=0.0, cosine=False, encoder=None):
    """The whitened map that `kind` leads to; `encoder` are the steps that run it, the others keep its features."""
    shape = tuple(model.position.shape[-2:])
    shape = (len(model.mean), *shape)
    kind_of = model.mean.dtype
    text = text.to(kind_of)
    texts = torch.stack([text, model.nothing])
    x = gaussian(seed, 0, shape).to(kind_of)
    kept = None

    def velocity(x, time, fresh=True):
        nonlocal kept
        moment = torch.full((1,), time, dtype=torch.float32).to(kind_of)
        if model.guidance is not None:
            return model(x, moment, text[None], torch.full((1,), guidance, dtype=kind_of))
        told = model.condition(moment.expand(2), texts)
        if fresh:
            kept = model.encode(x.expand(2, -1, -1, -1), told, texts)
        held, free = model.decode(kept, told).chunk(2)
        return free + guidance * (held - free)

    if kind in ("ddim", "ddpm"):
        bars = levels(cosine)
        chosen = [bars[max(1, ((steps - step) * 1000 + steps // 2) // steps) - 1] for step in range(steps)] + [1.0]
        x = x * (1 - chosen[0]) ** 0.5
        for step, (bar, following) in enumerate(zip(chosen, chosen[1:])):
            total = bar ** 0.5 + (1 - bar) ** 0.5
            time = (1 - bar) ** 0.5 / total
            v = velocity(x / total, time, encoder is None or step in encoder)
            clean, eps = x / total - time * v, x / total + (1 - time) * v
            share = 1.0 if kind == "ddpm" else eta
            sigma = share * ((1 - following) / (1 - bar)) ** 0.5 * (1 - bar / following) ** 0.5
            x = following ** 0.5 * clean + max(1 - following - sigma ** 2, 0) ** 0.5 * eps
            if sigma > 0:
                x = x + sigma * gaussian(seed, step + 1, shape)
        return x
    times = [(steps - step) / steps for step in range(steps + 1)]
    before = None
    for step, (time, following) in enumerate(zip(times, times[1:])):
        v = velocity(x, time, encoder is None or step in encoder)
        clean = x - time * v
        if kind == "flow":
            x = x + (following - time) * v
        elif kind == "heun":
            tried = x + (following - time) * v
            x = tried if following == 0 else x + (following - time) / 2 * (v + velocity(tried, following))
        elif kind == "student":
            x = (1 - following) * clean + (following * gaussian(seed, step + 1, shape) if following else 0)
        elif kind == "multistep":
            if following == 0:
                x = clean
            else:
                signal = [math.log((1 - t) / t) if t < 1 else -math.inf for t in (time, following)]
                stride = signal[1] - signal[0]
                lean = clean if before is None else clean + stride / (2 * (signal[0] - before[1])) * (clean - before[0])
                x = following / time * x - (1 - following) * math.expm1(-stride) * lean
            before = (clean, math.log((1 - time) / time) if time < 1 else -math.inf)
    return x


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
    from nets import Denoiser, ScaleTokenizer, ScaleTransformer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("captions", nargs="+")
    parser.add_argument("--output", default="sheet.png")
    parser.add_argument("--painter", default="scales", choices=["scales", "raster", "flow", "ddim", "ddpm", "student"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guidance", type=float, default=3)
    parser.add_argument("--floor", type=float, default=1)
    parser.add_argument("--temp", type=float, default=1)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=8)
    options = parser.parse_args()
    data = np.load(f"{options.folder}/captions.npz")
    numbers = {str(text): number for number, text in enumerate(data["texts"])}
    tokenizer = average(options.folder, "tokenizer", ScaleTokenizer())
    raster, student = options.painter == "raster", options.painter == "student"
    if options.painter in ("scales", "raster"):
        model = ScaleTransformer(width=options.width, layers=options.layers, raster=raster)
    else:
        model = Denoiser(guided=student)
    name = {"flow": "denoiser", "ddim": "denoiser", "ddpm": "denoiser"}.get(options.painter, options.painter)
    model = average(options.folder, name, model)
    settings = SETTINGS | {"guidance": options.guidance, "floor": options.floor, "temp": options.temp}
    rows = []
    for caption in options.captions:
        text = F.normalize(torch.from_numpy(data["vectors"][numbers[caption]].astype(np.float32)), dim=0)
        if options.painter in ("scales", "raster"):
            _, pictures = paint(tokenizer, model, text, options.seed, settings)
        else:
            found = denoise(model, text, options.seed, options.painter, options.steps, options.guidance)
            pictures = [tokenizer.decoder(model.restored(found)).detach()[0]]
        rows.append(np.concatenate([straight(picture) for picture in pictures], 1))
    Image.fromarray(np.concatenate(rows, 0)).save(options.output)


if __name__ == "__main__":
    main()
