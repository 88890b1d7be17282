//! Hangul syllables and the letters they are made of.

/// Initial consonants, in the order of Unicode's syllables (Unicode 3.12).
pub(super) const INITIALS: [char; 19] = [
    'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ',
    'ㅌ', 'ㅍ', 'ㅎ',
];
/// Vowels.
pub(super) const VOWELS: [char; 21] = [
    'ㅏ', 'ㅐ', 'ㅑ', 'ㅒ', 'ㅓ', 'ㅔ', 'ㅕ', 'ㅖ', 'ㅗ', 'ㅘ', 'ㅙ', 'ㅚ', 'ㅛ', 'ㅜ', 'ㅝ', 'ㅞ',
    'ㅟ', 'ㅠ', 'ㅡ', 'ㅢ', 'ㅣ',
];
/// Final consonants but the first, which is none.
pub(super) const FINALS: [char; 27] = [
    'ㄱ', 'ㄲ', 'ㄳ', 'ㄴ', 'ㄵ', 'ㄶ', 'ㄷ', 'ㄹ', 'ㄺ', 'ㄻ', 'ㄼ', 'ㄽ', 'ㄾ', 'ㄿ', 'ㅀ', 'ㅁ',
    'ㅂ', 'ㅄ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ',
];

/// The letters of a syllable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syllable {
    pub(super) initial: char,
    pub(super) vowel: char,
    pub(super) last: Option<char>,
}

impl Syllable {
    /// Return the letters of a syllable; `None` for any other character.
    pub(super) fn of(c: char) -> Option<Self> {
        let code = u32::from(c)
            .checked_sub(0xAC00)
            .filter(|code| *code < 11_172)? as usize;
        Some(Self {
            initial: INITIALS[code / 588],
            vowel: VOWELS[code / 28 % 21],
            last: (code % 28).checked_sub(1).map(|at| FINALS[at]),
        })
    }

    /// Return the number of letters.
    pub(super) fn len(self) -> usize {
        2 + usize::from(self.last.is_some())
    }
}

/// Return a text with each Hangul syllable written letter by letter: `신라` as `ㅅㅣㄴㄹㅏ`.
pub fn letters_of(text: &str) -> String {
    let mut letters = String::with_capacity(2 * text.len());
    for c in text.chars() {
        match Syllable::of(c) {
            Some(syllable) => {
                letters.extend([syllable.initial, syllable.vowel]);
                letters.extend(syllable.last);
            }
            None => letters.push(c),
        }
    }
    letters
}
