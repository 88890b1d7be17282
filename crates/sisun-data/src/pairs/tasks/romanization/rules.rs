//! Revised Romanization (국어의 로마자 표기법, 문화체육관광부고시 제2014-42호): the letters of chapter
//! 2, and the changes between two syllables of chapter 3, §1.
//!
//! Tense consonants that arise (압구정) are not written (§1, note). In a noun ㅎ after ㄱ, ㄷ, ㅂ stays
//! `h` (묵호 Mukho), in a predicate both become one aspirated consonant (잡혀 japyeo; §1, 4).

/// The letters where two syllables meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Junction {
    /// Letters of the final consonant that stay before the syllable boundary.
    pub(super) coda: &'static str,
    /// Letters at the beginning of the next syllable.
    pub(super) onset: &'static str,
    /// Origin of the onset.
    pub(super) onset_from: Origin,
}

/// The Hangul letter that a consonant comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The initial consonant of the syllable.
    Initial,
    /// The final consonant of the syllable before.
    Final,
    /// Both, become one.
    Both,
    /// None: an ㄴ that is added between the parts of a compound.
    Added,
}

/// What the rules must know about a word besides its letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Context {
    /// Two parts of a compound meet here: `학+여울`.
    pub(super) compound: bool,
    /// The word is a verb or an adjective.
    pub(super) predicate: bool,
}

/// The seven sounds that can end a syllable (표준 발음법, §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sound {
    K,
    N,
    T,
    L,
    M,
    P,
    Ng,
}

impl Sound {
    fn of(last: char) -> Self {
        match last {
            'ㄱ' | 'ㄲ' | 'ㅋ' | 'ㄳ' | 'ㄺ' => Self::K,
            'ㄴ' | 'ㄵ' | 'ㄶ' => Self::N,
            'ㄹ' | 'ㄼ' | 'ㄽ' | 'ㄾ' | 'ㅀ' => Self::L,
            'ㅁ' | 'ㄻ' => Self::M,
            'ㅂ' | 'ㅍ' | 'ㅄ' | 'ㄿ' => Self::P,
            'ㅇ' => Self::Ng,
            _ => Self::T,
        }
    }

    fn letters(self) -> &'static str {
        match self {
            Self::K => "k",
            Self::N => "n",
            Self::T => "t",
            Self::L => "l",
            Self::M => "m",
            Self::P => "p",
            Self::Ng => "ng",
        }
    }

    /// Return the sound before a nasal (표준 발음법, §18).
    fn before_nasal(self) -> Self {
        match self {
            Self::K => Self::Ng,
            Self::T => Self::N,
            Self::P => Self::M,
            other => other,
        }
    }
}

/// Return the letters of a vowel.
pub(super) fn vowel_letters(vowel: char) -> &'static str {
    match vowel {
        'ㅏ' => "a",
        'ㅐ' => "ae",
        'ㅑ' => "ya",
        'ㅒ' => "yae",
        'ㅓ' => "eo",
        'ㅔ' => "e",
        'ㅕ' => "yeo",
        'ㅖ' => "ye",
        'ㅗ' => "o",
        'ㅘ' => "wa",
        'ㅙ' => "wae",
        'ㅚ' => "oe",
        'ㅛ' => "yo",
        'ㅜ' => "u",
        'ㅝ' => "wo",
        'ㅞ' => "we",
        'ㅟ' => "wi",
        'ㅠ' => "yu",
        'ㅡ' => "eu",
        'ㅢ' => "ui",
        _ => "i",
    }
}

/// Return the letters of an initial consonant before which nothing changes it.
pub(super) fn initial_letters(initial: char) -> &'static str {
    match initial {
        'ㄱ' => "g",
        'ㄲ' => "kk",
        'ㄴ' => "n",
        'ㄷ' => "d",
        'ㄸ' => "tt",
        'ㄹ' => "r",
        'ㅁ' => "m",
        'ㅂ' => "b",
        'ㅃ' => "pp",
        'ㅅ' => "s",
        'ㅆ' => "ss",
        'ㅈ' => "j",
        'ㅉ' => "jj",
        'ㅊ' => "ch",
        'ㅋ' => "k",
        'ㅌ' => "t",
        'ㅍ' => "p",
        'ㅎ' => "h",
        _ => "",
    }
}

/// Return the letters of a final consonant at the end of a word.
pub(super) fn last_letters(last: char) -> &'static str {
    Sound::of(last).letters()
}

/// Return the letters where a syllable with the final consonant `last` meets the syllable that
/// begins with `initial` and `vowel`.
pub(super) fn junction(last: char, initial: char, vowel: char, context: Context) -> Junction {
    match initial {
        'ㅇ' if context.compound => before_compound_vowel(last, vowel),
        'ㅇ' => before_vowel(last, vowel),
        'ㅎ' => before_hieut(last, vowel, context),
        _ => before_consonant(last, initial, context),
    }
}

fn unchanged(coda: &'static str, onset: &'static str) -> Junction {
    Junction {
        coda,
        onset,
        onset_from: Origin::Initial,
    }
}

/// The last consonant moves to the next syllable (표준 발음법, §13 and 14); before ㅣ, ㄷ and ㅌ
/// become ㅈ and ㅊ (§17); ㅎ is silent (§12, 4).
fn before_vowel(last: char, vowel: char) -> Junction {
    let palatal = vowel == 'ㅣ';
    let (coda, onset) = match last {
        'ㅇ' => return unchanged("ng", ""),
        'ㅎ' => return unchanged("", ""),
        'ㄱ' => ("", "g"),
        'ㄲ' => ("", "kk"),
        'ㄳ' => ("k", "s"),
        'ㄴ' | 'ㄶ' => ("", "n"),
        'ㄵ' => ("n", "j"),
        'ㄷ' if palatal => ("", "j"),
        'ㄷ' => ("", "d"),
        'ㄹ' | 'ㅀ' => ("", "r"),
        'ㄺ' => ("l", "g"),
        'ㄻ' => ("l", "m"),
        'ㄼ' => ("l", "b"),
        'ㄽ' => ("l", "s"),
        'ㄾ' if palatal => ("l", "ch"),
        'ㄾ' => ("l", "t"),
        'ㄿ' => ("l", "p"),
        'ㅁ' => ("", "m"),
        'ㅂ' => ("", "b"),
        'ㅄ' => ("p", "s"),
        'ㅅ' => ("", "s"),
        'ㅆ' => ("", "ss"),
        'ㅈ' => ("", "j"),
        'ㅊ' => ("", "ch"),
        'ㅋ' => ("", "k"),
        'ㅌ' if palatal => ("", "ch"),
        'ㅌ' => ("", "t"),
        _ => ("", "p"),
    };
    Junction {
        coda,
        onset,
        onset_from: Origin::Final,
    }
}

/// In a compound ㄴ is added before ㅣ and the vowels with y (표준 발음법, §29), and before other
/// vowels the consonant moves as it sounds at the end of a word (§15).
fn before_compound_vowel(last: char, vowel: char) -> Junction {
    let sound = Sound::of(last);
    if matches!(vowel, 'ㅣ' | 'ㅑ' | 'ㅒ' | 'ㅕ' | 'ㅖ' | 'ㅛ' | 'ㅠ') {
        let onset = if sound == Sound::L { "l" } else { "n" };
        return Junction {
            coda: sound.before_nasal().letters(),
            onset,
            onset_from: Origin::Added,
        };
    }
    let onset = match sound {
        Sound::Ng => return unchanged("ng", ""),
        Sound::K => "g",
        Sound::N => "n",
        Sound::T => "d",
        Sound::L => "r",
        Sound::M => "m",
        Sound::P => "b",
    };
    Junction {
        coda: "",
        onset,
        onset_from: Origin::Final,
    }
}

/// ㅎ and a plosive before it become one in predicates (표준 발음법, §12, 1, note 1).
fn before_hieut(last: char, vowel: char, context: Context) -> Junction {
    let (coda, onset) = match last {
        _ if !context.predicate => return unchanged(last_letters(last), "h"),
        'ㄱ' => ("", "k"),
        'ㄺ' => ("l", "k"),
        'ㄷ' if vowel == 'ㅣ' || vowel == 'ㅕ' => ("", "ch"),
        'ㄷ' | 'ㅅ' | 'ㅆ' | 'ㅊ' | 'ㅌ' => ("", "t"),
        'ㅂ' => ("", "p"),
        'ㄼ' => ("l", "p"),
        'ㅈ' => ("", "ch"),
        'ㄵ' => ("n", "ch"),
        _ => return unchanged(last_letters(last), "h"),
    };
    Junction {
        coda,
        onset,
        onset_from: Origin::Both,
    }
}

fn before_consonant(last: char, initial: char, context: Context) -> Junction {
    // ㅎ before ㄱ, ㄷ, ㅈ makes them aspirated (표준 발음법, §12, 1), before ㄴ it sounds as that (3).
    if let Some(rest) = match last {
        'ㅎ' => Some(""),
        'ㄶ' => Some("n"),
        'ㅀ' => Some("l"),
        _ => None,
    } {
        let aspirated = match initial {
            'ㄱ' => Some("k"),
            'ㄷ' => Some("t"),
            'ㅈ' => Some("ch"),
            _ => None,
        };
        if let Some(onset) = aspirated {
            return Junction {
                coda: rest,
                onset,
                onset_from: Origin::Both,
            };
        }
        if initial == 'ㅅ' {
            return unchanged(rest, "s");
        }
    }
    let sound = match last {
        // 표준 발음법, §11.
        'ㄺ' if context.predicate && initial == 'ㄱ' => Sound::L,
        _ => Sound::of(last),
    };
    let (coda, onset) = match (initial, sound) {
        // 표준 발음법, §20.
        ('ㄴ' | 'ㄹ', Sound::L) => ("l", "l"),
        ('ㄹ', Sound::N) if !context.compound => ("l", "l"),
        // 표준 발음법, §19.
        ('ㄹ', _) => (sound.before_nasal().letters(), "n"),
        ('ㄴ' | 'ㅁ', _) => (sound.before_nasal().letters(), initial_letters(initial)),
        _ => (sound.letters(), initial_letters(initial)),
    };
    unchanged(coda, onset)
}
