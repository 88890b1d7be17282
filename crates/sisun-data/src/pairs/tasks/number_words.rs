//! Numbers in words, Korean and English, with what each word says about the digits.

use super::spans::PairBuilder;
use std::ops::Range;

/// A piece of a number in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberWord {
    pub(super) text: &'static str,
    says: Says,
}

/// What a piece says. Places count from 0 for the ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// The digit at this place.
    Digit(usize),
    /// The digits at this place and the next higher one: `thirteen`, `ten`.
    TwoDigits(usize),
    /// The place of the digit before it: `백`, `만`, `hundred`.
    Unit(usize),
    /// Nothing: what stands between words.
    Nothing,
}

impl NumberWord {
    fn new(text: &'static str, says: Says) -> Self {
        Self { text, says }
    }

    fn place(self) -> Option<usize> {
        match self.says {
            Says::Digit(place) | Says::TwoDigits(place) | Says::Unit(place) => Some(place),
            Says::Nothing => None,
        }
    }
}

const SINO_DIGITS: [&str; 10] = ["", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"];
const SINO_UNITS: [&str; 4] = ["", "십", "백", "천"];
const SINO_GROUPS: [&str; 4] = ["", "만", "억", "조"];
const NATIVE_TENS: [&str; 10] = [
    "", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔",
];
const NATIVE_ONES: [&str; 10] = [
    "", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉",
];
/// The forms before a counter that differ.
const NATIVE_BEFORE_COUNTER: [(&str, &str); 5] = [
    ("하나", "한"),
    ("둘", "두"),
    ("셋", "세"),
    ("넷", "네"),
    ("스물", "스무"),
];
const ENGLISH_ONES: [&str; 20] = [
    "",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const ENGLISH_TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const ENGLISH_GROUPS: [&str; 6] = [
    "",
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
];

/// Return a number below 10¹⁶ in Sino-Korean, grouped by 만, 억 and 조 with a space between groups
/// (한글 맞춤법, §44): `삼만 오천이백칠`. A leading one is left out before 십, 백 and 천, and before
/// 만 at the beginning of the number.
pub(super) fn sino_korean(number: u64) -> Vec<NumberWord> {
    if number == 0 {
        return vec![NumberWord::new("영", Says::Digit(0))];
    }
    let mut words = Vec::new();
    for group in (0..SINO_GROUPS.len()).rev() {
        let of_group = number / 10_u64.pow(4 * group as u32) % 10_000;
        if of_group == 0 {
            continue;
        }
        if !words.is_empty() {
            words.push(NumberWord::new(" ", Says::Nothing));
        }
        if group == 1 && of_group == 1 && words.is_empty() {
            words.push(NumberWord::new("만", Says::Digit(4)));
            continue;
        }
        for unit in (0..4).rev() {
            let digit = (of_group / 10_u64.pow(unit as u32) % 10) as usize;
            let place = 4 * group + unit;
            match (digit, unit) {
                (0, _) => {}
                (1, 1..) => words.push(NumberWord::new(SINO_UNITS[unit], Says::Digit(place))),
                _ => {
                    words.push(NumberWord::new(SINO_DIGITS[digit], Says::Digit(place)));
                    if unit > 0 {
                        words.push(NumberWord::new(SINO_UNITS[unit], Says::Unit(place)));
                    }
                }
            }
        }
        if group > 0 {
            words.push(NumberWord::new(SINO_GROUPS[group], Says::Unit(4 * group)));
        }
    }
    words
}

/// Return a number from 1 to 99 in native Korean: `스물셋`, or `스물세` before a counter.
pub(super) fn native_korean(number: u64, before_counter: bool) -> Vec<NumberWord> {
    let (tens, ones) = (number as usize / 10 % 10, number as usize % 10);
    let mut words = Vec::new();
    if tens > 0 {
        words.push(NumberWord::new(NATIVE_TENS[tens], Says::Digit(1)));
    }
    if ones > 0 {
        words.push(NumberWord::new(NATIVE_ONES[ones], Says::Digit(0)));
    }
    if before_counter && let Some(last) = words.last_mut() {
        let form = NATIVE_BEFORE_COUNTER
            .iter()
            .find(|(form, _)| *form == last.text);
        last.text = form.map_or(last.text, |(_, before)| before);
    }
    words
}

/// Return a number below 10¹⁸ in English: `thirty-five thousand, two hundred and seven`.
pub(super) fn english(number: u64) -> Vec<NumberWord> {
    if number == 0 {
        return vec![NumberWord::new("zero", Says::Digit(0))];
    }
    let nothing = |text| NumberWord::new(text, Says::Nothing);
    let mut words = Vec::new();
    for group in (0..ENGLISH_GROUPS.len()).rev() {
        let of_group = (number / 1000_u64.pow(group as u32) % 1000) as usize;
        if of_group == 0 {
            continue;
        }
        let (hundreds, rest, place) = (of_group / 100, of_group % 100, 3 * group);
        if !words.is_empty() {
            words.push(nothing(match group == 0 && hundreds == 0 {
                true => " and ",
                false => ", ",
            }));
        }
        if hundreds > 0 {
            words.push(NumberWord::new(
                ENGLISH_ONES[hundreds],
                Says::Digit(place + 2),
            ));
            words.push(nothing(" "));
            words.push(NumberWord::new("hundred", Says::Unit(place + 2)));
            if rest > 0 {
                words.push(nothing(" and "));
            }
        }
        match rest {
            0 => {}
            1..10 => words.push(NumberWord::new(ENGLISH_ONES[rest], Says::Digit(place))),
            10..20 => words.push(NumberWord::new(ENGLISH_ONES[rest], Says::TwoDigits(place))),
            _ => {
                words.push(NumberWord::new(
                    ENGLISH_TENS[rest / 10],
                    Says::Digit(place + 1),
                ));
                if rest % 10 > 0 {
                    words.push(nothing("-"));
                    words.push(NumberWord::new(ENGLISH_ONES[rest % 10], Says::Digit(place)));
                }
            }
        }
        if group > 0 {
            words.push(nothing(" "));
            words.push(NumberWord::new(ENGLISH_GROUPS[group], Says::Unit(place)));
        }
    }
    words
}

/// Append a number's words to the source and return the range of each.
pub(super) fn push_words(pair: &mut PairBuilder, words: &[NumberWord]) -> Vec<Range<usize>> {
    let source = &mut pair.source;
    words.iter().map(|word| source.push(word.text)).collect()
}

/// Link the digits of a number that is written in the target with its words.
///
/// A digit has a sure link to the word that says it and a possible link to the word for its place
/// (`백`, `hundred`). A zero is never said: it has possible links only, to the last word for a
/// higher place and to the first for its own or a lower one. Zeros that only fill the number up to
/// the width of `target` have a sure link to all of the words.
pub(super) fn link_digits(
    pair: &mut PairBuilder,
    target: Range<usize>,
    number: u64,
    words: &[NumberWord],
    ranges: &[Range<usize>],
) {
    let digits = number.max(1).ilog10() as usize + 1;
    let at = |place: usize| target.end - 1 - place;
    if target.len() > digits
        && let (Some(first), Some(last)) = (ranges.first(), ranges.last())
    {
        pair.link_sure(target.start..target.end - digits, first.start..last.end);
    }
    let mut said = vec![false; digits];
    for (word, range) in words.iter().zip(ranges) {
        match word.says {
            Says::Digit(place) => {
                pair.link_sure(at(place)..at(place) + 1, range.clone());
                said[place] = true;
            }
            Says::TwoDigits(place) => {
                pair.link_sure(at(place + 1)..at(place) + 1, range.clone());
                said[place] = true;
                said[place + 1] = true;
            }
            Says::Unit(place) => pair.link_possible(at(place)..at(place) + 1, range.clone()),
            Says::Nothing => {}
        }
    }
    for place in (0..digits).filter(|&place| !said[place]) {
        let placed = || {
            words
                .iter()
                .zip(ranges)
                .filter_map(|(word, range)| Some((word.place()?, range)))
        };
        let before = placed().rfind(|(of_word, _)| *of_word > place);
        // The word for its own place, if there is one, is linked already.
        let after = placed()
            .find(|(of_word, _)| *of_word <= place)
            .filter(|(of_word, _)| *of_word < place);
        for (_, range) in before.into_iter().chain(after) {
            pair.link_possible(at(place)..at(place) + 1, range.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NumberWord, english, native_korean, sino_korean};
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Fixture {
        numbers: Vec<(u64, String, String)>,
        native: Vec<(u64, String)>,
    }

    /// Made by num2words (`tests/peers/reference_pairs.py`).
    #[test]
    fn words_are_those_of_num2words() {
        let text =
            |words: Vec<NumberWord>| -> String { words.iter().map(|word| word.text).collect() };
        let fixture: Fixture = serde_json::from_str(include_str!(
            "../../../../../tests/peers/fixtures/pairs.json"
        ))
        .expect("the fixture is JSON");
        assert!(fixture.numbers.len() > 1000 && fixture.native.len() == 98);
        for (number, korean, in_english) in fixture.numbers {
            assert_eq!(text(sino_korean(number)), korean, "{number}");
            assert_eq!(text(english(number)), in_english, "{number}");
        }
        for (number, counted) in fixture.native {
            assert_eq!(text(native_korean(number, true)), counted, "{number}");
        }
        assert_eq!(text(native_korean(20, false)), "스물");
        assert_eq!(text(native_korean(44, false)), "마흔넷");
        assert_eq!(text(native_korean(1, true)), "한");
    }
}
