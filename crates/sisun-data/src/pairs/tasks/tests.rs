use super::{Hangul, PairLanguage, PairTask, PairTaskOptions, letters_of, write_pairs};
use crate::pairs::{Alignment, Link, Pair};
use sisun_config::randomness::stream;
use std::collections::BTreeSet;

pub(super) fn pairs(task: PairTask, options: &PairTaskOptions, count: u64) -> Vec<Pair> {
    (0..count)
        .map(|number| task.pair(options, &mut stream(11, "test", number)))
        .collect()
}

/// Return the text of a range of characters.
pub(super) fn slice(text: &str, range: &std::ops::Range<usize>) -> String {
    text.chars().skip(range.start).take(range.len()).collect()
}

pub(super) fn alignment(pair: &Pair) -> &Alignment {
    pair.alignment.as_ref().expect("generated pairs have one")
}

fn every_kind() -> Vec<(PairTask, PairTaskOptions)> {
    let mut kinds = Vec::new();
    for task in PairTask::all() {
        for language in [
            PairLanguage::Korean,
            PairLanguage::English,
            PairLanguage::Both,
        ] {
            for hangul in [Hangul::Syllables, Hangul::Letters] {
                kinds.push((
                    task,
                    PairTaskOptions {
                        digits: (1, 16),
                        language,
                        hangul,
                        ..PairTaskOptions::default()
                    },
                ));
            }
        }
    }
    kinds
}

#[test]
fn links_lie_in_their_texts_and_sure_ones_do_not_overlap_in_the_target() {
    for (task, options) in every_kind() {
        for pair in pairs(task, &options, 500) {
            let (source, target) = (pair.source.chars().count(), pair.target.chars().count());
            assert!(source > 0 && target > 0, "{pair:?}");
            let Alignment { sure, possible } = alignment(&pair);
            let inside = |link: &Link| {
                !link.target.is_empty()
                    && !link.source.is_empty()
                    && link.target.end <= target
                    && link.source.end <= source
            };
            assert!(sure.iter().chain(possible).all(inside), "{pair:?}");
            let ordered = sure
                .windows(2)
                .all(|two| two[0].target.end <= two[1].target.start);
            assert!(ordered, "{task}: {pair:?}");
            assert!(!sure.is_empty(), "{pair:?}");
        }
    }
}

#[test]
fn a_pair_follows_from_seed_and_number() {
    let text = |seed, count| {
        let mut text = Vec::new();
        write_pairs(
            PairTask::Translation,
            &PairTaskOptions::default(),
            seed,
            count,
            &mut text,
        )
        .expect("memory can be written");
        String::from_utf8(text).expect("JSON is text")
    };
    assert!(text(3, 20).starts_with(&text(3, 5)));
    assert_ne!(text(3, 5), text(4, 5));
    assert_eq!(text(3, 7).lines().count(), 7);
}

#[test]
fn names_are_read_back() {
    for task in PairTask::all() {
        assert_eq!(task.to_string().parse(), Ok(task));
    }
    let problem = "romanisation"
        .parse::<PairTask>()
        .expect_err("another spelling");
    assert!(
        problem.contains("romanisation") && problem.contains("romanization"),
        "{problem}"
    );
}

#[test]
fn letters_are_copied_and_reversed_one_by_one() {
    let options = PairTaskOptions {
        lengths: (4, 9),
        ..PairTaskOptions::default()
    };
    let mut lengths = BTreeSet::new();
    for (task, reversed) in [(PairTask::Copy, false), (PairTask::Reverse, true)] {
        for pair in pairs(task, &options, 200) {
            let mut expected: Vec<char> = pair.source.chars().collect();
            lengths.insert(expected.len());
            if reversed {
                expected.reverse();
            }
            assert_eq!(pair.target.chars().collect::<Vec<_>>(), expected);
            let links = &alignment(&pair).sure;
            assert_eq!(links.len(), expected.len());
            for (at, link) in links.iter().enumerate() {
                let from = if reversed {
                    expected.len() - 1 - at
                } else {
                    at
                };
                assert_eq!(
                    (link.target.clone(), link.source.clone()),
                    (at..at + 1, from..from + 1)
                );
            }
        }
    }
    assert_eq!(lengths, (4..=9).collect());
}

/// Of each word that can say digits, what it says; another table than the generator's.
fn said(word: &str) -> Option<&'static str> {
    const WORDS: &str = "영0 일1 이2 삼3 사4 오5 육6 칠7 팔8 구9 십1 백1 천1 만1 \
        하나1 한1 둘2 두2 셋3 세3 넷4 네4 다섯5 여섯6 일곱7 여덟8 아홉9 \
        열1 스물2 스무2 서른3 마흔4 쉰5 예순6 일흔7 여든8 아흔9 \
        zero0 one1 two2 three3 four4 five5 six6 seven7 eight8 nine9 ten10 eleven11 twelve12 \
        thirteen13 fourteen14 fifteen15 sixteen16 seventeen17 eighteen18 nineteen19 \
        twenty2 thirty3 forty4 fifty5 sixty6 seventy7 eighty8 ninety9";
    WORDS
        .split(' ')
        .find_map(|entry| entry.strip_prefix(word))
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[test]
fn words_of_numbers_are_linked_to_the_digits_they_say() {
    for (language, digits) in [
        (PairLanguage::Korean, (1, 8)),
        (PairLanguage::Korean, (9, 16)),
        (PairLanguage::English, (1, 16)),
    ] {
        let options = PairTaskOptions {
            digits,
            language,
            ..PairTaskOptions::default()
        };
        for pair in pairs(PairTask::Numbers, &options, 1500) {
            let length = pair.target.len();
            assert!((digits.0..=digits.1).contains(&length), "{pair:?}");
            let Alignment { sure, possible } = alignment(&pair);
            let mut linked = vec![0; length];
            for link in sure {
                let (word, said_digits) = (
                    slice(&pair.source, &link.source),
                    slice(&pair.target, &link.target),
                );
                assert_eq!(said(&word), Some(&*said_digits), "{word} in {pair:?}");
                link.target.clone().for_each(|at| linked[at] += 1);
            }
            for (at, digit) in pair.target.chars().enumerate() {
                let mut allowed = possible.iter().filter(|link| link.target.contains(&at));
                let right = match (digit, linked[at]) {
                    // Never said, but between two words, unless a word says it: zero, ten.
                    ('0', 0) => allowed.next().is_some(),
                    (_, 1) => true,
                    _ => false,
                };
                assert!(right, "digit {at} of {pair:?}");
            }
        }
    }
}

#[test]
fn digits_of_dates_are_linked_to_what_says_them() {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    const ORDINALS: &str = "first01 second02 third03 fourth04 fifth05 sixth06 seventh07 eighth08 ninth09 tenth10 \
        eleventh11 twelfth12 thirteenth13 fourteenth14 fifteenth15 sixteenth16 seventeenth17 eighteenth18 \
        nineteenth19 twentieth20 thirtieth30";
    let is_right = |source: &str, target: &str| {
        let number: usize = target.parse().expect("digits");
        let ordinal = ORDINALS
            .split_whitespace()
            .find_map(|entry| entry.strip_prefix(source));
        let month = MONTHS.iter().position(|month| source.starts_with(month));
        source == target
            || said(source) == Some(target)
            || ordinal.is_some_and(|digits| digits == target || digits.strip_prefix('0') == Some(target))
            || month.is_some_and(|month| target.len() == 2 && month + 1 == number)
            || (source, target) == ("유", "06")
            || (source, target) == ("시", "10")
            // The zero before one digit or one word.
            || (target == "0" && (source.len() == 1 || said(source).is_some()))
    };
    for language in [PairLanguage::Korean, PairLanguage::English] {
        let options = PairTaskOptions {
            language,
            ..PairTaskOptions::default()
        };
        for pair in pairs(PairTask::Dates, &options, 2000) {
            let Alignment { sure, possible } = alignment(&pair);
            for link in sure {
                let (from, to) = (
                    slice(&pair.source, &link.source),
                    slice(&pair.target, &link.target),
                );
                assert!(is_right(&from, &to), "{from} and {to} in {pair:?}");
            }
            for (at, c) in pair.target.chars().enumerate() {
                let links = |links: &[Link]| links.iter().any(|link| link.target.contains(&at));
                match c {
                    '-' => assert!(!links(sure) && !links(possible), "{pair:?}"),
                    '0' => assert!(links(sure) || links(possible), "{pair:?}"),
                    _ => assert!(links(sure), "{pair:?}"),
                }
            }
            // Distractors: a weekday or a time of day. 일 alone marks the day.
            for distractor in ["요일", "(", "day", "오전", "오후", ".m."] {
                if let Some(byte) = pair.source.find(distractor) {
                    let at = pair.source[..byte].chars().count();
                    let linked = |link: &Link| link.source.contains(&at);
                    assert!(
                        !sure.iter().chain(possible).any(linked),
                        "{distractor} in {pair:?}"
                    );
                }
            }
        }
    }
}

/// The letters of a syllable that a consonant can be spelled with, by its place in the alphabet of
/// the rules (국어의 로마자 표기법, chapter 2 and chapter 3, §1); not the generator's table.
fn spellings(letter: char) -> &'static [&'static str] {
    match letter {
        'ㄱ' => &["g", "k", "ng"],
        'ㄲ' => &["kk", "k", "ng"],
        'ㅋ' => &["k", "g", "ng"],
        'ㄴ' => &["n", "l"],
        'ㄷ' => &["d", "t", "n", "j", "ch"],
        'ㄸ' => &["tt"],
        'ㅌ' => &["t", "d", "n", "ch"],
        'ㄹ' => &["r", "l", "n"],
        'ㅁ' => &["m"],
        'ㅂ' => &["b", "p", "m"],
        'ㅃ' => &["pp"],
        'ㅍ' => &["p", "b", "m"],
        'ㅅ' => &["s", "t", "n", "d"],
        'ㅆ' => &["ss", "t", "n"],
        'ㅇ' => &["ng"],
        'ㅈ' => &["j", "t", "n", "d", "ch"],
        'ㅉ' => &["jj"],
        'ㅊ' => &["ch", "t", "n", "d"],
        'ㅎ' => &["h", "t", "n"],
        'ㄳ' => &["k", "s", "ng"],
        'ㄵ' => &["n", "j"],
        'ㄶ' => &["n"],
        'ㄺ' => &["k", "l", "g", "ng"],
        'ㄻ' => &["m", "l"],
        'ㄼ' | 'ㄽ' | 'ㄾ' | 'ㅀ' => &["l", "b", "s", "t", "r"],
        'ㄿ' => &["p", "l"],
        'ㅄ' => &["p", "s", "m", "b"],
        'ㅏ' => &["a"],
        'ㅐ' => &["ae"],
        'ㅑ' => &["ya"],
        'ㅒ' => &["yae"],
        'ㅓ' => &["eo"],
        'ㅔ' => &["e"],
        'ㅕ' => &["yeo"],
        'ㅖ' => &["ye"],
        'ㅗ' => &["o"],
        'ㅘ' => &["wa"],
        'ㅙ' => &["wae"],
        'ㅚ' => &["oe"],
        'ㅛ' => &["yo"],
        'ㅜ' => &["u"],
        'ㅝ' => &["wo"],
        'ㅞ' => &["we"],
        'ㅟ' => &["wi"],
        'ㅠ' => &["yu"],
        'ㅡ' => &["eu"],
        'ㅢ' => &["ui"],
        'ㅣ' => &["i"],
        _ => &[],
    }
}

#[test]
fn letters_of_a_romanization_are_linked_to_those_that_they_spell() {
    let options = PairTaskOptions {
        hangul: Hangul::Letters,
        ..PairTaskOptions::default()
    };
    let mut because_of_the_next = 0;
    for pair in pairs(PairTask::Romanization, &options, 3000) {
        let Alignment { sure, possible } = alignment(&pair);
        let mut last = 0;
        let mut spelled = BTreeSet::new();
        for link in sure {
            let (from, to) = (
                slice(&pair.source, &link.source),
                slice(&pair.target, &link.target),
            );
            let letters: Vec<char> = from.chars().collect();
            let right = match letters[..] {
                [' '] => to == " ",
                [letter] => spellings(letter).contains(&&*to),
                // Two that become one.
                [a, b] => {
                    (a == 'ㅎ' || b == 'ㅎ' || "ㄶㅀ".contains(a))
                        && ["k", "t", "p", "ch"].contains(&&*to)
                }
                _ => false,
            };
            assert!(right, "{from} and {to} in {pair:?}");
            assert!(link.source.start >= last, "the order is kept: {pair:?}");
            last = link.source.start;
            spelled.extend(link.source.clone());
        }
        // Every vowel is spelled, and every consonant but a silent one.
        for (at, letter) in pair.source.chars().enumerate() {
            assert!(
                spelled.contains(&at) || "ㅇㅎ".contains(letter),
                "{letter} in {pair:?}"
            );
        }
        for link in possible {
            let own = sure.iter().find(|own| own.target == link.target);
            let Some(own) = own else {
                let added = slice(&pair.target, &link.target);
                assert!(["n", "l"].contains(&&*added), "{added} in {pair:?}");
                continue;
            };
            let next = link.source.start == own.source.end;
            assert!(next || link.source.end == own.source.start, "{pair:?}");
            because_of_the_next += usize::from(next);
        }
    }
    assert!(
        because_of_the_next > 500,
        "{because_of_the_next} letters depend on the next one"
    );
}

#[test]
fn syllables_have_the_links_of_their_letters() {
    let task = PairTask::Romanization;
    let by = |hangul| {
        let options = PairTaskOptions {
            hangul,
            ..PairTaskOptions::default()
        };
        pairs(task, &options, 300)
    };
    for (syllables, letters) in by(Hangul::Syllables).iter().zip(by(Hangul::Letters)) {
        assert_eq!(letters_of(&syllables.source), letters.source);
        assert_eq!(syllables.target, letters.target);
        // The syllable of each letter.
        let mut of = Vec::new();
        for (at, c) in syllables.source.chars().enumerate() {
            of.extend(vec![at; letters_of(&c.to_string()).chars().count()]);
        }
        let moved = |links: &[Link]| -> Vec<Link> {
            let moved = links.iter().map(|link| Link {
                target: link.target.clone(),
                source: of[link.source.start]..of[link.source.end - 1] + 1,
            });
            moved.collect()
        };
        assert_eq!(alignment(syllables).sure, moved(&alignment(&letters).sure));
        assert_eq!(
            alignment(syllables).possible,
            moved(&alignment(&letters).possible)
        );
    }
}
