//! A toy translation between Korean and English, from paired grammars.
//!
//! Every word that means something has a sure link to its translation, as have `에서` and its
//! preposition, `안` and `not`, `고` and `and`, `서` and `because of`, and the full stops. Other
//! particles, articles and `'s` have possible links to the noun they belong to. The translation of
//! 배 (pear, boat, stomach) has possible links to the words that decide it.

mod clause;
mod lexicon;
mod render;

#[cfg(test)]
mod tests;

use super::options::PairLanguage;
use super::spans::{choose, one_in};
use crate::pairs::alignment::Pair;
use clause::{Event, Sentence};
use lexicon::{BODY, FEELINGS, INTRANSITIVE, PAST_TIMES, PEOPLE, PLACES, PRESENT_TIMES, VERBS};
use rand::Rng;

/// Return a pair, from Korean unless the source is to be English.
pub(super) fn pair(language: PairLanguage, rng: &mut impl Rng) -> Pair {
    let reversed = language == PairLanguage::English;
    let mut sentence = sentence(rng);
    if reversed {
        // One right answer: the usual order.
        sentence.scrambled = false;
        sentence.time_first = false;
    }
    let pair = render::pair(&sentence);
    match reversed {
        true => pair.finish_reversed(),
        false => pair.finish(),
    }
}

fn sentence(rng: &mut impl Rng) -> Sentence {
    let past = !one_in(3, rng);
    let times: &[_] = if past { &PAST_TIMES } else { &PRESENT_TIMES };
    let time = one_in(2, rng).then(|| *choose(times, rng));
    let place = one_in(2, rng).then(|| *choose(&PLACES, rng));
    let subject = *choose(&PEOPLE, rng);
    let negated = one_in(6, rng);
    let event = match crate::random::below(rng, 8) {
        0 => {
            let feeling = *choose(&FEELINGS, rng);
            Event::Feels {
                subject,
                body: body_for(feeling.of_stomach, rng),
                feeling,
            }
        }
        1 => {
            let verb = *choose(&INTRANSITIVE, rng);
            Event::Happens {
                thing: clause::thing(&verb, place, rng),
                verb,
            }
        }
        2 => {
            let (first, second) = (*choose(&VERBS, rng), *choose(&VERBS, rng));
            Event::DoesTwo {
                subject,
                first: (first, clause::thing(&first, None, rng)),
                second: (second, clause::thing(&second, None, rng)),
            }
        }
        3 => {
            let feeling = FEELINGS[usize::from(one_in(2, rng))];
            let verb = *choose(&VERBS, rng);
            Event::DoesBecause {
                subject,
                body: body_for(feeling.of_stomach, rng),
                feeling,
                verb,
                thing: clause::thing(&verb, None, rng),
            }
        }
        _ => {
            let verb = *choose(&VERBS, rng);
            Event::Does {
                subject,
                verb,
                thing: clause::thing(&verb, place, rng),
            }
        }
    };
    let has_place = matches!(event, Event::Happens { .. } | Event::Does { .. });
    let can_be_negated = !matches!(event, Event::Feels { .. } | Event::DoesTwo { .. });
    Sentence {
        past,
        time,
        place: place.filter(|_| has_place),
        negated: negated && can_be_negated,
        time_first: one_in(2, rng),
        scrambled: matches!(event, Event::Does { .. }) && one_in(5, rng),
        event,
    }
}

fn body_for(of_stomach: bool, rng: &mut impl Rng) -> (&'static str, &'static str) {
    match of_stomach || one_in(2, rng) {
        true => BODY[0],
        false => *choose(&BODY[1..], rng),
    }
}
