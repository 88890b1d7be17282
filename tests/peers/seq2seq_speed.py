"""Training speed of two sequence-to-sequence models in PyTorch (eager), as `examples/seq2seq_speed.rs` trains them here.

A bidirectional GRU with additive attention (Bahdanau et al. 2015) and a transformer encoder–decoder of `nn.Transformer`'s layers:
64 pairs of at most 20 tokens, forward and backward pass, clipping, AdamW. Prints the fastest and the median step in
milliseconds. The sizes are those of the Rust example.

    python tests/peers/seq2seq_speed.py [--threads 2]
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy

ROWS, LENGTH, VOCAB = 64, 20, 64
E, H = 64, 128


class AdditiveGru(nn.Module):
    def __init__(self):
        super().__init__()
        self.source, self.target = nn.Embedding(VOCAB, E), nn.Embedding(VOCAB, E)
        self.encoder = nn.GRU(E, H // 2, batch_first=True, bidirectional=True)
        self.initial = nn.Linear(H, H)
        self.query, self.key, self.score = nn.Linear(H, H, bias=False), nn.Linear(H, H, bias=False), nn.Linear(H, 1, bias=False)
        self.cell = nn.GRUCell(E + H, H)
        self.combine, self.head = nn.Linear(2 * H, H), nn.Linear(H, VOCAB)

    def forward(self, source, lens, inputs):
        packed = nn.utils.rnn.pack_padded_sequence(self.source(source), lens, batch_first=True, enforce_sorted=False)
        states, last = self.encoder(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
        hidden = torch.arange(LENGTH)[None] >= lens[:, None]
        state, keys = torch.tanh(self.initial(torch.cat([last[0], last[1]], 1))), self.key(states)
        embedded, out = self.target(inputs), []
        for t in range(inputs.shape[1]):
            scores = self.score(torch.tanh(self.query(state)[:, None] + keys))[..., 0]
            weights = torch.softmax(scores.masked_fill(hidden, -torch.inf), 1)
            context = torch.bmm(weights[:, None], states)[:, 0]
            state = self.cell(torch.cat([embedded[:, t], context], 1), state)
            out.append(torch.cat([context, state], 1))
        return self.head(torch.tanh(self.combine(torch.stack(out, 1))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.source, self.target = nn.Embedding(VOCAB, H), nn.Embedding(VOCAB, H)
        self.places = nn.Parameter(torch.randn(LENGTH, H) * 0.02, requires_grad=False)
        settings = {"dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(H, 4, 4 * H, **settings), 2, nn.LayerNorm(H), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(H, 4, 4 * H, **settings), 2, nn.LayerNorm(H))
        self.causal = nn.Transformer.generate_square_subsequent_mask(LENGTH)

    def forward(self, source, lens, inputs):
        hidden = torch.arange(LENGTH)[None] >= lens[:, None]
        memory = self.encoder(self.source(source) + self.places, src_key_padding_mask=hidden)
        x = self.decoder(self.target(inputs) + self.places, memory, tgt_mask=self.causal, tgt_is_causal=True, memory_key_padding_mask=hidden)
        return x @ self.target.weight.T


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    lens = torch.tensor([LENGTH - row % 8 for row in range(ROWS)])
    source, inputs, targets = (torch.randint(0, 60, (ROWS, LENGTH)) for _ in range(3))
    targets = targets.masked_fill(torch.arange(LENGTH)[None] >= lens[:, None], -100)
    for name, make in (("gru_additive", AdditiveGru), ("transformer", Transformer)):
        model = make()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
        times = []
        for _ in range(80):
            start = time.perf_counter()
            loss = cross_entropy(model(source, lens, inputs).flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            times.append((time.perf_counter() - start) * 1e3)
        times = sorted(times[20:])
        print(json.dumps({"model": name, "torch": torch.__version__, "threads": threads, "fastest_ms": round(times[0], 2), "median_ms": round(times[len(times) // 2], 2)}))


if __name__ == "__main__":
    main()
