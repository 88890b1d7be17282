//! Composing (NFC) the texts of a pair, with the links between their characters.

use super::alignment::Pair;
use crate::text::normalization::composed;
use std::borrow::Cow;
use std::ops::Range;
use unicode_normalization_alignments::UnicodeNormalization;

/// Compose both texts, and move the links to the composed characters.
pub(super) fn compose(pair: &mut Pair) {
    let (source, target) = (
        compose_text(&mut pair.source),
        compose_text(&mut pair.target),
    );
    let Some(alignment) = &mut pair.alignment else {
        return;
    };
    for link in alignment.sure.iter_mut().chain(&mut alignment.possible) {
        move_range(&mut link.source, source.as_deref());
        move_range(&mut link.target, target.as_deref());
    }
}

/// Compose a text and return for each of its former characters the one that it is part of now;
/// `None` if nothing changed.
fn compose_text(text: &mut String) -> Option<Vec<usize>> {
    let Cow::Owned(new) = composed(text) else {
        return None;
    };
    let mut places = Vec::new();
    for (at, (_, change)) in text.nfc().enumerate() {
        // As many former characters as this one was composed from: 1 - change, none if it is one
        // of several that came from the same.
        let taken = usize::try_from(1 - change).unwrap_or(0);
        places.resize(places.len() + taken, at);
    }
    *text = new;
    Some(places)
}

fn move_range(range: &mut Range<usize>, places: Option<&[usize]>) {
    let Some(places) = places else { return };
    // Links lie within the text, as the reader checked.
    let (first, last) = (places.get(range.start), places.get(range.end - 1));
    if let (Some(first), Some(last)) = (first, last) {
        *range = *first..*last + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::compose;
    use crate::pairs::{Alignment, Link, Pair};

    #[test]
    fn links_follow_their_characters() {
        // 한글 decomposed, and é: three, three, two characters.
        let mut pair = Pair {
            source: "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF}".to_owned(),
            target: "han cafe\u{301}.".to_owned(),
            alignment: Some(Alignment {
                sure: vec![
                    Link {
                        target: 0..3,
                        source: 0..3,
                    },
                    Link {
                        target: 7..9,
                        source: 3..6,
                    },
                ],
                possible: vec![Link {
                    target: 9..10,
                    source: 5..6,
                }],
            }),
        };
        compose(&mut pair);
        assert_eq!((&*pair.source, &*pair.target), ("한글", "han caf\u{E9}."));
        let alignment = pair.alignment.expect("kept");
        assert_eq!(
            alignment.sure,
            [
                Link {
                    target: 0..3,
                    source: 0..1
                },
                Link {
                    target: 7..8,
                    source: 1..2
                }
            ]
        );
        assert_eq!(
            alignment.possible,
            [Link {
                target: 8..9,
                source: 1..2
            }]
        );
    }
}
