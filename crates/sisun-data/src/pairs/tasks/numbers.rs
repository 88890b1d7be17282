//! Numbers in words to digits. [`link_digits`](super::number_words::link_digits) has the rule of
//! the alignment; a counter (`명`, `원`) has none.

use super::number_words::{english, link_digits, native_korean, push_words, sino_korean};
use super::options::PairLanguage;
use super::spans::{PairBuilder, choose, one_in, within};
use crate::pairs::alignment::Pair;
use crate::random::below;
use rand::Rng;

/// Counters after native numbers, and after Sino-Korean ones.
const NATIVE_COUNTERS: [&str; 5] = ["개", "명", "마리", "권", "살"];
const SINO_COUNTERS: [&str; 3] = ["원", "미터", "그램"];

/// Return a pair whose target has `fewest` to `most` digits, each number as likely. In a quarter of
/// them half of the digits are zero.
pub(super) fn pair(
    language: PairLanguage,
    (fewest, most): (usize, usize),
    rng: &mut impl Rng,
) -> Pair {
    let digits = within(fewest, most, rng);
    let round = one_in(4, rng);
    let number = (0..digits).fold(0_u64, |number, at| {
        let digit = match at {
            0 if digits > 1 => 1 + below(rng, 9),
            0 => below(rng, 10),
            _ if round && one_in(2, rng) => 0,
            _ => below(rng, 10),
        };
        number * 10 + digit as u64
    });
    let korean = match language {
        PairLanguage::Korean => true,
        PairLanguage::English => false,
        PairLanguage::Both => one_in(2, rng),
    };
    let (words, counter) = match korean {
        false => (english(number), None),
        true => {
            let counted = one_in(4, rng);
            if (1..100).contains(&number) && one_in(2, rng) {
                let counter = counted.then(|| *choose(&NATIVE_COUNTERS, rng));
                (native_korean(number, counted), counter)
            } else {
                let counter = counted.then(|| *choose(&SINO_COUNTERS, rng));
                (sino_korean(number), counter)
            }
        }
    };
    let mut pair = PairBuilder::default();
    let ranges = push_words(&mut pair, &words);
    if let Some(counter) = counter {
        pair.source.push(" ");
        pair.source.push(counter);
    }
    let target = pair.target.push(&number.to_string());
    link_digits(&mut pair, target, number, &words, &ranges);
    pair.finish()
}
