"""The semi-autoregressive drafter as a PyTorch module: the reference of Paceline's own forward pass.

Source: Gao et al., "Falcon: Faster and Parallel Inference of Large Language Models through Enhanced
Semi-Autoregressive Drafting and Custom-Designed Decoding Tree", arXiv:2412.12639, section 3.

The row of position t takes the target's normed last hidden state z[t] and the embedding of token t + 1, and predicts
z[t + k]: with k = 2 the two rows of a block predict the next two states, and so the next two tokens, in one pass.
An LSTM joins state and embedding; its state is carried from the first token on, in training as in use. Rows of a block
attend to each other and to all blocks before.

What differs from the authors' code: one LSTM layer and one decoder layer in place of two and more, so that keys and
values depend on the tokens alone and not on where blocks begin; and what comes out is normed with the target's final
norm, so that it meets the output matrix as the target's own states do.
"""

import torch
import torch.nn.functional as F
from torch import nn


def normed(x, weight, epsilon):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * weight


def rotate(x, positions, base=10_000.0):
    """Rotary embedding by halves; x is [..., positions, heads, dimension]."""
    half = x.shape[-1] // 2
    frequencies = base ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = (positions.double()[:, None] * frequencies).to(x.dtype)[:, None, :]
    first, second = x[..., :half], x[..., half:]
    return torch.cat(
        [first * angles.cos() - second * angles.sin(), first * angles.sin() + second * angles.cos()], -1)


class Drafter(nn.Module):
    def __init__(self, width, heads, kv_heads, head_dimension, feed_forward, block, norm, epsilon=1e-5):
        super().__init__()
        self.block, self.heads, self.kv_heads = block, heads, kv_heads
        self.head_dimension, self.feed_forward, self.epsilon = head_dimension, feed_forward, epsilon
        self.register_buffer("output_norm", norm.clone())
        self.lstm = nn.LSTM(2 * width, width, batch_first=True)
        self.queries = nn.Linear(width, heads * head_dimension, bias=False)
        self.keys = nn.Linear(width, kv_heads * head_dimension, bias=False)
        self.values = nn.Linear(width, kv_heads * head_dimension, bias=False)
        self.output = nn.Linear(heads * head_dimension, width, bias=False)
        self.norm = nn.Parameter(torch.ones(width))
        self.gate = nn.Linear(width, feed_forward, bias=False)
        self.up = nn.Linear(width, feed_forward, bias=False)
        self.down = nn.Linear(feed_forward, width, bias=False)

    def forward(self, states, embeddings):
        """Predicted states `[batch, length, width]` of the positions that lie `block` further on."""
        hidden, _ = self.lstm(torch.cat([embeddings, states], -1))
        return self.decode(hidden)

    def decode(self, hidden, offset=0):
        """`offset`: positions that the first block lacks."""
        batch, length, _ = hidden.shape
        positions = torch.arange(length)
        shape = (batch, length, -1, self.head_dimension)
        queries = rotate(self.queries(hidden).view(shape), positions).transpose(1, 2)
        keys = rotate(self.keys(hidden).view(shape), positions).transpose(1, 2)
        values = self.values(hidden).view(shape).transpose(1, 2)
        group = self.heads // self.kv_heads
        blocks = (positions + offset) // self.block
        attended = F.scaled_dot_product_attention(
            queries, keys.repeat_interleave(group, 1), values.repeat_interleave(group, 1),
            attn_mask=blocks[:, None] >= blocks[None, :])
        hidden = hidden + self.output(attended.transpose(1, 2).reshape(batch, length, -1))
        inner = normed(hidden, self.norm, self.epsilon)
        hidden = hidden + self.down(F.silu(self.gate(inner)) * self.up(inner))
        return normed(hidden, self.output_norm, self.epsilon)

    def tensors(self):
        """Matrices by the names that Paceline asks for; vectors have one row."""
        return {
            "lstm.input": self.lstm.weight_ih_l0, "lstm.recurrent": self.lstm.weight_hh_l0,
            "lstm.bias": (self.lstm.bias_ih_l0 + self.lstm.bias_hh_l0)[None],
            "attention.queries": self.queries.weight, "attention.keys": self.keys.weight,
            "attention.values": self.values.weight, "attention.output": self.output.weight,
            "feed_forward.norm": self.norm[None], "feed_forward.gate": self.gate.weight,
            "feed_forward.up": self.up.weight, "feed_forward.down": self.down.weight,
        }
