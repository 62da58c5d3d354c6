"""Turns captions into the vectors that the generators are told: all-MiniLM-L6-v2, mean-pooled, length one.

    python3 text.py FOLDER MINILM

reads FOLDER/pictures.npz, and from the folder MINILM the files that `paceline models get minilm` brings; writes
FOLDER/captions.npz: `texts`, `vectors` `[n, 384]` in half precision, and for each picture the number of its name
(`name`) and of its keywords (`keyword`, -1 where there are fewer).
"""

import argparse
import glob
import json
import struct
import unicodedata

import numpy as np
import torch
import torch.nn.functional as F

MOST_KEYWORDS = 8


def read_safetensors(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = file.read()
    kinds = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
    return {
        name: torch.from_numpy(np.frombuffer(
            data[entry["data_offsets"][0]:entry["data_offsets"][1]], kinds[entry["dtype"]]
        ).reshape(entry["shape"]).astype(np.float32))
        for name, entry in header.items() if name != "__metadata__"}


class WordPieces:
    """Devlin et al., "BERT", arXiv:1810.04805: lower case, no accents, longest pieces first."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.ids = {line.rstrip("\n"): number for number, line in enumerate(file)}

    def words(self, text):
        text = "".join(
            c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        spaced = "".join(
            f" {c} " if unicodedata.category(c).startswith("P") or (not c.isalnum() and ord(c) < 128) else c
            for c in text)
        return spaced.split()

    def encode(self, text, limit=64):
        ids = [self.ids["[CLS]"]]
        for word in self.words(text):
            pieces, start = [], 0
            while start < len(word):
                end = len(word)
                while end > start and ("##" if start else "") + word[start:end] not in self.ids:
                    end -= 1
                if end == start:
                    pieces = [self.ids["[UNK]"]]
                    break
                pieces.append(self.ids[("##" if start else "") + word[start:end]])
                start = end
            ids += pieces
        return ids[:limit - 1] + [self.ids["[SEP]"]]


class SentenceEncoder:
    def __init__(self, folder):
        self.weights = {
            name.removeprefix("bert."): value
            for name, value in read_safetensors(glob.glob(f"{folder}/*.safetensors")[0]).items()}
        self.pieces = WordPieces(glob.glob(f"{folder}/*vocab.txt")[0])

    def linear(self, x, name):
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def norm(self, x, name):
        return F.layer_norm(
            x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], 1e-12)

    @torch.no_grad()
    def __call__(self, text):
        ids = torch.tensor(self.pieces.encode(text))
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:len(ids)]
        x = self.norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(6):
            name = f"encoder.layer.{layer}"
            q, k, v = (
                self.linear(x, f"{name}.attention.self.{part}").view(len(ids), 12, 32).transpose(0, 1)
                for part in ("query", "key", "value"))
            mixed = F.scaled_dot_product_attention(q, k, v).transpose(0, 1).reshape(len(ids), -1)
            x = self.norm(x + self.linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
            inner = F.gelu(self.linear(x, f"{name}.intermediate.dense"))
            x = self.norm(x + self.linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return F.normalize(x.mean(0), dim=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("minilm")
    options = parser.parse_args()
    data = np.load(f"{options.folder}/pictures.npz")
    numbers, texts = {}, []

    def number(text):
        if text not in numbers:
            numbers[text] = len(texts)
            texts.append(text)
        return numbers[text]

    names = np.array([number(str(name).lower()) for name in data["names"]], np.int32)
    keywords = np.full((len(names), MOST_KEYWORDS), -1, np.int32)
    for row, words in enumerate(data["keywords"]):
        found = [word for word in str(words).lower().split("|") if word][:MOST_KEYWORDS]
        keywords[row, :len(found)] = [number(word) for word in found]
    encoder = SentenceEncoder(options.minilm)
    vectors = np.stack([encoder(text).numpy() for text in texts]).astype(np.float16)
    np.savez_compressed(
        f"{options.folder}/captions.npz", texts=np.array(texts), vectors=vectors, name=names, keyword=keywords)
    print(f"{len(texts)} captions")


if __name__ == "__main__":
    main()
