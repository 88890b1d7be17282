//! Real words, and the syllables that generated words are made of.

use super::letters::Syllable;
use std::sync::OnceLock;

/// Final consonants of generated words: those after which any syllable is pronounced in one way.
/// ㅎ and pairs of consonants end stems of verbs, or words.
const PLAIN_FINALS: [char; 15] = [
    'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅅ', 'ㅇ', 'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅆ',
];

/// A word with what its pronunciation depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) characters: Vec<char>,
    /// The syllable after which the second part of a compound begins.
    pub(super) compound_after: Option<usize>,
    /// True for a verb or an adjective.
    pub(super) predicate: bool,
}

impl Word {
    /// Make a noun without parts.
    pub(super) fn plain(characters: Vec<char>) -> Self {
        Self {
            characters,
            compound_after: None,
            predicate: false,
        }
    }

    /// Read `학+여울` and `잡혀*`.
    pub(super) fn parse(text: &str) -> Self {
        let (text, predicate) = match text.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (text, false),
        };
        let compound_after = text
            .chars()
            .position(|c| c == '+')
            .and_then(|at| at.checked_sub(1));
        Self {
            characters: text.chars().filter(|&c| c != '+').collect(),
            compound_after,
            predicate,
        }
    }
}

/// Return true if no rule says how two syllables of a noun sound together: ㅈ or ㅊ before ㅎ.
pub(super) fn is_unclear(first: char, second: char) -> bool {
    let last = Syllable::of(first).and_then(|syllable| syllable.last);
    let initial = Syllable::of(second).map(|syllable| syllable.initial);
    matches!(last, Some('ㅈ' | 'ㅊ')) && initial == Some('ㅎ')
}

/// The words of `words.txt`.
pub(super) struct Words {
    pub(super) real: Vec<Word>,
    /// Syllables of the real words, as often as they occur there.
    pub(super) syllables: Vec<char>,
}

/// Return the words.
pub(super) fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let lines = include_str!("words.txt")
            .lines()
            .filter(|line| !line.starts_with('#'));
        let real: Vec<Word> = lines
            .flat_map(str::split_whitespace)
            .map(Word::parse)
            .collect();
        let plain = |c: &char| {
            Syllable::of(*c).is_some_and(|syllable| {
                syllable
                    .last
                    .is_none_or(|last| PLAIN_FINALS.contains(&last))
            })
        };
        let characters = real.iter().flat_map(|word| &word.characters);
        let syllables = characters.copied().filter(plain).collect();
        Words { real, syllables }
    })
}
