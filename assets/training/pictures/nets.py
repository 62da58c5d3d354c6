"""The networks of the picture generators, as PyTorch trains them and as Paceline's image engine computes them.

Pictures are `[n, 4, 64, 64]`, colours multiplied by alpha, from -1 to 1.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

TEXT = 384
WAVES = 256


class Block(nn.Module):
    """Depthwise convolution, norm, and two products with GELU between them, beside the input.

    Source: Liu et al., "A ConvNet for the 2020s", arXiv:2201.03545, with a group norm of one group.
    """

    def __init__(self, width, grow=3, kernel=5):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.GroupNorm(1, width, eps=1e-6)
        self.wide = nn.Conv2d(width, grow * width, 1)
        self.narrow = nn.Conv2d(grow * width, width, 1)
        nn.init.zeros_(self.narrow.bias)
        self.narrow.weight.data.mul_(0.2)

    def forward(self, x):
        return x + self.narrow(F.gelu(self.wide(self.norm(self.depthwise(x))), approximate="tanh"))


def blocks(width, depth, grow=3, kernel=5):
    return nn.ModuleList(Block(width, grow, kernel) for _ in range(depth))


class Encoder(nn.Module):
    def __init__(self, latent=16, widths=(64, 96, 160), depth=2):
        super().__init__()
        self.enter = nn.Conv2d(16, widths[0], 3, padding=1)
        self.levels = nn.ModuleList(blocks(width, depth) for width in widths)
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in zip(widths, widths[1:]))
        self.norm = nn.GroupNorm(1, widths[-1], eps=1e-6)
        self.leave = nn.Conv2d(widths[-1], latent, 3, padding=1)

    def forward(self, pictures):
        x = self.enter(F.pixel_unshuffle(pictures, 2))
        for place, level in enumerate(self.levels):
            for block in level:
                x = block(x)
            if place < len(self.downs):
                x = self.downs[place](x)
        return self.leave(self.norm(x))


class Decoder(nn.Module):
    def __init__(self, latent=16, widths=(160, 96, 64), depth=3):
        super().__init__()
        self.enter = nn.Conv2d(latent, widths[0], 3, padding=1)
        self.levels = nn.ModuleList(blocks(width, depth) for width in widths)
        self.ups = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in zip(widths, widths[1:]))
        self.norm = nn.GroupNorm(1, widths[-1], eps=1e-6)
        self.leave = nn.Conv2d(widths[-1], 16, 3, padding=1)

    def forward(self, latents):
        x = self.enter(latents)
        for place, level in enumerate(self.levels):
            for block in level:
                x = block(x)
            if place < len(self.ups):
                x = self.ups[place](x)
        return F.pixel_shuffle(self.leave(self.norm(x)), 2)


class ScaleQuantizer(nn.Module):
    """Quantises a feature map scale by scale: each scale holds what the coarser ones left.

    Source: Tian et al., "Visual Autoregressive Modeling", arXiv:2404.02905, algorithms 1 and 2. Codes are looked up by
    cosine.
    """

    def __init__(self, codes=1024, latent=16, scales=(1, 2, 3, 4, 6, 8), mixers=4):
        super().__init__()
        self.scales, self.latent = scales, latent
        self.codebook = nn.Embedding(codes, latent)
        nn.init.normal_(self.codebook.weight, std=1 / math.sqrt(latent))
        self.mixers = nn.ModuleList(nn.Conv2d(latent, latent, 3, padding=1) for _ in range(mixers))

    def mixer(self, place):
        """The mixing convolution of a scale: shared by neighbours."""
        last = max(len(self.scales) - 1, 1)
        return self.mixers[min(int(place * len(self.mixers) / (last + 1)), len(self.mixers) - 1)]

    def grown(self, place, codes):
        """What the codes `[n, latent, p, p]` of a scale add to the map."""
        side = self.scales[-1]
        if codes.shape[-1] != side:
            codes = F.interpolate(codes, size=(side, side), mode="bicubic")
        return 0.5 * codes + 0.5 * self.mixer(place)(codes)

    def nearest(self, vectors):
        directions = F.normalize(self.codebook.weight, dim=1)
        return (F.normalize(vectors, dim=1) @ directions.T).argmax(1)

    def forward(self, features):
        """Returns the quantised map with straight-through gradients, the loss, and the tokens of each scale."""
        rest, total = features.detach(), torch.zeros_like(features)
        loss, tokens = 0, []
        for place, side in enumerate(self.scales):
            small = F.interpolate(rest, size=(side, side), mode="area") if side != self.scales[-1] else rest
            found = self.nearest(small.permute(0, 2, 3, 1).reshape(-1, self.latent))
            tokens.append(found.view(len(features), -1))
            codes = self.codebook(found).view(len(features), side, side, self.latent).permute(0, 3, 1, 2)
            grown = self.grown(place, codes)
            total = total + grown
            rest = rest - grown.detach()
            loss = loss + F.mse_loss(total, features.detach()) + 0.25 * F.mse_loss(features, total.detach())
        return features + (total - features).detach(), loss / len(self.scales), tokens

    def maps(self, tokens):
        """The running map after each scale that there are tokens of."""
        total, maps = 0, []
        for place, side in enumerate(self.scales[:len(tokens)]):
            codes = self.codebook(tokens[place]).view(len(tokens[place]), side, side, self.latent)
            total = total + self.grown(place, codes.permute(0, 3, 1, 2))
            maps.append(total)
        return maps


class ScaleTokenizer(nn.Module):
    def __init__(self, codes=1024, latent=16, scales=(1, 2, 3, 4, 6, 8), widths=(64, 96, 160), depth=3):
        super().__init__()
        self.encoder, self.decoder = Encoder(latent, widths), Decoder(latent, widths[::-1], depth)
        self.quantizer = ScaleQuantizer(codes, latent, scales)

    def forward(self, pictures):
        quantized, loss, tokens = self.quantizer(self.encoder(pictures))
        return self.decoder(quantized), loss, tokens


class FlexibleQuantizer(nn.Module):
    """Quantises a feature map at any size on its own: each size is a whole picture, not what coarser ones left.

    Source: Jiao et al., "FlexVAR: flexible visual autoregressive modeling without residual prediction", arXiv:2502.20313.
    """

    def __init__(self, codes=1024, latent=16, side=8, mixers=4):
        super().__init__()
        self.side, self.latent = side, latent
        self.codebook = nn.Embedding(codes, latent)
        nn.init.normal_(self.codebook.weight, std=1 / math.sqrt(latent))
        self.mixers = nn.ModuleList(nn.Conv2d(latent, latent, 3, padding=1) for _ in range(mixers))

    def mixer(self, side):
        return self.mixers[min((side - 1) * len(self.mixers) // self.side, len(self.mixers) - 1)]

    def cut(self, features, side):
        """The tokens `[n, side, side]` of a map at a size."""
        small = F.interpolate(features, size=(side, side), mode="area") if side != features.shape[-1] else features
        directions = F.normalize(self.codebook.weight, dim=1)
        found = (F.normalize(small.permute(0, 2, 3, 1), dim=-1) @ directions.T).argmax(-1)
        return found, small

    def codes(self, tokens):
        return self.codebook(tokens).permute(0, 3, 1, 2)

    def map(self, codes):
        """The whole map that codes `[n, latent, p, p]` of a size stand for, at least `side` wide."""
        mixer = self.mixer(codes.shape[-1])
        if codes.shape[-1] < self.side:
            codes = F.interpolate(codes, size=(self.side, self.side), mode="bicubic")
        return 0.5 * codes + 0.5 * mixer(codes)


class FlexibleTokenizer(nn.Module):
    def __init__(self, codes=1024, latent=16, side=8, widths=(64, 96, 160), depth=3):
        super().__init__()
        self.encoder, self.decoder = Encoder(latent, widths), Decoder(latent, widths[::-1], depth)
        self.quantizer = FlexibleQuantizer(codes, latent, side)


def modulated(x, shift, scale):
    return x * (1 + scale) + shift


class Layer(nn.Module):
    """Attention and a feed-forward part, both modulated by the condition (Peebles and Xie, arXiv:2212.09748)."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.temperature = nn.Parameter(torch.full((heads,), math.log(10.0)))
        self.out = nn.Linear(width, width)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.table = nn.Parameter(torch.randn(6, width) * 0.02)

    def forward(self, x, condition, mask):
        shift1, scale1, gate1, shift2, scale2, gate2 = (condition + self.table).unsqueeze(1).unbind(2)
        n, length, width = x.shape
        q, k, v = self.qkv(modulated(self.norm(x), shift1, scale1)).view(
            n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        # Queries and keys have length one; how sharp attention is, is learned (arXiv:2404.02905, section 3.2).
        sharpness = self.temperature.clamp(max=math.log(100.0)).exp().view(-1, 1, 1)
        q, k = F.normalize(q, dim=-1) * sharpness, F.normalize(k, dim=-1)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
        x = x + gate1 * self.out(mixed.transpose(1, 2).reshape(n, length, width))
        inner = F.gelu(self.wide(modulated(self.norm(x), shift2, scale2)), approximate="tanh")
        return x + gate2 * self.narrow(inner)


class ScaleTransformer(nn.Module):
    """Foretells all tokens of a scale from the coarser scales (VAR); with `raster` each token from those before it."""

    def __init__(self, codes=1024, latent=16, width=256, layers=8, heads=4, scales=(1, 2, 3, 4, 6, 8), raster=False):
        super().__init__()
        self.scales, self.width, self.raster = scales, width, raster
        self.lengths = [side * side for side in scales]
        total = sum(self.lengths)
        self.text = nn.Linear(TEXT, width)
        self.nothing = nn.Parameter(torch.randn(TEXT) * 0.02)
        self.enter = nn.Linear(latent, width)
        self.position = nn.Parameter(torch.randn(total, width) * 0.02)
        self.level = nn.Parameter(torch.randn(len(scales), width) * 0.02)
        self.modulation = nn.Linear(width, 6 * width)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.last = nn.Linear(width, 2 * width)
        self.head = nn.Linear(width, codes)
        for layer in self.layers:
            nn.init.zeros_(layer.table[2:3])
            nn.init.zeros_(layer.table[5:6])
        levels = torch.cat([torch.full((length,), place) for place, length in enumerate(self.lengths)])
        if raster:
            mask = torch.ones(total, total).tril().bool()
        else:
            mask = levels[:, None] >= levels[None, :]
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("levels", levels, persistent=False)

    def forward(self, inputs, text):
        """`inputs` `[n, tokens - 1, latent]`: what each token but the first is told; `text` `[n, 384]`."""
        start = self.text(text)
        x = torch.cat([start.unsqueeze(1), self.enter(inputs)], 1)
        x = x + self.position + self.level[self.levels]
        condition = self.modulation(F.silu(start)).view(-1, 6, self.width)
        for layer in self.layers:
            x = layer(x, condition, self.mask)
        shift, scale = self.last(F.silu(start)).unsqueeze(1).chunk(2, -1)
        return self.head(modulated(self.norm(x), shift, scale))

    def told(self, quantizer, tokens):
        """What each token but the first is told: of scales the running map at its size, of a raster the code before."""
        if self.raster:
            return quantizer.codebook(torch.cat(tokens, 1))[:, :-1]
        parts = []
        for total, side in zip(quantizer.maps(tokens), self.scales[1:]):
            small = F.interpolate(total, size=(side, side), mode="area") if side != self.scales[-1] else total
            parts.append(small.flatten(2).transpose(1, 2))
        return torch.cat(parts, 1)


def sketcher(inner, outputs):
    """What a small network makes of words alone."""
    return nn.Sequential(nn.Linear(TEXT, inner), nn.GELU(approximate="tanh"), nn.Linear(inner, outputs))


class FlexibleTransformer(ScaleTransformer):
    """Foretells a size from the size before it, whatever the sizes are: places come from one grid, levels have no names.

    Every token is also told its place of a sketch: what a small network makes of the words alone.
    """

    def __init__(self, codes=1024, latent=16, width=256, layers=8, heads=4, side=8, grid=16, inner=512):
        super().__init__(codes, latent, width, layers, heads, scales=(1,))
        self.side, self.latent = side, latent
        self.sketch = sketcher(inner, latent * side * side)
        self.enter_sketch = nn.Linear(latent, width)
        del self.level
        angles = [torch.arange(grid)[:, None] / 10_000 ** (torch.arange(width // 4) / (width // 4))] * 2
        rows = torch.cat([angles[0].sin(), angles[0].cos()], 1)
        self.position = nn.Parameter(0.1 * torch.cat(
            [rows[:, None].expand(grid, grid, -1), rows[None].expand(grid, grid, -1)], -1).permute(2, 0, 1).contiguous())

    def places(self, side):
        """`[side * side, width]`."""
        return F.interpolate(self.position[None], size=(side, side), mode="area")[0].flatten(1).T

    def sketched(self, text):
        return self.sketch(text * TEXT ** 0.5).view(-1, self.side, self.side, self.latent).permute(0, 3, 1, 2)

    def sketches(self, text, sides):
        """Of each size, `[n, tokens, latent]`."""
        whole = self.sketched(text)
        parts = [
            F.interpolate(whole, size=(side, side), mode="area" if side < self.side else "bicubic") if side != self.side
            else whole for side in sides]
        return torch.cat([part.flatten(2).transpose(1, 2) for part in parts], 1)

    def told(self, quantizer, tokens):
        """What each token but the first is told: the codes of the size before at its own size."""
        parts = []
        for found, following in zip(tokens, tokens[1:]):
            side = following.shape[-1]
            codes = F.interpolate(quantizer.codes(found), size=(side, side), mode="bicubic")
            parts.append(codes.flatten(2).transpose(1, 2))
        return torch.cat(parts, 1)

    def forward(self, inputs, text, sides):
        start = self.text(text)
        x = torch.cat([start.unsqueeze(1), self.enter(inputs)], 1) + torch.cat([self.places(side) for side in sides])
        x = x + self.enter_sketch(self.sketches(text, sides))
        levels = torch.cat([torch.full((side * side,), place) for place, side in enumerate(sides)])
        mask = levels[:, None] >= levels[None, :]
        condition = self.modulation(F.silu(start)).view(-1, 6, self.width)
        for layer in self.layers:
            x = layer(x, condition, mask)
        shift, scale = self.last(F.silu(start)).unsqueeze(1).chunk(2, -1)
        return self.head(modulated(self.norm(x), shift, scale))


class Judge(nn.Module):
    """Tells group, subgroup and caption of a picture on grey; its 128 features are what distances are measured in."""

    def __init__(self, groups, subgroups, widths=(32, 64, 96, 128)):
        super().__init__()
        layers = [nn.Conv2d(3, widths[0], 3, stride=2, padding=1)]
        for level, width in enumerate(widths):
            layers += [Block(width), Block(width)]
            if level + 1 < len(widths):
                layers.append(nn.Conv2d(width, widths[level + 1], 2, stride=2))
        self.layers = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(widths[-1])
        self.feature = nn.Linear(widths[-1], 128)
        self.group = nn.Linear(128, groups)
        self.subgroup = nn.Linear(128, subgroups)
        self.text = nn.Linear(128, TEXT)

    def features(self, pictures):
        colours, alpha = pictures[:, :3] * 0.5 + 0.5, pictures[:, 3:] * 0.5 + 0.5
        grey = colours + (1 - alpha) * 0.5
        return self.feature(self.norm(self.layers(grey * 2 - 1).mean((2, 3))))

    def forward(self, pictures):
        features = self.features(pictures)
        return self.group(features), self.subgroup(features), F.normalize(self.text(features), dim=1)


class TimedBlock(nn.Module):
    """`Block` whose norm is shifted and scaled by time and text."""

    def __init__(self, width, told, grow=3, kernel=5):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.GroupNorm(1, width, eps=1e-6, affine=False)
        self.modulation = nn.Linear(told, 2 * width)
        self.wide = nn.Conv2d(width, grow * width, 1)
        self.narrow = nn.Conv2d(grow * width, width, 1)
        nn.init.zeros_(self.narrow.bias)
        self.narrow.weight.data.mul_(0.2)

    def forward(self, x, told):
        shift, scale = self.modulation(told)[..., None, None].chunk(2, 1)
        inner = modulated(self.norm(self.depthwise(x)), shift, scale)
        return x + self.narrow(F.gelu(self.wide(inner), approximate="tanh"))


class SelfAttention(nn.Module):
    """Attention among the places of a map, beside the input."""

    def __init__(self, width, heads=4):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(1, width, eps=1e-6)
        self.qkv = nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        n, width, height, breadth = x.shape
        q, k, v = (
            part.reshape(n, self.heads, width // self.heads, -1).transpose(2, 3)
            for part in self.qkv(self.norm(x)).chunk(3, 1))
        mixed = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(mixed.transpose(2, 3).reshape(n, width, height, breadth))


class Denoiser(nn.Module):
    """A U-Net on the tokenizer's feature maps `[n, 16, 8, 8]`, brought to mean 0 and spread 1, that foretells noise minus
    map (rectified flow: Liu et al., arXiv:2209.03003).

    Time runs from 0, the map, to 1, noise. Beside the noisy map it sees a sketch: what a small network makes of the words
    alone. `guided` also tells it a strength of guidance, for a student that has taken guidance in.
    """

    def __init__(
            self, latent=16, side=8, widths=(256, 256), depths=(3, 2, 2, 2, 3), heads=4, told=256, inner=512, guided=False):
        super().__init__()
        fine, coarse = widths
        self.side, self.latent = side, latent
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("spread", torch.ones(latent))
        self.told = nn.Sequential(nn.Linear(WAVES, told), nn.SiLU(), nn.Linear(told, told))
        self.text = nn.Linear(TEXT, told)
        self.nothing = nn.Parameter(torch.randn(TEXT) * 0.02)
        self.guidance = nn.Linear(WAVES, told) if guided else None
        if guided:
            nn.init.zeros_(self.guidance.weight)
            nn.init.zeros_(self.guidance.bias)
        self.sketch = sketcher(inner, latent * side * side)
        self.enter = nn.Conv2d(2 * latent, fine, 3, padding=1)
        self.position = nn.Parameter(torch.randn(1, fine, side, side) * 0.02)
        self.down = nn.Conv2d(fine, coarse, 2, stride=2)
        self.up = nn.ConvTranspose2d(coarse, fine, 2, stride=2)
        self.join_coarse = nn.Conv2d(2 * coarse, coarse, 1)
        self.join_fine = nn.Conv2d(2 * fine, fine, 1)

        def row(width, count):
            return nn.ModuleList(nn.ModuleList([TimedBlock(width, told), SelfAttention(width, heads)]) for _ in range(count))

        self.down_fine, self.down_coarse = row(fine, depths[0]), row(coarse, depths[1])
        self.middle = row(coarse, depths[2])
        self.up_coarse, self.up_fine = row(coarse, depths[3]), row(fine, depths[4])
        self.norm = nn.GroupNorm(1, fine, eps=1e-6)
        self.leave = nn.Conv2d(fine, latent, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    @staticmethod
    def rates():
        return torch.exp(-math.log(10_000) * torch.arange(WAVES // 2) / (WAVES // 2))

    @staticmethod
    def waves(x):
        """Sines and cosines of a number at 128 frequencies (Vaswani et al., arXiv:1706.03762)."""
        angles = 1000 * x[:, None] * Denoiser.rates()
        return torch.cat([angles.sin(), angles.cos()], 1)

    def condition(self, time, text, strength=None):
        # Numbers of a vector of length one are small: they are brought to about one.
        told = self.told(self.waves(time)) + self.text(text * TEXT ** 0.5)
        if self.guidance is not None:
            told = told + self.guidance(self.waves((strength - 1) / 10))
        return F.silu(told)

    def run(self, row, x, told):
        for block, attention in row:
            x = attention(block(x, told))
        return x

    def sketched(self, text):
        return self.sketch(text * TEXT ** 0.5).view(-1, self.side, self.side, self.latent).permute(0, 3, 1, 2)

    def encode(self, maps, told, text):
        fine = self.run(self.down_fine, self.enter(torch.cat([maps, self.sketched(text)], 1)) + self.position, told)
        coarse = self.run(self.down_coarse, self.down(fine), told)
        return fine, coarse, self.run(self.middle, coarse, told)

    def decode(self, features, told):
        fine, coarse, middle = features
        x = self.run(self.up_coarse, self.join_coarse(torch.cat([middle, coarse], 1)), told)
        x = self.run(self.up_fine, self.join_fine(torch.cat([self.up(x), fine], 1)), told)
        return self.leave(F.silu(self.norm(x)))

    def forward(self, maps, time, text, strength=None):
        told = self.condition(time, text, strength)
        return self.decode(self.encode(maps, told, text), told)

    def whitened(self, maps):
        return (maps - self.mean[:, None, None]) / self.spread[:, None, None]

    def restored(self, maps):
        return maps * self.spread[:, None, None] + self.mean[:, None, None]
