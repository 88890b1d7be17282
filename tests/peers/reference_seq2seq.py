"""Recurrent and transformer encoder–decoders by PyTorch, written from the papers' equations.

Writes fixtures/seq2seq/NAME.safetensors for every encoder and context, with and without input feeding, and for transformers:
the weights under Sisun's names, a batch of two sources of unequal lengths, the logits, and the alignments `cross.LAYER`
(Bahdanau et al. 2015; Luong et al. 2015; Vaswani et al. 2017). The encoders are `nn.GRU` and `nn.LSTM`, the transformers'
attentions `nn.MultiheadAttention` or, for positions that it does not have, its equation.
Also fixtures/recurrent.safetensors: states and gradients of `nn.GRU` and `nn.LSTM` over padded sequences in both directions,
and fixtures/cross_attention.safetensors: `nn.MultiheadAttention` with a padding mask.

    python tests/peers/reference_seq2seq.py
"""

import json
import math
import platform
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

OUT = Path(__file__).parent / "fixtures"
VERSIONS = {"torch": torch.__version__, "python": platform.python_version()}
SOURCE, TARGET = 11, 9  # tokens of the tokenizers
ROWS = TARGET + 2
E, H = 5, 6
LENS = [7, 4]
CONTEXTS = ["last", "mean", "max", "dot", "general", "additive", "embeddings-mean"]


def randn(*shape, scale=0.5):
    return torch.randn(*shape, dtype=torch.float64) * scale


def tokens():
    source = torch.randint(0, SOURCE, (2, max(LENS)))
    source[1, LENS[1] :] = 0
    inputs = torch.randint(0, TARGET, (2, 5))
    inputs[:, 0] = TARGET
    return source, inputs


def save(name, config, weights, source, inputs, logits, alignments):
    tensors = {key: value.float().contiguous() for key, value in weights.items()}
    tensors |= {"source": source, "source_lens": torch.tensor(LENS), "inputs": inputs, "logits": logits.float().contiguous()}
    tensors |= {f"cross.{i}": a.float().contiguous() for i, a in enumerate(alignments)}
    meta = {"config": json.dumps(config), "versions": json.dumps(VERSIONS)}
    save_file(tensors, OUT / "seq2seq" / f"{name}.safetensors", meta)


class Cell:
    """One step of a GRU or an LSTM with the weights of nn.GRU and nn.LSTM (their documentation's equations)."""

    def __init__(self, lstm, width):
        gates = 4 if lstm else 3
        self.lstm = lstm
        self.w_ih, self.w_hh = randn(gates * H, width), randn(gates * H, H)
        self.b_ih, self.b_hh = randn(gates * H), randn(gates * H)

    def step(self, x, state):
        cell = nn.LSTMCell(x.shape[1], H).double() if self.lstm else nn.GRUCell(x.shape[1], H).double()
        with torch.no_grad():
            for name, value in (("weight_ih", self.w_ih), ("weight_hh", self.w_hh), ("bias_ih", self.b_ih), ("bias_hh", self.b_hh)):
                getattr(cell, name).copy_(value)
            return cell(x, state)


def recurrent(encoder, context, feeding):
    torch.manual_seed(abs(hash_of(encoder + context + str(feeding))))
    lstm, both = encoder == "lstm", encoder == "bigru"
    weights = {"encoder.embed.weight": randn(SOURCE, E, scale=1.0), "decoder.embed.weight": randn(ROWS, E, scale=1.0)}
    source, inputs = tokens()
    embedded = weights["encoder.embed.weight"][source]
    lens = torch.tensor(LENS)
    real = torch.arange(max(LENS))[None] < lens[:, None]  # [batch, source]
    if context == "embeddings-mean":
        states, last = embedded, None
    else:
        width = H // 2 if both else H
        net = (nn.LSTM if lstm else nn.GRU)(E, width, batch_first=True, bidirectional=both).double()
        for parameter in net.parameters():
            nn.init.normal_(parameter, std=0.5)
        with torch.no_grad():
            packed, final = net(pack_padded_sequence(embedded, lens, batch_first=True))
        states, _ = pad_packed_sequence(packed, batch_first=True)
        for direction, suffix in (("forward", ""), ("backward", "_reverse"))[: 2 if both else 1]:
            for ours, theirs in (("input", "ih"), ("state", "hh")):
                weights[f"encoder.{direction}.{ours}.weight"] = getattr(net, f"weight_{theirs}_l0{suffix}").detach().T
                weights[f"encoder.{direction}.{ours}.bias"] = getattr(net, f"bias_{theirs}_l0{suffix}").detach()
        last = (final[0][0], final[1][0]) if lstm else (torch.cat([final[0], final[1]], 1) if both else final[0],)
    value = states.shape[2]
    # The source's vector, and the decoder's first state.
    masked = real[:, :, None]
    pooled = None
    if context in ("mean", "embeddings-mean"):
        pooled = torch.where(masked, states, 0).sum(1) / lens[:, None]
    elif context == "max":
        pooled = torch.where(masked, states, -math.inf).max(1).values
    if context in ("last", "dot", "general"):
        state = last
    else:
        w, b = randn(value, H), randn(H)
        weights |= {"decoder.initial.weight": w, "decoder.initial.bias": b}
        state = (torch.tanh((pooled if pooled is not None else last[0]) @ w + b), torch.zeros(2, H, dtype=torch.float64))[: 2 if lstm else 1]
    # The cell reads the embedding, then the attentional vector if it is fed, then the context of additive attention.
    cell = Cell(lstm, E + (H if feeding else 0) + (value if context == "additive" else 0))
    columns = cell.w_ih.T.split([E] + ([H] if feeding else []) + ([value] if context == "additive" else []))
    names = ["input"] + (["feed"] if feeding else []) + (["context"] if context == "additive" else [])
    for name, part in zip(names, columns):
        weights[f"decoder.cell.{name}.weight"] = part
    weights |= {
        "decoder.cell.input.bias": cell.b_ih,
        "decoder.cell.state.weight": cell.w_hh.T,
        "decoder.cell.state.bias": cell.b_hh,
    }
    if context == "general":
        weights["decoder.query.weight"] = randn(H, value)
    if context == "additive":
        weights |= {"decoder.query.weight": randn(H, H), "decoder.key.weight": randn(value, H), "decoder.score": randn(H)}
    if context != "last":
        weights |= {"decoder.combine.weight": randn(value + H, H), "decoder.combine.bias": randn(H)}
    weights |= {"decoder.head.weight": randn(H, ROWS), "decoder.head.bias": randn(ROWS)}

    def attention(query):
        """Luong et al. 2015, equation 8; Bahdanau et al. 2015, equation 6 and appendix A.1.2."""
        if context == "additive":
            keys = states @ weights["decoder.key.weight"]
            scores = torch.tanh((query @ weights["decoder.query.weight"])[:, None] + keys) @ weights["decoder.score"]
        else:
            query = query @ weights["decoder.query.weight"] if context == "general" else query
            scores = torch.einsum("bd,bsd->bs", query, states)
        weight = torch.softmax(scores.masked_fill(~real, -math.inf), 1)
        return weight, torch.einsum("bs,bsd->bd", weight, states)

    feed, logits, alignments = torch.zeros(2, H, dtype=torch.float64), [], []
    for t in range(inputs.shape[1]):
        x = [weights["decoder.embed.weight"][inputs[:, t]]] + ([feed] if feeding else [])
        vector = pooled
        if context == "additive":
            weight, vector = attention(state[0])  # s_{t-1}
            x.append(vector)
        after = cell.step(torch.cat(x, 1), state if lstm else state[0])
        state = after if lstm else (after,)
        if context in ("dot", "general"):
            weight, vector = attention(state[0])  # s_t
        out = state[0]
        if vector is not None:
            out = torch.tanh(torch.cat([vector, out], 1) @ weights["decoder.combine.weight"] + weights["decoder.combine.bias"])
        feed = out
        logits.append(out @ weights["decoder.head.weight"] + weights["decoder.head.bias"])
        if context in ("dot", "general", "additive"):
            alignments.append(weight)
    config = {"kind": "recurrent", "encoder": encoder, "context": context, "input_feeding": feeding, "d_embed": E, "d_hidden": H}
    weights = {f"net.Recurrent.{key}": value for key, value in weights.items()}
    cross = [torch.stack(alignments, 1)[:, None]] if alignments else []
    name = f"{encoder}-{context}" + ("-feeding" if feeding else "")
    save(name, config, weights, source, inputs, torch.stack(logits, 1), cross)


def hash_of(text):
    value = 7
    for c in text:
        value = (value * 31 + ord(c)) % (1 << 31)
    return value


# The transformer.

D, HEADS, LAYERS, FF, STD = 12, 2, 2, 10, 0.3
D_HEAD = D // HEADS


def sinusoidal(n):
    """Vaswani et al. 2017, section 3.5."""
    table = torch.zeros(n, D, dtype=torch.float64)
    for p in range(n):
        for i in range(0, D, 2):
            angle = p / 10000 ** (i / D)
            table[p, i], table[p, i + 1] = math.sin(angle), math.cos(angle)
    return table * STD  # see sinusoidal.rs


def rotate(x):
    """Su et al. 2021, equation 34, by halves; x is [batch, head, pos, d_head]."""
    half = D_HEAD // 2
    angles = torch.arange(x.shape[2], dtype=torch.float64)[:, None] * 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


def t5_bucket(offset, both, buckets, max_distance):
    """The buckets of transformers' T5Attention; `offset` is query − key."""
    from transformers.models.t5.modeling_t5 import T5Attention

    relative = torch.tensor([[-offset]])
    return int(T5Attention._relative_position_bucket(relative, bidirectional=both, num_buckets=buckets, max_distance=max_distance))


def multihead(weights, name, x, memory, hidden, bias=None, rope=False):
    """Attention of x to memory; `hidden` is [batch, 1, query, key] or [query, key]. Returns output and pattern."""
    if "qkv" in name:
        raise ValueError(name)
    if f"{name}.qkv.weight" in weights:
        wq, wk, wv = weights[f"{name}.qkv.weight"].split(D, 1)
        bq, bk, bv = weights[f"{name}.qkv.bias"].split(D)
    else:
        wq, bq = weights[f"{name}.q.weight"], weights[f"{name}.q.bias"]
        wk, wv = weights[f"{name}.kv.weight"].split(D, 1)
        bk, bv = weights[f"{name}.kv.bias"].split(D)
    wo, bo = weights[f"{name}.o.weight"], weights[f"{name}.o.bias"]
    batch = x.shape[0]
    if bias is None and not rope:
        net = nn.MultiheadAttention(D, HEADS, batch_first=True).double()
        with torch.no_grad():
            net.in_proj_weight.copy_(torch.cat([wq.T, wk.T, wv.T]))
            net.in_proj_bias.copy_(torch.cat([bq, bk, bv]))
            net.out_proj.weight.copy_(wo.T)
            net.out_proj.bias.copy_(bo)
            mask = torch.broadcast_to(hidden, (batch, HEADS, x.shape[1], memory.shape[1])).reshape(-1, x.shape[1], memory.shape[1])
            return net(x, memory, memory, attn_mask=mask, need_weights=True, average_attn_weights=False)
    heads = lambda y: y.reshape(batch, -1, HEADS, D_HEAD).transpose(1, 2)
    q, k, v = heads(x @ wq + bq), heads(memory @ wk + bk), heads(memory @ wv + bv)
    if rope:
        q, k = rotate(q), rotate(k)
    scores = q @ k.transpose(2, 3) / math.sqrt(D_HEAD)
    if bias is not None:
        scores = scores + bias
    pattern = torch.softmax(scores.masked_fill(hidden, -math.inf), -1)
    return (pattern @ v).transpose(1, 2).reshape(batch, -1, D) @ wo + bo, pattern


def norm(weights, name, x):
    return nn.functional.layer_norm(x, (D,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-5)


def transformer(position, placement):
    torch.manual_seed(abs(hash_of(position + placement)))
    source, inputs = tokens()
    weights = {"encoder.embed.weight": randn(SOURCE, D), "decoder.embed.weight": randn(ROWS, D)}
    for half in ("encoder", "decoder"):
        if position == "learned":
            weights[f"{half}.position.weight"] = randn(9, D)
        if position == "t5_bias":
            weights[f"{half}.position.bias"] = randn(8, HEADS)
        for layer in range(LAYERS):
            at = f"{half}.blocks.{layer}"
            shapes = {"attn.qkv": (D, 3 * D), "attn.o": (D, D), "ffn.up": (D, FF), "ffn.down": (FF, D)}
            norms = ["norm_attn", "norm_ffn"]
            if half == "decoder":
                shapes |= {"cross.q": (D, D), "cross.kv": (D, 2 * D), "cross.o": (D, D)}
                norms.append("norm_cross")
            for name, shape in shapes.items():
                weights |= {f"{at}.{name}.weight": randn(*shape, scale=STD), f"{at}.{name}.bias": randn(shape[1], scale=STD)}
            for name in norms:
                weights |= {f"{at}.{name}.weight": 1 + randn(D, scale=0.2), f"{at}.{name}.bias": randn(D, scale=0.2)}
        if placement == "pre":
            weights |= {f"{half}.norm_final.weight": 1 + randn(D, scale=0.2), f"{half}.norm_final.bias": randn(D, scale=0.2)}

    def embed(half, ids):
        x = weights[f"{half}.embed.weight"][ids]
        if position == "learned":
            x = x + weights[f"{half}.position.weight"][: ids.shape[1]]
        return x + sinusoidal(ids.shape[1]) if position == "sinusoidal" else x

    def bias(half, n):
        offsets = torch.arange(n)[:, None] - torch.arange(n)[None]  # query − key
        if position == "alibi":  # Press et al. 2022
            slopes = torch.tensor([2.0 ** (-8 * (h + 1) / HEADS) for h in range(HEADS)], dtype=torch.float64)
            return -slopes[:, None, None] * offsets.abs()
        if position == "t5_bias":
            buckets = torch.tensor([[t5_bucket(int(o), half == "encoder", 8, 16) for o in row] for row in offsets])
            return weights[f"{half}.position.bias"][buckets].permute(2, 0, 1)
        return None

    def sublayer(x, name, f):
        return x + f(norm(weights, name, x)) if placement == "pre" else norm(weights, name, x + f(x))

    real = torch.arange(max(LENS))[None] < torch.tensor(LENS)[:, None]
    padding = ~real[:, None, None]  # [batch, 1, 1, key]
    cross = []

    def stack(half, ids, memory=None):
        x, n = embed(half, ids), ids.shape[1]
        hidden = padding if half == "encoder" else torch.arange(n)[None] > torch.arange(n)[:, None]
        for layer in range(LAYERS):
            at = f"{half}.blocks.{layer}"
            own = lambda y: multihead(weights, f"{at}.attn", y, y, hidden, bias(half, n), position == "rope")[0]
            x = sublayer(x, f"{at}.norm_attn", own)
            if memory is not None:

                def other(y):
                    out, pattern = multihead(weights, f"{at}.cross", y, memory, padding)
                    cross.append(pattern)
                    return out

                x = sublayer(x, f"{at}.norm_cross", other)
            ffn = lambda y: nn.functional.gelu(y @ weights[f"{at}.ffn.up.weight"] + weights[f"{at}.ffn.up.bias"]) @ weights[f"{at}.ffn.down.weight"] + weights[f"{at}.ffn.down.bias"]
            x = sublayer(x, f"{at}.norm_ffn", ffn)
        return norm(weights, f"{half}.norm_final", x) if placement == "pre" else x

    logits = stack("decoder", inputs, stack("encoder", source)) @ weights["decoder.embed.weight"].T
    config = {
        "kind": "transformer",
        "d_model": D,
        "n_layers": LAYERS,
        "n_heads": HEADS,
        "d_ff": FF,
        "max_source_len": 9,
        "max_target_len": 9,
        "norm_placement": placement,
        "init_std": STD,
        "position": {"kind": "t5_bias", "buckets": 8, "max_distance": 16} if position == "t5_bias" else position,
    }
    weights = {f"net.Transformer.{key}": value for key, value in weights.items()}
    save(f"transformer-{position}-{placement}", config, weights, source, inputs, logits, cross)


def cells():
    """States and gradients of nn.GRU and nn.LSTM over padded sequences, in both directions."""
    tensors = {}
    torch.manual_seed(1)
    lens = torch.tensor([6, 4, 1])
    for kind, net in (("gru", nn.GRU), ("lstm", nn.LSTM)):
        net = net(E, H, batch_first=True, bidirectional=True).double()
        for parameter in net.parameters():
            nn.init.normal_(parameter, std=0.5)
        x = randn(3, 6, E, scale=1.0).requires_grad_()
        mix = randn(3, 6, 2 * H, scale=1.0)
        packed, final = net(pack_padded_sequence(x, lens, batch_first=True))
        states, _ = pad_packed_sequence(packed, batch_first=True)
        (states * mix).sum().backward()
        tensors |= {f"{kind}.x": x, f"{kind}.mix": mix, f"{kind}.states": states, f"{kind}.x.grad": x.grad}
        tensors |= {f"{kind}.final": final[0] if kind == "lstm" else final}
        if kind == "lstm":
            tensors["lstm.final_c"] = final[1]
        for name, parameter in net.named_parameters():
            tensors |= {f"{kind}.{name}": parameter, f"{kind}.{name}.grad": parameter.grad}
    tensors = {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}
    save_file(tensors | {"lens": lens}, OUT / "recurrent.safetensors", {"versions": json.dumps(VERSIONS)})


def cross_attention():
    torch.manual_seed(2)
    net = nn.MultiheadAttention(D, HEADS, batch_first=True).double()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    x, memory = randn(2, 5, D, scale=1.0).requires_grad_(), randn(2, 7, D, scale=1.0).requires_grad_()
    padding = torch.arange(7)[None] >= torch.tensor(LENS)[:, None]
    out, pattern = net(x, memory, memory, key_padding_mask=padding, average_attn_weights=False)
    mix = randn(2, 5, D, scale=1.0)
    (out * mix).sum().backward()
    tensors = {"x": x, "memory": memory, "out": out, "pattern": pattern, "mix": mix, "x.grad": x.grad, "memory.grad": memory.grad}
    for name, parameter in net.named_parameters():
        tensors |= {name: parameter, f"{name}.grad": parameter.grad}
    tensors = {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}
    save_file(tensors | {"lens": torch.tensor(LENS)}, OUT / "cross_attention.safetensors", {"versions": json.dumps(VERSIONS)})


if __name__ == "__main__":
    (OUT / "seq2seq").mkdir(parents=True, exist_ok=True)
    for encoder in ("gru", "bigru", "lstm"):
        for context in CONTEXTS:
            for feeding in (False, True):
                if not (feeding and context == "last"):
                    recurrent(encoder, context, feeding)
    for position in ("none", "learned", "sinusoidal", "rope", "alibi", "t5_bias"):
        transformer(position, "pre")
    transformer("sinusoidal", "post")
    cells()
    cross_attention()
