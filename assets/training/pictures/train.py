"""Trains one of the networks of the picture generators; the same command goes on where it was interrupted.

    python3 train.py judge FOLDER --minutes 15 [--seed 2 --name verifier]
    python3 train.py tokenizer FOLDER --minutes 42
    python3 train.py tokens FOLDER --copies 3     # cuts the pictures into tokens, with shifted and mirrored copies
    python3 train.py scales FOLDER --minutes 38 --layers 6
    python3 train.py raster FOLDER --minutes 18 --layers 6
    python3 train.py denoiser FOLDER --minutes 95
    python3 train.py student FOLDER --minutes 25  # needs the denoiser
    python3 train.py flexible-tokenizer FOLDER --minutes 18           # begins from the tokenizer
    python3 train.py flexible-tokens FOLDER --copies 2
    python3 train.py flexible-scales FOLDER --minutes 38 --layers 6   # begins from the scales

FOLDER holds pictures.npz and captions.npz (data.py, text.py). Checkpoints go to FOLDER/NAME.pt, and FOLDER/NAME.log has a
line of figures a minute. Nothing of split 1 or 2 is ever learned from; the figures are of pictures held out.
"""

import argparse
import copy
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from nets import Denoiser, FlexibleTokenizer, FlexibleTransformer, Judge, ScaleTokenizer, ScaleTransformer

# Groups of which a mirrored picture is another thing, or none.
NEVER_MIRRORED = {"Flags", "Symbols"}

# What people ask for is drawn more often than the rest: groups, with the weights of some of their subgroups.
WEIGHTS = {"Smileys & Emotion": 1.0, "Animals & Nature": 1.0, "Food & Drink": 1.0, "Travel & Places": 0.6,
           "Activities": 0.6, "Objects": 0.3, "People & Body": 0.1, "Symbols": 0.1, "Flags": 0.1}
SUBGROUP_WEIGHTS = {"transport-ground": 1.0, "transport-air": 1.0, "transport-water": 1.0, "sky & weather": 1.0,
                    "time": 0.05, "place-building": 0.5}


class Pictures:
    def __init__(self, folder):
        data = np.load(f"{folder}/pictures.npz")
        captions = np.load(f"{folder}/captions.npz")
        self.pictures = torch.from_numpy(data["pictures"])
        self.split = data["split"]
        self.concept = data["concept"]
        self.names = data["names"]
        self.groups = sorted(set(data["groups"]))
        self.subgroups = sorted(set(data["subgroups"]))
        self.group = torch.tensor([self.groups.index(g) for g in data["groups"]])
        self.subgroup = torch.tensor([self.subgroups.index(g) for g in data["subgroups"]])
        self.mirrors = np.array([g not in NEVER_MIRRORED for g in data["groups"]])
        self.vectors = torch.from_numpy(captions["vectors"].astype(np.float32))
        self.name, self.keyword = captions["name"], captions["keyword"]
        self.train = np.flatnonzero(self.split == 0)
        self.held_out = np.flatnonzero((self.split == 1) & (data["vendor"] == 0))
        # A concept with a hundred variants is not drawn more often than others.
        order = self.train[np.argsort(self.concept[self.train], kind="stable")]
        cuts = np.flatnonzero(np.diff(self.concept[order])) + 1
        self.concepts = np.split(order, cuts)
        first = [rows[0] for rows in self.concepts]
        weights = np.array([
            SUBGROUP_WEIGHTS.get(data["subgroups"][row], WEIGHTS.get(data["groups"][row], 0.3)) for row in first])
        self.chances = weights / weights.sum()

    def draw(self, rng, count):
        """Pictures to learn from: a concept, then one of its variants, the first one every other time."""
        chosen = []
        for number in rng.choice(len(self.concepts), count, p=self.chances):
            variants = self.concepts[number]
            chosen.append(variants[0] if rng.random() < 0.5 else variants[rng.integers(len(variants))])
        return np.array(chosen)

    def floats(self, rows):
        return self.pictures[rows].permute(0, 3, 1, 2).float() / 127.5 - 1

    def augmented(self, rng, rows, shift=3):
        pictures = self.floats(rows)
        for place, row in enumerate(rows):
            if self.mirrors[row] and rng.random() < 0.3:
                pictures[place] = pictures[place].flip(-1)
        if shift:
            moved = F.pad(pictures, (shift,) * 4, value=-1)
            for place in range(len(rows)):
                y, x = rng.integers(0, 2 * shift + 1, 2)
                pictures[place] = moved[place, :, y:y + 64, x:x + 64]
        return pictures

    def text(self, rng, rows):
        """The vector of a name, or every third time of up to three keywords."""
        found = []
        for row in rows:
            words = self.keyword[row][self.keyword[row] >= 0]
            if len(words) and rng.random() < 0.33:
                chosen = rng.choice(words, min(len(words), rng.integers(1, 4)), replace=False)
                found.append(F.normalize(self.vectors[chosen].mean(0), dim=0))
            else:
                found.append(self.vectors[self.name[row]])
        return torch.stack(found)


class Run:
    """Time, checkpoint, log, learning rate and averaged weights of a training."""

    def __init__(self, options, model, rate, betas=(0.9, 0.99), decay=0.01, steps=None, average=0.999):
        self.path, self.options, self.model = f"{options.folder}/{options.name}", options, model
        self.optimizer = torch.optim.AdamW(
            [{"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": decay},
             {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0}], lr=rate, betas=betas)
        self.average, self.rate = copy.deepcopy(model).requires_grad_(False), rate
        self.keep, self.step, self.spent = average, 0, 0.0
        if os.path.exists(self.path + ".pt"):
            state = torch.load(self.path + ".pt", weights_only=True)
            model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.spent = state["step"], state["spent"]
        self.started = self.told = time.time()
        self.sums = {}
        self.rng = np.random.default_rng([options.seed, self.step])
        torch.manual_seed(options.seed * 1_000_003 + self.step)

    @property
    def seconds(self):
        return self.spent + time.time() - self.started

    def is_over(self):
        return self.seconds > self.options.minutes * 60

    def update(self, objective, /, **figures):
        # By time, since that is what a run is given: up in the first hundredth, down to a fiftieth.
        done = min(self.seconds / (self.options.minutes * 60), 1)
        factor = min(1, (self.step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * factor
        self.optimizer.zero_grad(set_to_none=True)
        objective.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.keep, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.model.parameters()):
                mean.lerp_(value, 1 - keep)
        for name, value in figures.items():
            self.sums.setdefault(name, []).append(float(value.detach() if torch.is_tensor(value) else value))

    def tell(self, evaluate):
        """Once a minute a line of figures and a checkpoint."""
        if time.time() - self.told < 60 and not self.is_over():
            return
        means = {name: np.mean(values) for name, values in self.sums.items()}
        self.sums = {}
        self.average.eval()
        with torch.no_grad():
            means |= evaluate(self.average)
        line = f"{self.seconds / 60:6.1f} min step {self.step} " + " ".join(
            f"{name} {value:.4f}" for name, value in means.items())
        print(line, flush=True)
        with open(self.path + ".log", "a") as file:
            file.write(line + "\n")
        state = {
            "model": self.model.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "spent": self.seconds}
        torch.save(state, self.path + ".pt.new")
        os.replace(self.path + ".pt.new", self.path + ".pt")
        self.told = time.time()


def autocast():
    return torch.autocast("cpu", dtype=torch.bfloat16)


def psnr(a, b):
    """Of pictures from -1 to 1, in decibels."""
    return 10 * math.log10(4 / F.mse_loss(a.clamp(-1, 1), b).item())


def judge(options):
    data = Pictures(options.folder)
    model = Judge(len(data.groups), len(data.subgroups)).to(memory_format=torch.channels_last)
    run = Run(options, model, 1e-3)
    sample = data.held_out[:512]

    def evaluate(model):
        group, subgroup, text = model(data.floats(sample))
        nearest = text @ data.vectors[data.name[sample]].T
        return {
            "held-out-group": (group.argmax(1) == data.group[sample]).float().mean().item(),
            "held-out-subgroup": (subgroup.argmax(1) == data.subgroup[sample]).float().mean().item(),
            "held-out-caption": (nearest.argmax(1) == torch.arange(len(sample))).float().mean().item()}

    while not run.is_over():
        rows = data.draw(run.rng, 64)
        pictures, told = data.augmented(run.rng, rows, 5), data.text(run.rng, rows)
        with autocast():
            group, subgroup, text = model(pictures.contiguous(memory_format=torch.channels_last))
        same = (text.float() @ told.T) / 0.07
        target = torch.arange(len(rows))
        loss = (
            F.cross_entropy(group.float(), data.group[rows], label_smoothing=0.1)
            + F.cross_entropy(subgroup.float(), data.subgroup[rows], label_smoothing=0.1)
            + 0.5 * (F.cross_entropy(same, target) + F.cross_entropy(same.T, target)))
        run.update(loss, loss=loss)
        run.tell(evaluate)


def edges(pictures):
    return pictures[..., 1:, :] - pictures[..., :-1, :], pictures[..., 1:] - pictures[..., :-1]


def tokenizer(options):
    data = Pictures(options.folder)
    model = ScaleTokenizer().to(memory_format=torch.channels_last)
    run = Run(options, model, 2e-3)
    sample = data.held_out[:128]

    def evaluate(model):
        pictures = data.floats(sample)
        drawn, _, tokens = model(pictures)
        figures = {"held-out-psnr": psnr(drawn, pictures)}
        maps = model.quantizer.maps(tokens)
        for side, total in zip(model.quantizer.scales, maps):
            figures[f"to-{side}"] = psnr(model.decoder(total), pictures)
        figures["codes"] = len(torch.cat(tokens, 1).unique())
        return figures

    while not run.is_over():
        pictures = data.augmented(run.rng, data.draw(run.rng, 32))
        with autocast():
            features = model.encoder(pictures.contiguous(memory_format=torch.channels_last))
        quantized, vq, _ = model.quantizer(features.float())
        with autocast():
            drawn = model.decoder(quantized)
        drawn = drawn.float()
        error = F.l1_loss(drawn, pictures) + F.mse_loss(drawn, pictures)
        outline = sum(F.l1_loss(a, b) for a, b in zip(edges(drawn), edges(pictures)))
        loss = error + outline + vq
        run.update(loss, error=error, outline=outline, vq=vq)
        run.tell(evaluate)


def load_average(folder, name, model):
    state = torch.load(f"{folder}/{name}.pt", weights_only=True)
    model.load_state_dict(state["average"])
    return model.eval().requires_grad_(False)


def cut_pictures(options, name, cut):
    """Every picture as tokens, in place and `copies` times moved or mirrored; `cut` makes rows of tokens of pictures."""
    data = Pictures(options.folder)
    rng = np.random.default_rng(options.seed)
    found = []
    for copied in range(options.copies):
        parts = []
        for start in range(0, len(data.split), 64):
            rows = np.arange(start, min(start + 64, len(data.split)))
            pictures = data.floats(rows) if copied == 0 else data.augmented(rng, rows)
            with torch.no_grad():
                parts.append(torch.cat(cut(pictures), 1).short())
        found.append(torch.cat(parts))
        print(f"copy {copied + 1} of {options.copies}", flush=True)
    np.savez(f"{options.folder}/{name}.npz", tokens=torch.stack(found, 1).numpy())


def tokens(options):
    model = load_average(options.folder, "tokenizer", ScaleTokenizer())
    cut_pictures(options, "tokens", lambda pictures: model.quantizer(model.encoder(pictures))[2])


def copies(rng, count, cut):
    """Which copy of a picture to learn from: every other time the picture as it is, else one moved or mirrored."""
    return np.where(rng.random(count) < 0.5, 0, rng.integers(0, cut.shape[1], count))


class Maps:
    """The feature maps of pictures, from their tokens."""

    def __init__(self, folder):
        self.quantizer = load_average(folder, "tokenizer", ScaleTokenizer()).quantizer
        self.cut = torch.from_numpy(np.load(f"{folder}/tokens.npz")["tokens"]).long()
        self.lengths = [side * side for side in self.quantizer.scales]

    @torch.no_grad()
    def __call__(self, rows, copies):
        return self.quantizer.maps(list(self.cut[rows, copies].split(self.lengths, 1)))[-1]

    def drawn(self, rng, rows):
        return self(rows, copies(rng, len(rows), self.cut))


def transformer(options, raster):
    data = Pictures(options.folder)
    maps = Maps(options.folder)
    model = ScaleTransformer(width=options.width, layers=options.layers, raster=raster)
    run = Run(options, model, 1.5e-3, betas=(0.9, 0.95), decay=0.05)
    lengths = model.lengths
    # The few tokens of coarse scales say what the picture is of: a scale weighs as its side, not as its tokens.
    share = torch.cat([torch.full((length,), length ** -0.5) for length in lengths])
    share = share / share.sum()

    def logits(model, rows, copies, text):
        chosen = maps.cut[rows, copies]
        with torch.no_grad():
            told = model.told(maps.quantizer, list(chosen.split(lengths, 1)))
        with autocast():
            return model(told, text).float(), chosen

    def evaluate(model):
        figures = {}
        for name, rows in (("train", data.train[::max(1, len(data.train) // 128)][:128]), ("held-out", data.held_out[:128])):
            text = data.vectors[data.name[rows]]
            found, chosen = logits(model, rows, np.zeros(len(rows), np.int64), text)
            loss = F.cross_entropy(found.flatten(0, 1), chosen.flatten(), reduction="none").view(chosen.shape)
            figures[name] = loss.mean().item()
            if name == "train":
                figures |= {f"to-{side}": part.mean().item() for side, part in zip(model.scales, loss.split(lengths, 1))}
        return figures

    while not run.is_over():
        rows = data.draw(run.rng, 48)
        text = told(run, data, rows, model.nothing)
        found, chosen = logits(model, rows, copies(run.rng, len(rows), maps.cut), text)
        each = F.cross_entropy(found.flatten(0, 1), chosen.flatten(), reduction="none").view(chosen.shape)
        loss = (each * share).sum(1).mean()
        run.update(loss, loss=loss)
        run.tell(evaluate)


def told(run, data, rows, nothing, share=0.1):
    """Vectors of captions, now and then those of no caption."""
    text = data.text(run.rng, rows)
    return torch.where(torch.from_numpy(run.rng.random(len(rows)) < share)[:, None], nothing, text)


def learn_sketches(model, data, maps, seed, steps=3500):
    """What words alone say of a map, before anything else is learned: three minutes."""
    rng = np.random.default_rng([seed, 99])
    optimizer = torch.optim.AdamW(model.sketch.parameters(), lr=2e-3, weight_decay=0.02)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - step / steps)
        rows = data.draw(rng, 128)
        text = torch.where(
            torch.from_numpy(rng.random(len(rows)) < 0.1)[:, None], model.nothing.detach(), data.text(rng, rows))
        loss = F.mse_loss(model.sketched(text), maps(rng, rows))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % 500 == 499:
            print(f"sketches {step + 1}: {loss.item():.4f}", flush=True)


def denoiser(options):
    data, maps = Pictures(options.folder), Maps(options.folder)
    model = Denoiser()
    sample = maps(data.train, np.zeros(len(data.train), np.int64))
    model.mean.copy_(sample.mean((0, 2, 3)))
    model.spread.copy_(sample.std((0, 2, 3)))
    if not os.path.exists(f"{options.folder}/{options.name}.pt"):
        if options.begin_from:
            begin_from(options.begin_from, model)
        learn_sketches(model, data, lambda rng, rows: model.whitened(maps.drawn(rng, rows)), options.seed)
    run = Run(options, model, 1e-3, decay=0.02)
    times = torch.linspace(0.05, 0.95, 10)

    def evaluate(model):
        figures, noise = {}, torch.Generator().manual_seed(7)
        for name, rows in (("train", data.train[::max(1, len(data.train) // 100)][:100]), ("held-out", data.held_out[:100])):
            clean, text = model.whitened(maps(rows, np.zeros(len(rows), np.int64))), data.vectors[data.name[rows]]
            time = times.repeat(len(rows) // 10 + 1)[:len(rows)]
            eps = torch.randn(clean.shape, generator=noise)
            mixed = torch.lerp(clean, eps, time.view(-1, 1, 1, 1))
            figures[name] = F.mse_loss(model(mixed, time, text), eps - clean).item()
        return figures

    while not run.is_over():
        rows = data.draw(run.rng, 64)
        clean, text = model.whitened(maps.drawn(run.rng, rows)), told(run, data, rows, model.nothing)
        time = torch.sigmoid(torch.randn(len(rows)))
        eps = torch.randn_like(clean)
        mixed = torch.lerp(clean, eps, time.view(-1, 1, 1, 1))
        with autocast():
            found = model(mixed, time, text)
        loss = F.mse_loss(found.float(), eps - clean)
        run.update(loss, loss=loss)
        run.tell(evaluate)


def student(options):
    """Consistency distillation of the guided denoiser (Luo et al., "Latent consistency models", arXiv:2310.04378)."""
    data, maps = Pictures(options.folder), Maps(options.folder)
    teacher = load_average(options.folder, "denoiser", Denoiser())
    model = Denoiser(guided=True)
    model.load_state_dict(teacher.state_dict(), strict=False)
    run = Run(options, model, 3e-4, average=0.98)
    grid = 20

    def clean(net, mixed, time, text, strength):
        return mixed - time.view(-1, 1, 1, 1) * net(mixed, time, text, strength).float()

    def evaluate(model):
        rows, noise = data.train[::max(1, len(data.train) // 64)][:64], torch.Generator().manual_seed(7)
        text, full = data.vectors[data.name[rows]], torch.full((len(rows),), 3.0)
        eps = torch.randn((len(rows), 16, 8, 8), generator=noise)
        x, nothing = eps, teacher.nothing.expand(len(rows), -1)
        for step in range(20, 0, -1):
            time = torch.full((len(rows),), step / 20)
            free = teacher(x, time, nothing)
            x = x - (free + 3 * (teacher(x, time, text) - free)) / 20
        figures, found = {}, eps
        for step, at in enumerate((1.0, 0.75, 0.5, 0.25)):
            if step:
                found = torch.lerp(found, torch.randn(eps.shape, generator=noise), at)
            found = clean(model, found, torch.full((len(rows),), at), text, full)
            figures[f"to-teacher-{step + 1}"] = F.mse_loss(found, x).item()
        return figures

    while not run.is_over():
        rows = data.draw(run.rng, 48)
        start, text = model.whitened(maps.drawn(run.rng, rows)), data.text(run.rng, rows)
        strength = torch.from_numpy(run.rng.uniform(1, 6, len(rows)).astype(np.float32))
        late = torch.from_numpy(run.rng.integers(1, grid + 1, len(rows)).astype(np.float32)) / grid
        early = late - 1 / grid
        mixed = torch.lerp(start, torch.randn_like(start), late.view(-1, 1, 1, 1))
        with torch.no_grad(), autocast():
            free = teacher(mixed, late, teacher.nothing.expand(len(rows), -1)).float()
            held = teacher(mixed, late, text).float()
            moved = mixed - (free + strength.view(-1, 1, 1, 1) * (held - free)) / grid
            target = clean(run.average, moved, early, text, strength)
            # At time 0 the map is what it is.
            target = torch.where(early.view(-1, 1, 1, 1) < 0.5 / grid, moved, target)
        with autocast():
            found = clean(model, mixed, late, text, strength)
        loss = ((found - target).pow(2) + 1e-4).sqrt().mean() - 1e-2
        run.update(loss, loss=loss)
        run.tell(evaluate)


def spherical_means(vectors, count, rounds=12):
    """Codes for vectors by their directions: what the flexible codebook begins with."""
    generator = torch.Generator().manual_seed(3)
    codes = vectors[torch.randperm(len(vectors), generator=generator)[:count]].clone()
    for _ in range(rounds):
        nearest = (F.normalize(vectors, dim=1) @ F.normalize(codes, dim=1).T).argmax(1)
        sums = torch.zeros_like(codes).index_add_(0, nearest, vectors)
        counts = torch.bincount(nearest, minlength=count)
        lost = counts == 0
        codes = torch.where(lost[:, None], codes, sums / counts.clamp(min=1)[:, None])
        if lost.any():
            codes[lost] = vectors[torch.randint(len(vectors), (int(lost.sum()),), generator=generator)]
    return codes


def flexible_tokenizer(options):
    """Sizes from 1 to 8 that stand for themselves; begins from the trained tokenizer."""
    data = Pictures(options.folder)
    model = FlexibleTokenizer()
    first = load_average(options.folder, "tokenizer", ScaleTokenizer())
    model.encoder.load_state_dict(first.encoder.state_dict())
    model.decoder.load_state_dict(first.decoder.state_dict())
    if not os.path.exists(f"{options.folder}/{options.name}.pt"):
        with torch.no_grad():
            features = torch.cat([
                first.encoder(data.floats(data.train[start::len(data.train) // 600][:64])) for start in range(10)])
            vectors = torch.cat([
                F.interpolate(features, size=(side, side), mode="area").permute(0, 2, 3, 1).reshape(-1, 16)
                for side in (8, 6, 4, 2)])
            model.quantizer.codebook.weight.copy_(spherical_means(vectors, 1024))
    model = model.to(memory_format=torch.channels_last)
    run = Run(options, model, 5e-4)
    sample, quantizer = data.held_out[:96], model.quantizer

    def evaluate(model):
        pictures = data.floats(sample)
        features = model.encoder(pictures)
        figures, used = {}, []
        for side in (2, 4, 6, 8):
            tokens, _ = model.quantizer.cut(features, side)
            used.append(tokens.flatten())
            figures[f"at-{side}"] = psnr(model.decoder(model.quantizer.map(model.quantizer.codes(tokens))), pictures)
        return figures | {"codes": len(torch.cat(used).unique())}

    while not run.is_over():
        pictures = data.augmented(run.rng, data.draw(run.rng, 32))
        with autocast():
            features = model.encoder(pictures.contiguous(memory_format=torch.channels_last))
        features = features.float()
        drawn_at = 8 if run.rng.random() < 0.6 else int(run.rng.integers(2, 8))
        vq = 0
        for side in {1, 3, 8, drawn_at}:
            tokens, small = quantizer.cut(features, side)
            codes = quantizer.codes(tokens)
            # Features would grow to part the codes, were they not held as near to them as these to features.
            vq = vq + F.mse_loss(codes, small.detach()) + F.mse_loss(small, codes.detach())
            if side == drawn_at:
                chosen = small + (codes - small).detach()
        with autocast():
            drawn = model.decoder(quantizer.map(chosen))
        drawn = drawn.float()
        error = F.l1_loss(drawn, pictures) + F.mse_loss(drawn, pictures)
        outline = sum(F.l1_loss(a, b) for a, b in zip(edges(drawn), edges(pictures)))
        run.update(error + outline + vq / 4, error=error, outline=outline, vq=vq)
        run.tell(evaluate)


def flexible_tokens(options):
    """Of all sizes from 1 to 8."""
    model = load_average(options.folder, "flexible-tokenizer", FlexibleTokenizer())

    def cut(pictures):
        features = model.encoder(pictures)
        return [model.quantizer.cut(features, side)[0].flatten(1) for side in range(1, 9)]

    cut_pictures(options, "flexible-tokens", cut)


def flexible_scales(options):
    data = Pictures(options.folder)
    quantizer = load_average(options.folder, "flexible-tokenizer", FlexibleTokenizer()).quantizer
    cut = torch.from_numpy(np.load(f"{options.folder}/flexible-tokens.npz")["tokens"]).long()
    lengths = [side * side for side in range(1, 9)]
    model = FlexibleTransformer(width=options.width, layers=options.layers)
    first = load_average(options.folder, "scales", ScaleTransformer(width=options.width, layers=options.layers))
    state = {name: value for name, value in first.state_dict().items() if name not in ("level", "position")}
    model.load_state_dict(state, strict=False)

    def whole(rng, rows):
        return quantizer.codes(sizes(rows, copies(rng, len(rows), cut), (8,))[0]).detach()

    def sizes(rows, numbers, sides):
        parts = cut[rows, numbers].split(lengths, 1)
        return [parts[side - 1].view(-1, side, side) for side in sides]

    if not os.path.exists(f"{options.folder}/{options.name}.pt"):
        if options.begin_from:
            begin_from(options.begin_from, model)
        learn_sketches(model, data, whole, options.seed)
    run = Run(options, model, 1e-3, betas=(0.9, 0.95), decay=0.05)

    def logits(model, chosen, text, sides):
        with torch.no_grad():
            told = model.told(quantizer, chosen)
        with autocast():
            return model(told, text, sides).float(), torch.cat([tokens.flatten(1) for tokens in chosen], 1)

    def evaluate(model):
        figures, sides = {}, (1, 2, 3, 4, 6, 8)
        for name, rows in (("train", data.train[::max(1, len(data.train) // 96)][:96]), ("held-out", data.held_out[:96])):
            chosen = sizes(rows, np.zeros(len(rows), np.int64), sides)
            found, target = logits(model, chosen, data.vectors[data.name[rows]], sides)
            figures[name] = F.cross_entropy(found.flatten(0, 1), target.flatten()).item()
        return figures

    while not run.is_over():
        rows = data.draw(run.rng, 48)
        text = told(run, data, rows, model.nothing)
        # 1, 2 and 8 always; of those between about half.
        sides = [1, 2] + [side for side in range(3, 8) if run.rng.random() < 0.45] + [8]
        chosen = sizes(rows, copies(run.rng, len(rows), cut), sides)
        found, target = logits(model, chosen, text, sides)
        share = torch.cat([torch.full((side * side,), 1 / side) for side in sides])
        each = F.cross_entropy(found.flatten(0, 1), target.flatten(), reduction="none").view(target.shape)
        loss = (each * share / share.sum()).sum(1).mean()
        run.update(loss, loss=loss)
        run.tell(evaluate)


def begin_from(path, model):
    """A checkpoint of a run that had no sketch yet: its weights in a network that has one, as step 0."""
    state = torch.load(path, weights_only=True)["average"]
    whole = model.state_dict()
    for name, value in whole.items():
        if name not in state:
            state[name] = value
        elif name == "enter.weight" and value.shape != state[name].shape:
            more = 0.05 * torch.randn(value[:, state[name].shape[1]:].shape)
            state[name] = torch.cat([state[name], more], 1)
            # A denoiser without a sketch was told its words as they are, not brought to about one.
            state["text.weight"] = state["text.weight"] / whole["text.weight"].shape[1] ** 0.5
    model.load_state_dict(state)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=list(TRAININGS))
    parser.add_argument("folder")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name")
    parser.add_argument("--begin-from", help="a checkpoint of denoiser or flexible-scales without a sketch")
    parser.add_argument("--copies", type=int, default=8)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=8)
    options = parser.parse_args()
    options.name = options.name or options.what
    torch.set_float32_matmul_precision("medium")
    TRAININGS[options.what](options)


TRAININGS = {
    "judge": judge, "tokenizer": tokenizer, "tokens": tokens, "scales": lambda o: transformer(o, False),
    "raster": lambda o: transformer(o, True), "denoiser": denoiser, "student": student,
    "flexible-tokenizer": flexible_tokenizer, "flexible-tokens": flexible_tokens, "flexible-scales": flexible_scales}


if __name__ == "__main__":
    main()
