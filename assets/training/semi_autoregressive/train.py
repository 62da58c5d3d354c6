"""Trains the semi-autoregressive drafter of the default model, on a processor or on a GPU.

1. Let the model answer questions that it asks itself, and keep its hidden states (1.2 GB for a million tokens; with 150,000
   it learns these answers by heart and little else):

       hidden-states answers SmolLM2-135M-Instruct.Q4_1.gguf FOLDER --tokens 1000000

2. Train; run the same command again to go on where it was interrupted or where --minutes ended it:

       python3 train.py FOLDER --output ../../weights/smollm2-semi-autoregressive.gguf --batch 16 --epochs 3 \\
           --rate 0.0015 --token-weight 1 --minutes 120

   The weights in the repository came from this: 1,000,000 tokens, 762 steps, an hour and a half of one thread. Of the
   sequences held out, the first token of a block is right in 0.305, the second in 0.221, both in 0.089.

`--toy` needs no model: it learns a made-up target in some seconds, to see that the loss goes down and that what is written
loads; Tests/MethodsTests/Fixtures/toy-drafter.bin was made with it. Needs PyTorch and NumPy. Some sequences are held out;
the figures printed are theirs: how often the first and the second token of a block are what the target would choose, and
both.

Training follows Falcon's coupled sequential glancing distillation (arXiv:2412.12639, section 3.1): a first pass without
gradient tells which rows are wrong; of as many rows as a falling share of these, each the first of a block, state and
token are replaced by the true ones `block` positions ahead; the second pass takes the loss

    feature_weight * SmoothL1(states) + token_weight * (0.9 * KL(target || draft, T = 0.95) + 0.1 * hard),

where `hard` is the cross-entropy to a token drawn from the target. As there: AdamW with betas 0.9 and 0.95, gradients
clipped to 0.5 by value, linear warm-up, uniform noise on the states. Other than there: a few epochs on some 10^6 tokens
at a higher learning rate, and target and draft compared over the shortlist of tokens that the drafter can draw.
"""

import argparse
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import weightfile
from drafter import Drafter, normed
from splitmix import numbers

TEMPERATURE = 0.95


class Corpus:
    """Sequences of tokens with the target's hidden states, and the target's own matrices."""

    def __init__(self, folder, shortlist_length, width):
        with open(f"{folder}/index.tsv") as file:
            index = np.array([[int(n) for n in line.split("\t")] for line in file])
        self.lengths, self.prompts = index[:, 0], index[:, 1]
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])
        rows = self.starts[-1]
        self.tokens = np.fromfile(f"{folder}/tokens.i32", "<i4", count=rows)
        self.states = np.memmap(f"{folder}/states.f16", "<f2", "r", shape=(rows, width))
        matrix = lambda name: torch.from_numpy(
            np.fromfile(f"{folder}/{name}.f16", "<f2").reshape(-1, width).astype(np.float32))
        self.norm = matrix("norm")[0]
        self.embedding = matrix("embedding")
        self.vocabulary = len(self.embedding)
        self.shortlist = self.frequent(shortlist_length)
        self.head = matrix("head")[self.shortlist]

    def frequent(self, count):
        """The tokens that answers use most; of tokens never seen those with the lowest numbers, ascending."""
        counts = np.bincount(self.tokens, minlength=self.vocabulary)
        order = np.lexsort((np.arange(self.vocabulary), -counts))
        share = counts[order[:count]].sum() / counts.sum()
        print(f"{count} tokens cover {share:.4f} of the text")
        return np.sort(order[:count])

    def __len__(self):
        return len(self.lengths)


def toy_corpus(width=32, vocabulary=64, sequences=200, length=48, seed=0):
    """A target whose next token depends on the one before it, and whose states tell the next token."""
    rng = np.random.default_rng(seed)
    corpus = Corpus.__new__(Corpus)
    corpus.norm = 1 + 0.3 * numbers(13, width)
    corpus.embedding = numbers(11, vocabulary, width)
    corpus.vocabulary, corpus.shortlist, corpus.head = vocabulary, np.arange(vocabulary), corpus.embedding
    text = rng.integers(0, vocabulary, (sequences, length + 1))
    for place in range(1, length + 1):
        text[:, place] = (text[:, place - 1] * 5 + 1) % vocabulary
    corpus.tokens = text[:, :length].reshape(-1)
    noise = rng.normal(0, 0.1, (sequences * length, width))
    corpus.states = (corpus.embedding.numpy()[text[:, 1:].reshape(-1)] + noise).astype(np.float16)
    corpus.lengths = np.full(sequences, length)
    corpus.prompts = np.full(sequences, 4)
    corpus.starts = np.arange(sequences + 1) * length
    return corpus


def batch(corpus, chosen, block, epsilon):
    """Padded inputs and targets of some sequences, and a mask of the rows that count."""
    longest = max(int(corpus.lengths[s]) for s in chosen)
    width = corpus.states.shape[1]
    states = torch.zeros(len(chosen), longest, width)
    tokens = torch.zeros(len(chosen), longest + block + 1, dtype=torch.long)
    mask = torch.zeros(len(chosen), longest, dtype=torch.bool)
    for place, s in enumerate(chosen):
        start, length = int(corpus.starts[s]), int(corpus.lengths[s])
        states[place, :length] = torch.from_numpy(np.asarray(corpus.states[start:start + length], np.float32))
        tokens[place, :length] = torch.from_numpy(corpus.tokens[start:start + length].astype(np.int64))
        # Row t foretells the state of t + block, which chooses the token after it: both lie in the answer.
        mask[place, max(0, int(corpus.prompts[s]) - 1 - block):max(0, length - block)] = True
    states = normed(states, corpus.norm, epsilon)
    target = F.pad(states[:, block:], (0, 0, 0, block))
    return states, tokens, target, mask


def inputs(corpus, states, tokens, glanced=None, target=None, block=2):
    length = states.shape[1]
    own, ahead = tokens[:, 1:length + 1], tokens[:, 1 + block:length + 1 + block]
    if glanced is None:
        return states, corpus.embedding[own]
    return torch.where(glanced[..., None], target, states), corpus.embedding[torch.where(glanced, ahead, own)]


def glance(right, mask, block, share):
    """As many first rows of blocks as `share` of the wrong rows, chosen at random in each sequence."""
    first = (torch.arange(mask.shape[1]) % block == 0)[None] & mask
    wanted = ((mask & ~right).sum(1) * share).long().minimum(first.sum(1))
    rank = torch.where(first, torch.rand(mask.shape), 2.0).argsort(1).argsort(1)
    return first & (rank < wanted[:, None])


def spread(right, mask):
    grid = torch.zeros_like(mask)
    grid[mask] = right
    return grid


def choices(states, head):
    """The most probable token of each row, found in half precision."""
    return (states.bfloat16() @ head.bfloat16().T).argmax(-1)


def losses(model, corpus, states, tokens, target, mask, share, noise, rows=None):
    block = model.block
    if noise > 0:
        # As strong as the authors', whose rows number a few hundred, measured by the states' own size.
        size = states[mask].pow(2).mean().sqrt()
        states = states + (torch.rand_like(states) - 0.5) * (noise * size)
    wanted = target[mask]
    if share > 0:
        with torch.no_grad():
            first = choices(model(*inputs(corpus, states, tokens))[mask], corpus.head)
        glanced = glance(spread(first == choices(wanted, corpus.head), mask), mask, block, share)
        predicted = model(*inputs(corpus, states, tokens, glanced, target, block))[mask]
    else:
        predicted = model(*inputs(corpus, states, tokens))[mask]
    feature = F.smooth_l1_loss(predicted, wanted)
    # To compare the tokens of some rows takes a fraction of the time, and more steps teach more than more rows.
    if rows and rows < len(wanted):
        chosen = torch.randperm(len(wanted))[:rows]
        wanted, predicted = wanted[chosen], predicted[chosen]
    teacher = wanted @ corpus.head.T
    student = predicted @ corpus.head.T
    soft_target = (teacher / TEMPERATURE).log_softmax(-1)
    soft_draft = (student / TEMPERATURE).log_softmax(-1)
    kl = (teacher.softmax(-1) * (soft_target - soft_draft)).sum(-1).mean()
    gumbel = -torch.empty_like(teacher).exponential_().log()
    hard = F.cross_entropy(student, (teacher + gumbel).argmax(-1))
    return feature, 0.9 * kl + 0.1 * hard, student.argmax(-1) == teacher.argmax(-1)


@torch.no_grad()
def evaluate(model, corpus, held_out, args):
    """Shares of first and second tokens of blocks that are right, and of blocks that are right as a whole."""
    model.eval()
    sums = np.zeros(model.block + 2)
    loss = []
    for start in range(0, len(held_out), args.batch):
        states, tokens, target, mask = batch(corpus, held_out[start:start + args.batch], model.block, args.epsilon)
        feature, token, right = losses(model, corpus, states, tokens, target, mask, 0, 0)
        loss.append(args.feature_weight * feature.item() + args.token_weight * token.item())
        grid = spread(right, mask)
        length = mask.shape[1] // model.block * model.block
        blocks = grid[:, :length].reshape(len(grid), -1, model.block)
        whole = mask[:, :length].reshape(len(grid), -1, model.block).all(-1)
        for place in range(model.block):
            sums[place] += blocks[..., place][whole].sum()
        sums[-2] += blocks.all(-1)[whole].sum()
        sums[-1] += whole.sum()
    model.train()
    shares = sums[:-1] / max(sums[-1], 1)
    return float(np.mean(loss)), shares


def save(model, corpus, path):
    kinds = {"lstm.bias": weightfile.F32, "feed_forward.norm": weightfile.F32}
    tensors = {
        name: (value.detach().numpy(), kinds.get(name, weightfile.Q8_0)) for name, value in model.tensors().items()}
    weightfile.write(path, {
        "general.architecture": "paceline-semi-autoregressive", "drafter.block": model.block,
        "drafter.width": len(model.output_norm), "drafter.heads": model.heads, "drafter.kv_heads": model.kv_heads,
        "drafter.head_dimension": model.head_dimension, "drafter.feed_forward": model.feed_forward,
        "drafter.vocabulary": corpus.vocabulary, "drafter.shortlist": corpus.shortlist,
    }, tensors)
    print(f"{path}: {os.path.getsize(path) / 1e6:.1f} MB")


@torch.no_grad()
def level_inputs(model, corpus):
    """Lets embeddings and states weigh the same at first: the model's own differ in size by more than ten times."""
    width = corpus.embedding.shape[1]
    used = corpus.embedding[corpus.tokens[:20_000]]
    states = normed(torch.from_numpy(np.asarray(corpus.states[:2000], np.float32)), corpus.norm, model.epsilon)
    weights = model.lstm.weight_ih_l0
    weights[:, :width] /= used.pow(2).mean().sqrt()
    weights[:, width:] /= states.pow(2).mean().sqrt()


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="what hidden-states has written")
    parser.add_argument("--toy", action="store_true", help="learn a made-up target")
    parser.add_argument("--output", default="drafter.gguf")
    parser.add_argument("--checkpoint", help="default: OUTPUT.pt")
    parser.add_argument("--minutes", type=float, default=30, help="of this run; it ends, saved, after these")
    parser.add_argument("--epochs", type=float, default=6, help="of all runs")
    parser.add_argument("--block", type=int, default=2)
    parser.add_argument("--shortlist", type=int, default=8192)
    parser.add_argument("--feed-forward", type=int, default=1536)
    parser.add_argument("--width", type=int, default=576)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--feature-weight", type=float, default=1.0)
    parser.add_argument("--token-weight", type=float, default=0.1)
    parser.add_argument("--token-rows", type=int, default=1024, help="rows of a step whose tokens are compared")
    parser.add_argument("--noise", type=float, default=0.2)
    parser.add_argument("--epsilon", type=float, default=1e-5, help="of the target's final norm")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if not args.toy and not args.folder:
        parser.error("name the folder that hidden-states has written, or use --toy")
    args.checkpoint = args.checkpoint or args.output + ".pt"
    return args


def main():
    args = parse()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    if args.toy:
        corpus = toy_corpus()
        shape = dict(width=32, heads=2, kv_heads=1, head_dimension=16, feed_forward=64)
        args.epochs, args.warmup, args.rate = 8, 20, 3e-3
    else:
        corpus = Corpus(args.folder, args.shortlist, args.width)
        shape = dict(
            width=args.width, heads=args.width // 64, kv_heads=max(args.width // 192, 1), head_dimension=64,
            feed_forward=args.feed_forward)
    model = Drafter(**shape, block=args.block, norm=corpus.norm, epsilon=args.epsilon)
    level_inputs(model, corpus)
    order = np.random.default_rng(args.seed).permutation(len(corpus))
    held = max(1, len(order) // 20)
    held_out, training = np.sort(order[:held]), order[held:]
    steps_per_epoch = max(1, len(training) // args.batch)
    total = int(args.epochs * steps_per_epoch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.rate, betas=(0.9, 0.95), weight_decay=0.01)
    warm = lambda s: min(1, (s + 1) / args.warmup) * max(0.02, 1 - s / total)
    step = 0
    if os.path.exists(args.checkpoint):
        saved = torch.load(args.checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
        print(f"goes on at step {step} of {total}")
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights, {len(training)} sequences, {total} steps")

    def keep():
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, args.checkpoint)
        loss, shares = evaluate(model, corpus, held_out, args)
        print(f"step {step}: held out loss {loss:.4f}, right " + " ".join(f"{s:.3f}" for s in shares), flush=True)
        return loss

    first = keep()
    end, kept, sums = time.time() + 60 * args.minutes, time.time(), []
    while step < total and time.time() < end:
        epoch = step // steps_per_epoch
        # Sequences of about the same length together, the groups in an order of each epoch's own.
        rng = np.random.default_rng([args.seed, epoch])
        shuffled = rng.permutation(training)
        keys = corpus.lengths[shuffled] + rng.uniform(0, 32, len(shuffled))
        groups = shuffled[np.argsort(keys)][:steps_per_epoch * args.batch].reshape(-1, args.batch)
        chosen = groups[rng.permutation(len(groups))[step % steps_per_epoch]]
        states, tokens, target, mask = batch(corpus, chosen, args.block, args.epsilon)
        for group in optimizer.param_groups:
            group["lr"] = args.rate * warm(step)
        share = 0.35 * (1 - step / total) + 0.1
        feature, token, right = losses(
            model, corpus, states, tokens, target, mask, share, args.noise, args.token_rows)
        loss = args.feature_weight * feature + args.token_weight * token
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), 0.5)
        optimizer.step()
        step += 1
        sums.append([feature.item(), token.item(), right.float().mean().item()])
        if len(sums) == 50:
            mean = np.mean(sums, axis=0)
            print(f"step {step}/{total}: states {mean[0]:.4f}, tokens {mean[1]:.4f}, right {mean[2]:.3f}", flush=True)
            sums = []
        if time.time() - kept > 300:
            keep()
            kept = time.time()
    last = keep()
    save(model, corpus, args.output)
    if args.toy and not last < 0.7 * first:
        sys.exit(f"the loss did not go down: {first:.4f} to {last:.4f}")


if __name__ == "__main__":
    main()
