"""Trains the judge of a model: a linear head on its hidden states that tells which drafted tokens do no harm.

1. Let the larger model finish answers from the smaller one's tokens, and note which of them change the result (resumes
   where it was interrupted):

       hidden-states mismatches Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf \\
           FOLDER --labels 1500

   Several such commands, each with a `--seed` and a folder of its own, can run side by side; their files are joined by
   writing one after the other, each name for itself.

2. Train, which takes seconds; the file's name is that of the larger model's file with `-judge`:

       python3 train.py FOLDER --output ../../weights/Qwen2.5-Coder-1.5B-Instruct.Q4_K_M-judge.gguf

The judge in the repository came from two such folders (seeds 11 and 12, `--batch 40`, one thread each for 50 minutes):
1,500 tokens of 174 items, 0.744 of them harmless. On held-out items the area under the curve is 0.865; it lets through
0.624 of the harmless and 0.099 of the others; strength and threshold were chosen on the same items, which flatters all
three. Other draws of the held-out items gave areas from 0.844 to 0.890.

`--toy` makes up states in which one direction matters, to see that it is found. Needs NumPy.

Sources: Bachmann et al., "Judge Decoding", arXiv:2501.19309 (a linear head on the target's last hidden state, class
weights, the target frozen); Garipov et al., "AutoJudge", arXiv:2504.20039 (labels from finished answers, logistic
regression on standardised states, its strength chosen by the area under the ROC curve on held-out items). AutoJudge
also looks at the draft model's state; this judge does not, so that it works with any drafter.

The bias is moved so that a probability of one half stands for the threshold at which, of the held-out tokens that
matter, no more than `--miss` are let through.
"""

import argparse
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import weightfile


def load(folder):
    with open(f"{folder}/index.tsv") as file:
        counts, marks = zip(*(map(int, line.split("\t")) for line in file))
    labels = np.fromfile(f"{folder}/labels.i32", "<i4", count=sum(counts))
    states = np.fromfile(f"{folder}/states.f16", "<f2")
    width = len(states) // max(len(labels), 1)
    states = states[:len(labels) * width].reshape(len(labels), width).astype(np.float64)
    return states, labels.astype(np.float64), np.unique(np.repeat(marks, counts), return_inverse=True)[1]


def toy(rng, count=2000, width=64):
    states = rng.normal(0, 2, (count, width))
    chance = 1 / (1 + np.exp(-(states[:, 3] - 0.5 * states[:, 10] + 1)))
    return states, (rng.uniform(size=count) < chance).astype(np.float64), np.arange(count) // 5


def fit(x, y, strength, steps=60):
    """Newton's method on the class-weighted, ridge-penalised log-likelihood; the bias is not penalised."""
    x = np.hstack([x, np.ones((len(x), 1))])
    weight = np.where(y == 1, 0.5 / max(y.mean(), 1e-9), 0.5 / max(1 - y.mean(), 1e-9))
    penalty = np.full(x.shape[1], 1 / strength)
    penalty[-1] = 1e-9
    beta = np.zeros(x.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weight * (y - p)) - penalty * beta
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        move = np.linalg.solve(hessian, gradient)
        beta += move
        if np.abs(move).max() < 1e-6:
            break
    return beta[:-1], beta[-1]


def area(scores, y):
    """Area under the ROC curve: how often an acceptable token scores above one that matters."""
    order = scores.argsort(kind="stable")
    rank = np.empty(len(y))
    rank[order] = np.arange(1, len(y) + 1)
    good, bad = y.sum(), (1 - y).sum()
    return (rank[y == 1].sum() - good * (good + 1) / 2) / max(good * bad, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--output", default="judge.gguf")
    parser.add_argument("--miss", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if not args.toy and not args.folder:
        parser.error("name the folder that hidden-states has written, or use --toy")
    rng = np.random.default_rng(args.seed)
    states, y, item = toy(rng) if args.toy else load(args.folder)
    # As JudgeHead does: a root mean square of 1.
    x = states / np.sqrt((states ** 2).mean(axis=1, keepdims=True) + 1e-6)
    # Whole items are held out, since tokens of one item are alike.
    held = np.isin(item, rng.permutation(item.max() + 1)[:max(1, (item.max() + 1) // 5)])
    if len(set(y[held])) < 2 or len(set(y[~held])) < 2:
        sys.exit("too few items: both labels must occur among the held-out tokens and among the others")
    mean, scale = x[~held].mean(axis=0), x[~held].std(axis=0) + 1e-6
    z = (x - mean) / scale
    best = None
    for strength in 10.0 ** np.arange(-5, 1.5, 0.5):
        weights, bias = fit(z[~held], y[~held], strength)
        score = area(z[held] @ weights + bias, y[held])
        if best is None or score > best[0]:
            best = (score, strength, weights, bias)
    score, strength, weights, bias = best
    scores = z[held] @ weights + bias
    threshold = np.quantile(scores[y[held] == 0], 1 - args.miss)
    passed = scores > threshold
    print(f"{len(y)} tokens of {item.max() + 1} items, {y.mean():.3f} do no harm; held out {held.sum()}")
    print(f"strength {strength:g}, area under the curve {score:.3f}")
    print(f"lets through {passed[y[held] == 1].mean():.3f} of the harmless and {passed[y[held] == 0].mean():.3f} of the others")
    raw = weights / scale
    weightfile.write(args.output, {"general.architecture": "paceline-judge", "judge.tokens": len(y)}, {
        "judge.weight": (raw[None], weightfile.F32),
        "judge.bias": ([[bias - (raw * mean).sum() - threshold]], weightfile.F32)})
    print(f"{args.output}: {os.path.getsize(args.output)} bytes")
    if args.toy and not score > 0.75:
        sys.exit("the direction was not found")


if __name__ == "__main__":
    main()
