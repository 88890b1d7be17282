//! Hangul to Revised Romanization.
//!
//! Each letter of the target has a sure link to the Hangul letter that it spells (to both, where
//! two become one), and a possible link to the letter that changed it: the first `l` of `silla`
//! comes from the ㄴ of 신 because of the ㄹ of 라. An `n` that is added between the parts of a
//! compound has a possible link only, to the silent ㅇ and the vowel before which it stands. Where
//! the source is written in syllables, a letter's syllable stands for it.

mod letters;
mod rules;
mod words;

#[cfg(test)]
mod tests;

pub use letters::letters_of;

use super::options::Hangul;
use super::spans::{PairBuilder, choose, one_in, within};
use crate::pairs::alignment::Pair;
use letters::Syllable;
use rand::Rng;
use rules::{Context, Junction, Origin, initial_letters, junction, last_letters, vowel_letters};
use std::ops::Range;
use words::{Word, words};

/// Return the romanization of a word, in lower case. `+` in it marks where the parts of a compound
/// meet, and `*` at its end a verb or an adjective: `학+여울`, `잡혀*`. Other characters are kept.
pub fn romanize(word: &str) -> String {
    let mut pair = PairBuilder::default();
    push_word(&mut pair, &Word::parse(word), Hangul::Syllables);
    pair.finish().target
}

/// Return a pair: one word or two, real ones (a third) or made of syllables of real ones.
pub(super) fn pair(hangul: Hangul, rng: &mut impl Rng) -> Pair {
    let mut pair = PairBuilder::default();
    for number in 0..1 + usize::from(one_in(4, rng)) {
        if number > 0 {
            let source = pair.source.push(" ");
            let target = pair.target.push(" ");
            pair.link_sure(target, source);
        }
        if one_in(3, rng) {
            push_word(&mut pair, choose(&words().real, rng), hangul);
        } else {
            push_word(&mut pair, &made_up(rng), hangul);
        }
    }
    pair.finish()
}

/// Return a word of two to four syllables of real words.
fn made_up(rng: &mut impl Rng) -> Word {
    let count = within(2, 4, rng);
    let mut characters: Vec<char> = Vec::with_capacity(count);
    while characters.len() < count {
        let next = *choose(&words().syllables, rng);
        let last = characters.last().copied();
        if last.is_none_or(|last| !words::is_unclear(last, next)) {
            characters.push(next);
        }
    }
    Word::plain(characters)
}

/// A consonant or vowel of the target, with the source letters that say it and that changed it.
struct Piece {
    text: &'static str,
    from: Option<Range<usize>>,
    because: Option<Range<usize>>,
}

/// Append a word and its romanization.
fn push_word(pair: &mut PairBuilder, word: &Word, hangul: Hangul) {
    let base = pair.source.len();
    // The range of letter `letter` of syllable `at`, in characters of the source.
    let mut starts = vec![base];
    for &c in &word.characters {
        let written = match hangul {
            Hangul::Syllables => c.to_string(),
            Hangul::Letters => letters_of(&c.to_string()),
        };
        starts.push(pair.source.push(&written).end);
    }
    let range = |at: usize, letters: Range<usize>| match hangul {
        Hangul::Syllables => starts[at]..starts[at] + 1,
        Hangul::Letters => starts[at] + letters.start..starts[at] + letters.end,
    };
    let syllables: Vec<Option<Syllable>> =
        word.characters.iter().map(|&c| Syllable::of(c)).collect();
    // What the syllable before decided about the onset of this one.
    let mut before: Option<Junction> = None;
    for (at, &c) in word.characters.iter().enumerate() {
        let Some(syllable) = syllables[at] else {
            let target = pair.target.push(c.encode_utf8(&mut [0; 4]));
            pair.link_sure(target, starts[at]..starts[at + 1]);
            before = None;
            continue;
        };
        let onset = onset(syllable, at, before.take(), &syllables, &range);
        let vowel = Piece {
            text: vowel_letters(syllable.vowel),
            from: Some(range(at, 1..2)),
            because: None,
        };
        let next = syllables.get(at + 1).copied().flatten();
        let coda = syllable.last.map(|last| {
            let meets = next.map(|next| {
                let context = Context {
                    compound: word.compound_after == Some(at),
                    predicate: word.predicate,
                };
                junction(last, next.initial, next.vowel, context)
            });
            before = meets;
            let alone = last_letters(last);
            let text = meets.map_or(alone, |junction| junction.coda);
            Piece {
                text,
                from: Some(range(at, 2..3)),
                because: (text != alone).then(|| range(at + 1, 0..1)),
            }
        });
        for piece in [Some(onset), Some(vowel), coda].into_iter().flatten() {
            push_piece(pair, piece);
        }
    }
}

/// Return the letters before the vowel of syllable `at`.
fn onset(
    syllable: Syllable,
    at: usize,
    before: Option<Junction>,
    syllables: &[Option<Syllable>],
    range: &impl Fn(usize, Range<usize>) -> Range<usize>,
) -> Piece {
    let own = range(at, 0..1);
    let Some(junction) = before else {
        return Piece {
            text: initial_letters(syllable.initial),
            from: Some(own),
            because: None,
        };
    };
    // A junction comes from a syllable with a final consonant.
    let last = syllables[at - 1].map_or(2, Syllable::len) - 1;
    let final_before = range(at - 1, last..last + 1);
    let (from, because) = match junction.onset_from {
        Origin::Initial => {
            let changed = junction.onset != initial_letters(syllable.initial);
            (Some(own), changed.then_some(final_before))
        }
        Origin::Final => (Some(final_before), Some(own)),
        Origin::Both => (Some(final_before.start..own.end), None),
        Origin::Added => (None, Some(range(at, 0..2))),
    };
    Piece {
        text: junction.onset,
        from,
        because,
    }
}

fn push_piece(pair: &mut PairBuilder, piece: Piece) {
    if piece.text.is_empty() {
        return;
    }
    let target = pair.target.push(piece.text);
    if let Some(because) = piece.because {
        pair.link_possible(target.clone(), because);
    }
    if let Some(from) = piece.from {
        pair.link_sure(target, from);
    }
}
