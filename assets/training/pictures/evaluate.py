"""Judges pictures that Paceline painted: how well they go with their words, and how far they are from real ones.

    python3 evaluate.py lists FOLDER          # concepts.txt and drawings.txt: captions to paint
    paceline draw --list FOLDER/concepts.txt --out PNGS/concepts --repeats 3 --method flow
    paceline draw --list FOLDER/drawings.txt --out PNGS/drawings --method flow
    python3 evaluate.py FOLDER PNGS --name flow [--record ../../weights/painters.json]

`concepts` are names of concepts that nothing was learned from; `drawings` are names of learned ones, whose pictures are
held against drawings of a second vendor that nothing was learned from. All distances are of the judge's 128 features; the
judge is never what a search looks for. Beside every painter stand copies, of each caption the picture learned from whose
caption is nearest, and real pictures: a painter that copies what it learned is no better than the copies.
"""

import argparse
import glob
import json
import os
import re

import numpy as np
import torch
import torch.nn.functional as F

from nets import Judge
from train import Pictures, load_average


def captions(data, split, vendor, vendors, most, seed=5):
    """One picture a concept: its row, for the captions of a list."""
    rows = np.flatnonzero((data.split == split) & (vendors == vendor))
    _, first = np.unique(data.concept[rows], return_index=True)
    rows = rows[np.sort(first)]
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return rows


def frechet(a, b):
    """Between two sets of features (Heusel et al., arXiv:1706.08500, equation 6)."""
    means = [x.mean(0) for x in (a, b)]
    first, second = (np.cov(x, rowvar=False) for x in (a, b))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    mixed = np.linalg.eigvalsh(root @ second @ root)
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(first) + np.trace(second)
                 - 2 * np.sqrt(np.maximum(mixed, 0)).sum())


class Set:
    """Features of pictures and what the judge says of them, asked for some captions and groups."""

    @torch.no_grad()
    def __init__(self, judge, pictures, text, groups):
        features, agreement, right = [], [], []
        for start in range(0, len(pictures), 64):
            part = slice(start, start + 64)
            found = judge.features(pictures[part])
            features.append(found)
            agreement.append((F.normalize(judge.text(found), dim=1) * text[part]).sum(1))
            right.append(judge.group(found).argmax(1) == groups[part])
        self.features = torch.cat(features).double().numpy()
        self.agreement = torch.cat(agreement).mean().item()
        self.right = torch.cat(right).float().mean().item()


def painted(folder, count):
    """Pictures `[n, 4, 64, 64]` as the networks see them, and the line of each one's caption."""
    from PIL import Image

    found = []
    for path in glob.glob(f"{folder}/*.png"):
        line, seed = map(int, re.fullmatch(r"(\d+)-(\d+)\.png", os.path.basename(path)).groups())
        if line <= count:
            found.append((line - 1, seed, path))
    found.sort()
    pixels = np.stack([np.asarray(Image.open(path).convert("RGBA")) for _, _, path in found]).astype(np.float32)
    pixels[..., :3] *= pixels[..., 3:] / 255
    return torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1, np.array([line for line, _, _ in found])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("painted")
    parser.add_argument("--name")
    parser.add_argument("--record")
    options = parser.parse_args()
    make_lists = options.folder == "lists"
    folder = options.painted if make_lists else options.folder
    data = Pictures(folder)
    vendors = np.load(f"{folder}/pictures.npz")["vendor"]
    texts = np.load(f"{folder}/captions.npz")["texts"]
    sets = {"concepts": captions(data, 1, 0, vendors, 400), "drawings": captions(data, 2, 1, vendors, 400)}
    if make_lists:
        for name, rows in sets.items():
            with open(f"{folder}/{name}.txt", "w") as file:
                file.writelines(f"{texts[data.name[row]]}\n" for row in rows)
        return
    judge = load_average(folder, "judge", Judge(len(data.groups), len(data.subgroups)))
    learned = data.vectors[data.name[data.train]]
    record = {}
    for name, rows in sets.items():
        text, group = data.vectors[data.name[rows]], data.group[rows]
        pictures, lines = painted(f"{options.painted}/{name}", len(rows))
        nearest = data.train[(text @ learned.T).argmax(1).numpy()]
        split, vendor = (1, 0) if name == "concepts" else (2, 1)
        real = Set(judge, data.floats(np.flatnonzero((data.split == split) & (vendors == vendor))),
                   data.vectors[data.name[(data.split == split) & (vendors == vendor)]],
                   data.group[(data.split == split) & (vendors == vendor)])
        own = Set(judge, pictures, text[lines], group[lines])
        copies = Set(judge, data.floats(nearest), text, group)
        order = np.random.default_rng(1).permutation(len(real.features))
        halves = np.array_split(order, 2)
        print(f"{options.name}, {name}: {len(pictures)} pictures of {len(rows)} captions")
        for title, one in (("painted", own), ("copies", copies)):
            print(f"  {title:8} agreement {one.agreement:.3f} group {one.right:.3f} "
                  f"Frechet {frechet(one.features, real.features):.2f}")
        print(f"  real     agreement {real.agreement:.3f} group {real.right:.3f} "
              f"Frechet between halves {frechet(real.features[halves[0]], real.features[halves[1]]):.2f}")
        record[name] = dict(
            pictures=len(pictures), frechet=round(frechet(own.features, real.features), 2),
            copyFrechet=round(frechet(copies.features, real.features), 2), agreement=round(own.agreement, 3),
            copyAgreement=round(copies.agreement, 3))
    if options.record:
        known = json.load(open(options.record)) if os.path.exists(options.record) else {}
        known[options.name] = record["drawings"]
        with open(options.record, "w") as file:
            json.dump(known, file, indent=2, sort_keys=True)
            file.write("\n")


if __name__ == "__main__":
    main()
