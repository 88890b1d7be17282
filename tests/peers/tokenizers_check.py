"""Sisun's tokenizers and Hugging Face's `tokenizers` package must agree on every id, offset and character.

    python tokenizers_check.py DIR     check what Sisun wrote: each DIR/*/tokenizer.json is read with the package
                                       and must give what DIR/*/encodings.json says
    python tokenizers_check.py --make  write fixtures/tokenizers/: tokenizers of other families, made with the
                                       package, and what it makes of some texts; Sisun's tests read them

`cargo test -p sisun-data --test peers` writes a DIR and says where.
"""

import json
import platform
import sys
from pathlib import Path

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

FIXTURES = Path(__file__).parent / "fixtures" / "tokenizers"

TEXTS = [
    "",
    "Hana gave the kite to Minsu.",
    "하나는 민수에게 빨간 연을 주었어요.",
    " two  spaces\n\tand a tab\r\n",
    "Émile's naïve café — 12,345.67!",
    "👩‍💻 wrote 한글\u0301 e\u0301",
    "the end</s>the end",
]

CORPUS = [
    "Hana gave the kite to Minsu. The kite was red, and the wind was kind.",
    "하나는 민수에게 연을 주었어요. 민수는 하나에게 고맙다고 했어요.",
    "Émile's café: 12,345.67 — don't!",
] * 4


def sentencepiece_bpe():
    """As LLaMA 2: no pre-tokenizer, a mark put in front, bytes for what the vocabulary lacks."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.train_from_iterator(
        [word for text in CORPUS for word in text.split()],
        trainers.BpeTrainer(vocab_size=360, special_tokens=["<unk>", "<s>", "</s>", *bytes_], show_progress=False),
    )
    # The bytes are ordinary tokens of the vocabulary, not special ones.
    config = json.loads(tokenizer.to_str())
    config["added_tokens"] = [token for token in config["added_tokens"] if not token["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(config))
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


def split_byte_level():
    """As GPT-4 and LLaMA 3: a regular expression first, then bytes."""
    tokenizer = Tokenizer(models.BPE())
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=["</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return tokenizer


def words(tokenizer):
    """The corpus's words after the tokenizer's own normalizer and pre-tokenizer, in order."""
    for text in CORPUS:
        yield from (word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)))


def word_piece():
    """As BERT: lower-cased, accents stripped, what is unknown becomes [UNK]. The vocabulary: some words, all characters."""
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    vocab = {"[UNK]": 0, "</s>": 1}
    for word in sorted(set(words(tokenizer))):
        for piece in [word[0], word[:4], *(f"##{c}" for c in word[1:])]:
            vocab.setdefault(piece, len(vocab))
    tokenizer.model = models.WordPiece(vocab, unk_token="[UNK]")
    tokenizer.add_special_tokens(["[UNK]", "</s>"])
    return tokenizer


def unigram():
    """As T5: SentencePiece's unigram model over marked words. The scores: longer pieces are likelier than their parts."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    pieces = sorted({word[:end] for word in words(tokenizer) for end in (1, 3, 5)} | {c for word in words(tokenizer) for c in word})
    scores = [("<unk>", 0.0), ("</s>", 0.0), *((piece, -6.0 - 2.5 * len(piece) ** 0.5) for piece in pieces)]
    tokenizer.model = models.Unigram(scores, unk_id=0, byte_fallback=False)
    tokenizer.add_special_tokens(["<unk>", "</s>"])
    return tokenizer


def encode(tokenizer, text):
    encoding = tokenizer.encode(text, add_special_tokens=False)
    decoded = tokenizer.decode(encoding.ids, skip_special_tokens=False)
    return {"text": text, "ids": encoding.ids, "offsets": [list(pair) for pair in encoding.offsets], "decoded": decoded}


def make():
    versions = {"tokenizers": tokenizers.__version__, "python": platform.python_version()}
    for build in [sentencepiece_bpe, split_byte_level, word_piece, unigram]:
        folder = FIXTURES / build.__name__
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = build()
        encodings = [encode(tokenizer, text) for text in TEXTS]
        if build is unigram:
            # Padding and truncation are for batches; they must not touch a text, and Sisun leaves them out.
            tokenizer.enable_padding(length=50)
            tokenizer.enable_truncation(3)
        tokenizer.save(str(folder / "tokenizer.json"))
        with open(folder / "encodings.json", "w", encoding="utf-8") as file:
            lines = ",\n".join(json.dumps(encoding, ensure_ascii=False) for encoding in encodings)
            file.write(f'{{"versions": {json.dumps(versions)}, "encodings": [\n{lines}\n]}}\n')


def check(folder):
    """Compares one tokenizer; gives the number of texts."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encodings = json.loads((folder / "encodings.json").read_text(encoding="utf-8"))["encodings"]
    for expected in encodings:
        found = encode(tokenizer, expected["text"])
        for key in found:
            if found[key] != expected[key]:
                sys.exit(f"{folder.name}: {key} of {expected['text']!r}\n  Sisun:   {expected[key]}\n  package: {found[key]}")
    return len(encodings)


def main():
    if sys.argv[1:] == ["--make"]:
        make()
    elif len(sys.argv) == 2 and Path(sys.argv[1]).is_dir():
        folders = sorted(path.parent for path in Path(sys.argv[1]).glob("*/tokenizer.json"))
        if not folders:
            sys.exit(f"{sys.argv[1]} holds no tokenizers")
        for folder in folders:
            print(f"{folder.name}: {check(folder)} texts agree with tokenizers {tokenizers.__version__}")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
