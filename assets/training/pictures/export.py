"""Writes trained networks as files that Paceline reads: half precision, names as below.

    python3 export.py FOLDER ../../weights [--only next-scale]

reads FOLDER/NAME.pt as train.py leaves them. next-scale: tokenizer and transformer; raster-scan: the transformer that
foretells one token after the other; flexible-scales: both for scales of any sides; denoiser and student: what takes noise
away; judges: judge and verifier; captions: the closed vocabulary with its vectors.
"""

import argparse
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import weightfile
from nets import Block, Denoiser, FlexibleTokenizer, FlexibleTransformer, Judge, ScaleTokenizer, ScaleTransformer


class Weights:
    """Tensors under their names, each as the matrix that Paceline multiplies with."""

    def __init__(self):
        self.values, self.tensors = {}, {}

    def matrix(self, name, value, kind=weightfile.F16):
        value = value.detach().numpy().astype(np.float32)
        self.tensors[name] = (value, weightfile.F32 if value.ndim == 1 or len(value) == 1 else kind)

    def linear(self, name, layer):
        self.matrix(f"{name}.weight", layer.weight)
        self.matrix(f"{name}.bias", layer.bias)

    def convolution(self, name, layer):
        """The channels of one tap side by side."""
        self.matrix(f"{name}.weight", layer.weight.permute(0, 2, 3, 1).flatten(1))
        self.matrix(f"{name}.bias", layer.bias)

    def transposed(self, name, layer):
        """The outputs of one of the four places side by side."""
        self.matrix(f"{name}.weight", layer.weight.permute(2, 3, 1, 0).flatten(0, 2))
        self.matrix(f"{name}.bias", layer.bias.repeat(4))

    def norm(self, name, layer):
        self.matrix(f"{name}.weight", layer.weight)
        self.matrix(f"{name}.bias", layer.bias)

    def block(self, name, block):
        self.matrix(f"{name}.depthwise.weight", block.depthwise.weight.flatten(1).T, weightfile.F32)
        self.matrix(f"{name}.depthwise.bias", block.depthwise.bias)
        self.norm(f"{name}.norm", block.norm)
        self.convolution(f"{name}.wide", block.wide)
        self.convolution(f"{name}.narrow", block.narrow)

    def timed(self, name, pair):
        """A block, its weights of the norm before its biases, one added; and its attention."""
        block, attention = pair
        shift, scale = block.modulation.weight.chunk(2)
        shift_bias, scale_bias = block.modulation.bias.chunk(2)
        self.matrix(f"{name}.depthwise.weight", block.depthwise.weight.flatten(1).T, weightfile.F32)
        self.matrix(f"{name}.depthwise.bias", block.depthwise.bias)
        self.matrix(f"{name}.modulation.weight", torch.cat([scale, shift]))
        self.matrix(f"{name}.modulation.bias", torch.cat([scale_bias + 1, shift_bias]))
        self.convolution(f"{name}.wide", block.wide)
        self.convolution(f"{name}.narrow", block.narrow)
        self.norm(f"{name}.attention.norm", attention.norm)
        self.convolution(f"{name}.attention.qkv", attention.qkv)
        self.convolution(f"{name}.attention.out", attention.out)

    def sketch(self, name, model):
        self.values |= {f"{name}.inner": model.sketch[0].out_features, f"{name}.side": model.side}
        self.linear(f"{name}.sketch.0", model.sketch[0])
        self.linear(f"{name}.sketch.1", model.sketch[2])

    def denoiser(self, name, model):
        first, attention = model.down_fine[0]
        rows = ("down_fine", "down_coarse", "middle", "up_coarse", "up_fine")
        rates = model.rates()
        self.values |= {
            f"{name}.latent": len(model.mean),
            f"{name}.widths": [model.down.in_channels, model.down.out_channels],
            f"{name}.depths": [len(getattr(model, row)) for row in rows], f"{name}.heads": attention.heads,
            f"{name}.block_size": first.depthwise.kernel_size[0],
            f"{name}.grow": first.wide.out_channels // first.wide.in_channels,
            f"{name}.told": model.text.out_features, f"{name}.rates": len(rates),
            f"{name}.guided": int(model.guidance is not None)}
        self.matrix(f"{name}.mean", model.mean)
        self.matrix(f"{name}.spread", model.spread)
        self.matrix(f"{name}.rates", rates)
        self.matrix(f"{name}.nothing", model.nothing)
        self.linear(f"{name}.time.0", model.told[0])
        self.linear(f"{name}.time.1", model.told[2])
        self.linear(f"{name}.text", model.text)
        self.sketch(name, model)
        if model.guidance is not None:
            self.linear(f"{name}.guidance", model.guidance)
        self.matrix(f"{name}.position", model.position[0].permute(1, 2, 0).flatten(0, 1), weightfile.F32)
        for row in rows:
            for number, pair in enumerate(getattr(model, row)):
                self.timed(f"{name}.{row}.{number}", pair)
        for part in ("enter", "down", "join_coarse", "join_fine", "leave"):
            self.convolution(f"{name}.{part}", getattr(model, part))
        self.transposed(f"{name}.up", model.up)
        self.norm(f"{name}.norm", model.norm)

    def judge(self, name, model):
        layers = list(model.layers)
        blocks = [layer for layer in layers if isinstance(layer, Block)]
        downs = [layer for layer in layers[1:] if isinstance(layer, torch.nn.Conv2d)]
        widths = sorted({block.depthwise.in_channels for block in blocks})
        depth = len(blocks) // len(widths)
        first = blocks[0]
        self.values |= {
            f"{name}.widths": widths, f"{name}.depth": depth, f"{name}.block_size": first.depthwise.kernel_size[0],
            f"{name}.grow": first.wide.out_channels // first.wide.in_channels,
            f"{name}.features": model.feature.out_features}
        self.convolution(f"{name}.enter", layers[0])
        for number, block in enumerate(blocks):
            self.block(f"{name}.{number // depth}.{number % depth}", block)
        for number, down in enumerate(downs):
            self.convolution(f"{name}.{number}.down", down)
        self.norm(f"{name}.norm", model.norm)
        self.linear(f"{name}.feature", model.feature)
        self.linear(f"{name}.text", model.text)

    def decoder(self, name, decoder):
        first = decoder.levels[0][0]
        self.values |= {
            f"{name}.widths": [level[0].depthwise.in_channels for level in decoder.levels],
            f"{name}.depth": len(decoder.levels[0]), f"{name}.block_size": first.depthwise.kernel_size[0],
            f"{name}.grow": first.wide.out_channels // first.wide.in_channels}
        self.convolution(f"{name}.enter", decoder.enter)
        for place, level in enumerate(decoder.levels):
            for number, block in enumerate(level):
                self.block(f"{name}.{place}.{number}", block)
            if place < len(decoder.ups):
                self.transposed(f"{name}.{place}.up", decoder.ups[place])
        self.norm(f"{name}.norm", decoder.norm)
        self.convolution(f"{name}.leave", decoder.leave)

    def tokenizer(self, model):
        quantizer = model.quantizer
        codes, latent = quantizer.codebook.weight.shape
        self.values |= {
            "tokenizer.codes": codes, "tokenizer.latent": latent, "tokenizer.scales": list(quantizer.scales),
            "tokenizer.mixers": len(quantizer.mixers)}
        self.matrix("tokenizer.codebook", quantizer.codebook.weight, weightfile.F32)
        for number, mixer in enumerate(quantizer.mixers):
            self.convolution(f"tokenizer.mixer.{number}", mixer)
        self.decoder("tokenizer.decoder", model.decoder)

    def flexible_tokenizer(self, name, model):
        quantizer = model.quantizer
        codes, latent = quantizer.codebook.weight.shape
        self.values |= {
            f"{name}.codes": codes, f"{name}.latent": latent, f"{name}.side": quantizer.side,
            f"{name}.mixers": len(quantizer.mixers)}
        self.matrix(f"{name}.codebook", quantizer.codebook.weight, weightfile.F32)
        for number, mixer in enumerate(quantizer.mixers):
            self.convolution(f"{name}.mixer.{number}", mixer)
        self.decoder(f"{name}.decoder", model.decoder)

    def transformer(self, name, model):
        self.values |= {
            f"{name}.width": model.width, f"{name}.heads": model.layers[0].heads, f"{name}.layers": len(model.layers),
            f"{name}.codes": model.head.out_features, f"{name}.latent": model.enter.in_features,
            f"{name}.scales": list(model.scales)}
        for part in ("text", "enter", "modulation", "last", "head"):
            self.linear(f"{name}.{part}", getattr(model, part))
        self.matrix(f"{name}.nothing", model.nothing)
        if isinstance(model, FlexibleTransformer):
            self.values |= {f"{name}.grid": model.position.shape[-1], f"{name}.scales": [1, model.side]}
            self.matrix(f"{name}.position", model.position.permute(1, 2, 0).flatten(0, 1), weightfile.F32)
            self.sketch(name, model)
            self.linear(f"{name}.enter_sketch", model.enter_sketch)
        else:
            self.matrix(f"{name}.position", model.position, weightfile.F32)
            self.matrix(f"{name}.level", model.level, weightfile.F32)
        for number, layer in enumerate(model.layers):
            for part in ("qkv", "out", "wide", "narrow"):
                self.linear(f"{name}.{number}.{part}", getattr(layer, part))
            self.matrix(f"{name}.{number}.temperature", layer.temperature)
            self.matrix(f"{name}.{number}.table", layer.table, weightfile.F32)

    def write(self, path, architecture):
        weightfile.write(path, {"general.architecture": architecture} | self.values, self.tensors)
        print(f"{path}: {os.path.getsize(path) / 1e6:.1f} MB, {len(self.tensors)} tensors")


def average(folder, name, model):
    state = torch.load(f"{folder}/{name}.pt", weights_only=True)
    model.load_state_dict(state["average"])
    return model.eval()


def next_scale(folder, output, preset):
    weights = Weights()
    weights.tokenizer(average(folder, "tokenizer", ScaleTokenizer()))
    weights.transformer("scales", average(folder, "scales", ScaleTransformer(**preset)))
    weights.write(f"{output}/next-scale.gguf", "paceline-next-scale")


def raster_scan(folder, output, preset):
    weights = Weights()
    weights.transformer("raster", average(folder, "raster", ScaleTransformer(raster=True, **preset)))
    weights.write(f"{output}/raster-scan.gguf", "paceline-raster-scan")


def flexible(folder, output, preset):
    weights = Weights()
    weights.flexible_tokenizer("flexible.tokenizer", average(folder, "flexible-tokenizer", FlexibleTokenizer()))
    weights.transformer("flexible.transformer", average(folder, "flexible-scales", FlexibleTransformer(**preset)))
    weights.write(f"{output}/flexible-scales.gguf", "paceline-flexible-scales")


def denoiser(folder, output, preset):
    weights = Weights()
    weights.denoiser("denoiser", average(folder, "denoiser", Denoiser()))
    weights.write(f"{output}/denoiser.gguf", "paceline-denoiser")


def student(folder, output, preset):
    weights = Weights()
    weights.denoiser("student", average(folder, "student", Denoiser(guided=True)))
    weights.write(f"{output}/student.gguf", "paceline-denoiser")


def judges(folder, output, preset):
    data = np.load(f"{folder}/pictures.npz")
    sizes = len(set(data["groups"])), len(set(data["subgroups"]))
    weights = Weights()
    for name in ("judge", "verifier"):
        weights.judge(name, average(folder, name, Judge(*sizes)))
    weights.write(f"{output}/judges.gguf", "paceline-judges")


def captions(folder, output, preset):
    """All captions that a picture to learn from has, with their vectors."""
    data = np.load(f"{folder}/captions.npz")
    weights = Weights()
    weights.values["captions.texts"] = [str(text) for text in data["texts"]]
    weights.tensors["captions.vectors"] = (data["vectors"].astype(np.float32), weightfile.F16)
    weights.write(f"{output}/captions.gguf", "paceline-captions")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("output")
    parser.add_argument("--only", choices=list(WRITERS))
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=8)
    options = parser.parse_args()
    preset = dict(width=options.width, layers=options.layers)
    os.makedirs(options.output, exist_ok=True)
    for name in [options.only] if options.only else WRITERS:
        WRITERS[name](options.folder, options.output, preset)


WRITERS = {
    "next-scale": next_scale, "raster-scan": raster_scan, "flexible-scales": flexible, "denoiser": denoiser,
    "student": student, "judges": judges, "captions": captions}


if __name__ == "__main__":
    main()
