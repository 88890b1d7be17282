"""Romanizations, numbers in words and dates by other software, for the generated pairs.

Romanization: ko-pron (after Wiktionary's module) and koroman, two programs that apply the rules of pronunciation. Each has
errors of its own on the official examples, which are checked and printed here: ko-pron keeps ㅎ after a plosive in predicates
(굳히다, 잡혀), koroman merges it in nouns too (묵호, 집현전, 오죽헌). Neither knows where the parts of a compound meet
(학여울, 알약, 신문로): those are given to them as they are pronounced there. korean-romanizer and hangul-romanize are not used: the first knows no assimilation (종로 is
"jongro"), the second spells letter by letter.

Numbers: num2words. Its Korean drops 일 before 만 in the middle of a number as well (일억 만); its ordinals, which have the native
numbers, write 스물 for 스무.

Writes fixtures/pairs.json.

    python tests/peers/reference_pairs.py
"""

import json
import random
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

import ko_pron
import koroman
from num2words import num2words

HERE = Path(__file__).parent
FIXTURE = HERE / "fixtures" / "pairs.json"
WORDS = HERE.parents[1] / "crates/sisun-data/src/pairs/tasks/romanization/words.txt"

# 국어의 로마자 표기법 (문화체육관광부고시 제2014-42호): every example of chapter 2 and of chapter 3, §1, and those of §6 without hyphens.
OFFICIAL = """
구미 Gumi 영동 Yeongdong 백암 Baegam 옥천 Okcheon 합덕 Hapdeok 호법 Hobeop 월곶 Wolgot 벚꽃 beotkkot 한밭 Hanbat 구리 Guri
설악 Seorak 칠곡 Chilgok 임실 Imsil 울릉 Ulleung 대관령 Daegwallyeong 광희문 Gwanghuimun
백마 Baengma 신문+로 Sinmunno 종로 Jongno 왕십리 Wangsimni 별내 Byeollae 신라 Silla 학+여울 Hangnyeoul 알+약 allyak
해돋이 haedoji 같이 gachi 굳히다* guchida 좋고* joko 놓다* nota 잡혀* japyeo 낳지* nachi 묵호 Mukho 집현전 Jiphyeonjeon
압구정 Apgujeong 낙동강 Nakdonggang 죽변 Jukbyeon 낙성대 Nakseongdae 합정 Hapjeong 팔당 Paldang 샛별 saetbyeol 울산 Ulsan
중앙 Jungang 반구대 Bangudae 세운 Seun 해운대 Haeundae 부산 Busan 세종 Sejong 남산 Namsan 속리산 Songnisan 금강 Geumgang
독도 Dokdo 경복궁 Gyeongbokgung 무량수전 Muryangsujeon 연화교 Yeonhwagyo 극락전 Geungnakjeon 안압지 Anapji
남한산성 Namhansanseong 화랑대 Hwarangdae 불국사 Bulguksa 현충사 Hyeonchungsa 독립문 Dongnimmun 오죽헌 Ojukheon
촉석루 Chokseongnu 종묘 Jongmyo 다보탑 Dabotap 제주 Jeju
""".split()
OFFICIAL = [[word, roman.lower()] for word, roman in zip(OFFICIAL[::2], OFFICIAL[1::2])]

PLAIN_FINALS = set("ㄱㄲㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅆ")
INITIALS = list("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ")
VOWELS = list("ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ")
FINALS = [""] + list("ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")


def final(syllable):
    return FINALS[(ord(syllable) - 0xAC00) % 28]


def compose(initial, vowel, last):
    return chr(0xAC00 + initial * 588 + vowel * 28 + last)


def respelled(word):
    """A compound as it is pronounced where its parts meet, which neither program can know: with the ㄴ that is added, with ㄴ for
    ㄹ after ㄴ, or with the final consonant that is left at the end of a word (표준 발음법, §15, 20 and 29).
    """
    word = word.removesuffix("*")
    if "+" not in word:
        return word
    first, second = word.split("+")
    code = ord(second[0]) - 0xAC00
    initial, vowel, last = code // 588, code // 28 % 21, code % 28
    if "ㄹ" == INITIALS[initial] or VOWELS[vowel] in "ㅣㅑㅒㅕㅖㅛㅠ":
        return first + compose(INITIALS.index("ㄴ"), vowel, last) + second[1:]
    code = ord(first[-1]) - 0xAC00
    left = {"ㅅ": "ㄷ", "ㅊ": "ㄷ", "ㅈ": "ㄷ", "ㅌ": "ㄷ", "ㅋ": "ㄱ", "ㅄ": "ㅂ", "ㅍ": "ㅂ"}
    ending = FINALS[code % 28]
    return first[:-1] + compose(code // 588, code // 28 % 21, FINALS.index(left.get(ending, ending))) + second


def romanized(word):
    """The word and both romanizations, without the hyphens that ko-pron puts where a reading is ambiguous (§2)."""
    letters = respelled(word)
    return [word, ko_pron.romanise(letters, "rr").lower().replace("-", ""), koroman.romanize(letters).lower()]


def unclear(a, b):
    """ㅈ or ㅊ before ㅎ in a noun: no rule says what it becomes, and generated words lack it."""
    return final(a) in ("ㅈ", "ㅊ") and INITIALS[(ord(b) - 0xAC00) // 588] == "ㅎ"


def romanizations(rng):
    lines = [line for line in WORDS.read_text().splitlines() if not line.startswith("#")]
    words = [word for line in lines for word in line.split()]
    syllables = sorted({c for word in words for c in word if "가" <= c <= "힣"})
    plain = [c for c in syllables if final(c) == "" or final(c) in PLAIN_FINALS]
    made = ["".join(rng.choice(plain) for _ in range(rng.randint(2, 4))) for _ in range(1500)]
    made = [word for word in made if not any(unclear(a, b) for a, b in zip(word, word[1:]))]
    return [romanized(word) for word in sorted(set(words)) + made]


def numbers(rng):
    values = list(range(130)) + [10**n + d for n in range(2, 16) for d in (-1, 0, 1)]
    values += [11_000, 110_000, 100_010_000, 10**12 + 10_000, 1_010_101_010, 35_207, 1_234_567_890_123_456]
    values += [rng.randrange(10 ** rng.randint(1, 16)) for _ in range(800)]
    # Round ones, with zeros everywhere.
    values += [int("".join(rng.choice("00123456789") for _ in range(rng.randint(2, 16)))) for _ in range(400)]
    rows = []
    for value in values:
        # 일 is left out before 만 only where the number begins with it.
        korean = num2words(value, lang="ko").replace("억 만", "억 일만").replace("조 만", "조 일만")
        rows.append([value, korean, num2words(value, lang="en")])
    native = []
    for value in range(2, 100):
        counted = num2words(value, lang="ko", to="ordinal").removesuffix(" 번째")
        native.append([value, "스무" if value == 20 else counted])
    return rows, native


def ordinal_suffix(n):
    return num2words(n, to="ordinal_num")[-2:]


def dates(rng):
    first = date(1800, 1, 1)
    days = [rng.randrange((date(2199, 12, 31) - first).days + 1) for _ in range(400)]
    rows = []
    for d in (first + timedelta(days=n) for n in days):
        full, short, day, year = d.strftime("%B"), d.strftime("%b"), d.day, d.year
        number, word = f"{day}{ordinal_suffix(day)}", num2words(day, to="ordinal")
        native = [num2words(n, lang="ko") for n in (year, d.month, day)]
        native[1] = {6: "유", 10: "시"}.get(d.month, native[1])
        rows.append(
            {
                "iso": d.isoformat(),
                "weekday": (d.weekday() + 1) % 7,
                "english": [
                    f"{day} {full} {year}",
                    f"{day} {short} {year}",
                    f"{day}-{short}-{year}",
                    f"{number} {full} {year}",
                    f"the {number} of {full} {year}",
                    f"the {word} of {full} {year}",
                    f"{full} {day}, {year}",
                    f"{full} {day:02}, {year}",
                    f"{short} {day}, {year}",
                    f"{full} {number}, {year}",
                ],
                "korean": [
                    f"{year}년 {d.month}월 {day}일",
                    f"{year}년 {d.month:02}월 {day:02}일",
                    f"{year}년{d.month}월{day}일",
                    f"{year}. {d.month}. {day}.",
                    d.strftime("%Y.%m.%d"),
                    f"{year}/{d.month}/{day}",
                    f"{native[0]}년 {native[1]}월 {native[2]}일",
                ],
            }
        )
    return rows


def main():
    for name, at in (("ko-pron", 1), ("koroman", 2)):
        wrong = [word for word, roman in OFFICIAL if romanized(word)[at] != roman]
        print(f"{name} differs from the official examples in {len(wrong)} of {len(OFFICIAL)}: {' '.join(wrong)}")
        assert len(wrong) <= 6
    rng = random.Random(18)
    rows, native = numbers(rng)
    fixture = {
        "versions": ", ".join(f"{name} {version(name)}" for name in ("ko-pron", "koroman", "num2words")),
        "official": OFFICIAL,
        "romanizations": romanizations(rng),
        "numbers": rows,
        "native": native,
        "dates": dates(rng),
    }
    lines = [f"{json.dumps(key)}: {dump(value)}" for key, value in fixture.items()]
    FIXTURE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{FIXTURE.name}: " + ", ".join(f"{key} {len(value)}" for key, value in fixture.items()))


def dump(value):
    """A list with one element a line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in value) + "\n]"


if __name__ == "__main__":
    main()
