use crate::pairs::tasks::tests::{alignment, pairs, slice};
use crate::pairs::tasks::{PairLanguage, PairTask, PairTaskOptions};
use crate::pairs::{Alignment, Link, Pair};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

fn sentences(language: PairLanguage, count: u64) -> Vec<Pair> {
    let options = PairTaskOptions {
        language,
        ..PairTaskOptions::default()
    };
    pairs(PairTask::Translation, &options, count)
}

/// Return the words between spaces, with their ranges in characters, without the last full stop.
fn words(text: &str) -> Vec<(String, Range<usize>)> {
    let mut at = 0;
    let mut found = Vec::new();
    for word in text.trim_end_matches('.').split(' ') {
        let len = word.chars().count();
        found.push((word.to_owned(), at..at + len));
        at += len + 1;
    }
    found
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

#[test]
fn every_content_word_is_linked() {
    const FUNCTION_WORDS: [&str; 7] = ["a", "an", "the", "The", "did", "does", "of"];
    for language in [PairLanguage::Korean, PairLanguage::English] {
        for pair in sentences(language, 2000) {
            let Alignment { sure, possible } = alignment(&pair);
            let (english, korean) = match language {
                PairLanguage::English => (&pair.source, &pair.target),
                _ => (&pair.target, &pair.source),
            };
            let of_english = |link: &Link| match language {
                PairLanguage::English => link.source.clone(),
                _ => link.target.clone(),
            };
            let of_korean = |link: &Link| match language {
                PairLanguage::English => link.target.clone(),
                _ => link.source.clone(),
            };
            for (word, range) in words(english) {
                let is_linked =
                    |links: &[Link]| links.iter().any(|link| overlap(&of_english(link), &range));
                let function = FUNCTION_WORDS.contains(&&*word);
                assert!(
                    is_linked(sure) || function && is_linked(possible),
                    "{word} in {pair:?}"
                );
            }
            for (word, range) in words(korean) {
                let is_linked = sure.iter().any(|link| overlap(&of_korean(link), &range));
                assert!(is_linked, "{word} in {pair:?}");
            }
            assert!(english.ends_with('.') && korean.ends_with('.'));
            let first = english.chars().next().expect("a sentence");
            assert!(first.is_ascii_uppercase(), "{pair:?}");
        }
    }
}

/// A part of one language is always linked to the same few parts of the other: forms of one word,
/// or senses of 배.
#[test]
fn words_keep_their_translations() {
    let mut translations: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pair in sentences(PairLanguage::Korean, 6000) {
        for link in &alignment(&pair).sure {
            let korean = slice(&pair.source, &link.source);
            translations
                .entry(korean)
                .or_default()
                .insert(slice(&pair.target, &link.target));
        }
    }
    let of =
        |korean: &str| -> Vec<&str> { translations[korean].iter().map(String::as_str).collect() };
    assert_eq!(of("배"), ["boat", "pear", "stomach"]);
    assert_eq!(of("사과"), ["apple"]);
    assert_eq!(of("먹었다"), ["ate", "eat"]);
    assert_eq!(of("탄다"), ["ride", "rides"]);
    assert_eq!(of("깎"), ["peeled", "peels"]);
    assert_eq!(of("에서"), ["at", "in", "on"]);
    assert_eq!(of("안"), ["not"]);
    assert_eq!(of("고"), ["and"]);
    assert_eq!(of("서"), ["because of"]);
    assert_eq!(of("고파"), ["empty"]);
    assert_eq!(of("할머니"), ["grandmother"]);
    assert_eq!(of("오늘"), ["this"]);
    assert_eq!(of("아침"), ["every morning", "morning"]);
    assert_eq!(of("."), ["."]);
    for (korean, english) in &translations {
        let most = if ["배", "에서"].contains(&korean.as_str()) {
            3
        } else {
            2
        };
        assert!(english.len() <= most, "{korean} is {english:?}");
    }
    assert!(translations.len() > 100, "{} parts", translations.len());
}

#[test]
fn particles_follow_the_last_sound() {
    // Words that end like particles, without one.
    const ADJECTIVES: [&str; 5] = ["맛있는", "낡은", "작은", "빠른", "느린"];
    let mut seen = BTreeSet::new();
    for pair in sentences(PairLanguage::Korean, 4000) {
        for (word, _) in words(&pair.source) {
            let characters: Vec<char> = word.chars().collect();
            let [.., before, particle] = characters[..] else {
                continue;
            };
            if ADJECTIVES.contains(&&*word) {
                continue;
            }
            let closed = (u32::from(before) - 0xAC00) % 28 != 0;
            match particle {
                '은' | '이' | '을' => assert!(closed, "{word} in {pair:?}"),
                '는' | '가' | '를' => assert!(!closed, "{word} in {pair:?}"),
                _ => continue,
            }
            seen.insert(particle);
        }
    }
    assert_eq!(seen.into_iter().collect::<String>(), "가는를은을이");
}

#[test]
fn another_word_decides_what_bae_means() {
    let words_for = |sense: &str| -> &[&str] {
        match sense {
            "pear" => &[
                "먹",
                "깎",
                "따",
                "땄",
                "딴",
                "익",
                "썩",
                "떨어",
                "달콤한",
                "싱싱한",
                "맛있는",
                "과수원",
                "부엌",
                "식당",
            ],
            "boat" => &[
                "타", "탔", "탄", "고치", "고쳤", "고친", "떠나", "떠났", "떠난", "도착", "멈",
                "낡은", "빠른", "느린", "항구", "바다", "강",
            ],
            _ => &[
                "아프", "아팠", "아파", "고프", "고팠", "고파", "부르", "불렀", "불러",
            ],
        }
    };
    let mut count: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pair in sentences(PairLanguage::Korean, 4000) {
        let Alignment { sure, possible } = alignment(&pair);
        for link in sure
            .iter()
            .filter(|link| slice(&pair.source, &link.source) == "배")
        {
            let sense = slice(&pair.target, &link.target);
            let words: Vec<String> = possible
                .iter()
                .filter(|other| other.target == link.target)
                .map(|other| slice(&pair.source, &other.source))
                .collect();
            let decider = words.iter().find(|word| {
                words_for(&sense)
                    .iter()
                    .any(|known| word.starts_with(known))
            });
            let decider = decider.unwrap_or_else(|| panic!("{sense} is not decided: {pair:?}"));
            count.entry(sense).or_default().insert(decider.clone());
        }
    }
    for (sense, least) in [("pear", 15), ("boat", 15), ("stomach", 7)] {
        let found = count[sense].len();
        assert!(
            found >= least,
            "{sense} is decided by {found} different words"
        );
    }
}

#[test]
fn links_cross() {
    let all = sentences(PairLanguage::Korean, 500);
    let crosses = |pair: &&Pair| {
        let sure = &alignment(pair).sure;
        sure.windows(2)
            .any(|two| two[1].source.start < two[0].source.start)
    };
    assert!(all.iter().filter(crosses).count() > 400);
}
