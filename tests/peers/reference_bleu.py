"""BLEU of sacrebleu, on made-up texts.

Writes fixtures/bleu.json.

    python tests/peers/reference_bleu.py
"""

import json
import random
from pathlib import Path

import sacrebleu
from sacrebleu.metrics import BLEU

FIXTURE = Path(__file__).parent / "fixtures" / "bleu.json"

WORDS = """the a boat pear stomach Minsu ate peeled at on market, river. 3.5 1,000 1997-03-05 well-known (old) "red" it's & <b> a/b
U.S. no.1 e.g., $5 50% x=y 배를 민수는 먹었다. 시장에서, 3개 -5 5- . , !? &quot;so&quot; &amp; &lt;x&gt; <skipped> ~ {k} [m] ` ^_^ ©
""".split()


def sentence(rng, longest=14):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, longest)))


def changed(rng, text):
    """The sentence with some words left out, put in or exchanged."""
    words = text.split(" ")
    for _ in range(rng.randint(0, 4)):
        at = rng.randrange(len(words) + 1)
        kind = rng.randrange(3)
        if kind == 0 and at < len(words):
            words.pop(at)
        elif kind == 1:
            words.insert(at, rng.choice(WORDS))
        elif at < len(words):
            words[at] = rng.choice(WORDS)
    return " ".join(words)


def case(tokenize, written, references):
    found = BLEU(tokenize=tokenize).corpus_score(written, [references])
    return {
        "tokenize": tokenize,
        "written": written,
        "references": references,
        "score": found.score,
        "precisions": found.precisions,
        "brevity_penalty": found.bp,
        "lengths": [found.sys_len, found.ref_len],
    }


def main():
    # By hand: precisions 4/5, 3/4, 2/3, 1/2, and five words for six.
    by_hand = case("13a", ["a b c d x"], ["a b c d e f"])
    assert [round(p, 9) for p in by_hand["precisions"]] == [80, 75, round(200 / 3, 9), 50]
    rng = random.Random(18)
    cases = [by_hand]
    for tokenize in ("13a", "char"):
        for pairs in [1] * 12 + [2, 3, 5, 8, 20, 50]:
            references = [sentence(rng) for _ in range(pairs)]
            written = [changed(rng, text) for text in references]
            cases.append(case(tokenize, written, references))
        # Nothing right, something empty, too short for 4-grams, equal, spaces and line ends, Korean.
        for written, references in [
            (["x y z w"], ["a b c d"]),
            (["", "a b c d e"], ["one two", "a b c d e"]),
            (["a b"], ["a b"]),
            (["silla"], ["silla"]),
            (["a b c d e f", "g h i j"], ["a b c d e f", "g h i j"]),
            (["  a  b \t c\u00a0d\u3000e \n"], ["a b c d e"]),
            (["one-\ntwo three\nfour five."], ["onetwo three four five."]),
            (["a\x1cb c d e"], ["a b c d e"]),
            (["민수는 배를 먹고 배를 탔다."], ["민수는 배를 타고 배를 먹었다."]),
            (["a b c d x y z"], ["a q c r x s z"]),
        ]:
            cases.append(case(tokenize, written, references))
    fixture = {"versions": f"sacrebleu {sacrebleu.__version__}", "cases": cases}
    FIXTURE.write_text(json.dumps(fixture, ensure_ascii=False, indent=1) + "\n")
    print(f"{FIXTURE.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
