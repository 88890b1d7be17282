"""What a continuation adds to a text, by Hugging Face's `transformers`: fixtures/continuations.json.

    python reference_continuations.py      writes the file; the same bytes every time (same versions)

The text of a continuation is `decode(before + ids)` without `decode(before)`, special tokens left out, as whoever calls
`generate` and `decode` reads it. For SentencePiece's and BERT's tokenizers that is not `decode(ids)`: their decoders take a
space from the beginning of a text, or put none there.
"""

import json
import random
from pathlib import Path

import numpy
import tokenizers
import transformers
from safetensors.numpy import load_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

HERE = Path(__file__).parent / "fixtures"
PROMPTS = ["The kit", "The kite", "The kite ", "the  wind\n", "12,", "하나는 민", "한", "👩‍💻", "naïve", " ", ""]


def word_ends():
    """As GPT-1: a mark at the end of each word."""
    vocab = {token: at for at, token in enumerate(["<unk>", "</s>", "t", "h", "e</w>", "the</w>", "kit", "e", "kit</w>", "n</w>", ".</w>"])}
    tokenizer = Tokenizer(models.BPE(vocab, [], unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder()
    tokenizer.add_special_tokens(["<unk>", "</s>"])
    return tokenizer


def marked_bytes():
    """Marks put in front by the pre-tokenizer, bytes for what the vocabulary lacks."""
    vocab = {token: at for at, token in enumerate(["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁t", "t", "h", "e", "▁the", "kite", "▁▁"])}
    tokenizer = Tokenizer(models.BPE(vocab, [("▁", "t"), ("▁", "▁")], unk_token="<unk>", byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


def families():
    for folder in sorted((HERE / "tokenizers").iterdir()):
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        yield folder.name, tokenizer, False
    yield "word_ends", word_ends(), True
    yield "marked_bytes", marked_bytes(), True


def wrapped(tokenizer):
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False)


def continuations(name, tokenizer):
    whole = wrapped(tokenizer)
    special = {id for id, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    plain = [id for id in range(tokenizer.get_vocab_size()) if id not in special and tokenizer.id_to_token(id)]
    bytes_ = [id for id in plain if tokenizer.id_to_token(id).startswith("<0x")]
    draw = random.Random(name)
    befores = [tokenizer.encode(prompt).ids for prompt in PROMPTS]
    befores += [sorted(special)[:1], sorted(special)[-1:] * 2]
    # Ends in the middle of a character, where one takes several tokens; a long one.
    befores += [befores[6][:-1], befores[5][:-2], befores[5] * 9]
    rows = []
    for before in befores:
        for length in (1, 3, 12, 40):
            for pool in (plain, bytes_ + plain) if bytes_ else (plain,):
                ids = [draw.choice(pool) for _ in range(length)]
                if length == 12:
                    # Real text, of several bytes a character.
                    ids = tokenizer.encode("the kite, 하나는", add_special_tokens=False).ids
                    ids = [id for id in ids if id not in special]
                text, precedes = (whole.decode(ids, skip_special_tokens=True) for ids in (before + ids, before))
                # Half a character shows as U+FFFD until it is one.
                precedes = precedes.rstrip("\ufffd")
                if text.startswith(precedes):
                    rows.append({"before": before, "ids": ids, "text": text[len(precedes):]})
    assert len(rows) > 40, (name, len(rows))
    return rows


def greedy(folder):
    expected = load_file(folder / "expected.safetensors")
    whole = wrapped(Tokenizer.from_file(str(folder / "tokenizer.json")))
    prompt, ids = ([int(id) for id in numpy.asarray(expected[key])] for key in ("prompt", "greedy"))
    text, precedes = (whole.decode(ids, skip_special_tokens=True) for ids in (prompt + ids, prompt))
    assert text.startswith(precedes)
    return text[len(precedes):]


def main():
    found = {"versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}, "families": {}, "greedy": {}}
    for name, tokenizer, write in families():
        found["families"][name] = {"continuations": continuations(name, tokenizer)}
        if write:
            found["families"][name]["tokenizer"] = json.loads(tokenizer.to_str())
    for name in ["gpt2", "llama_tied", "llama_untied", "qwen2", "neox"]:
        found["greedy"][name] = greedy(HERE / "hf" / name)
    text = json.dumps(found, ensure_ascii=True)
    # A row a line.
    text = text.replace('{"before"', '\n{"before"').replace('"greedy": {', '\n"greedy": {')
    (HERE / "continuations.json").write_text(text + "\n")
    print({name: len(family["continuations"]) for name, family in found["families"].items()})


main()
