//! What a sentence says, before it is put into words.

use super::lexicon::{
    ADJECTIVES, Adjective, BAE, BOAT, Feeling, Kind, NOUNS, Noun, PEAR, Person, Place, Time, Verb,
};
use crate::pairs::tasks::spans::{choose, one_in};
use rand::Rng;

/// A sentence.
#[derive(Clone, Debug)]
pub(super) struct Sentence {
    pub(super) past: bool,
    pub(super) time: Option<Time>,
    pub(super) place: Option<Place>,
    pub(super) negated: bool,
    /// Korean: the time comes before the subject.
    pub(super) time_first: bool,
    /// Korean: the object comes before the subject.
    pub(super) scrambled: bool,
    pub(super) event: Event,
}

/// What happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// 민수는 배를 먹었다.
    Does {
        subject: Person,
        verb: Verb,
        thing: Thing,
    },
    /// 민수는 배를 타고 사과를 샀다.
    DoesTwo {
        subject: Person,
        first: (Verb, Thing),
        second: (Verb, Thing),
    },
    /// 민수는 배가 고파서 빵을 샀다.
    DoesBecause {
        subject: Person,
        body: (&'static str, &'static str),
        feeling: Feeling,
        verb: Verb,
        thing: Thing,
    },
    /// 배가 떠났다.
    Happens { thing: Thing, verb: Verb },
    /// 민수는 배가 아팠다.
    Feels {
        subject: Person,
        body: (&'static str, &'static str),
        feeling: Feeling,
    },
}

/// A noun, its adjective, and what decides its sense if it has several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thing {
    pub(super) noun: Noun,
    pub(super) adjective: Option<Adjective>,
    pub(super) decided_by: Option<Decider>,
}

/// The word of a sentence that decides the sense of 배.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decider {
    Verb,
    Adjective,
    Place,
}

/// Return something for a verb: in a third of the cases 배, if the verb allows it.
///
/// The sense of 배 is decided by the verb (먹다, 타다), else by an adjective (달콤한, 빠른) to which
/// the place may not be contrary, else by the place (항구, 과수원).
pub(super) fn thing(verb: &Verb, place: Option<Place>, rng: &mut impl Rng) -> Thing {
    let senses: Vec<Noun> = [PEAR, BOAT]
        .into_iter()
        .filter(|sense| verb.kinds.contains(&sense.kind))
        .collect();
    if senses.is_empty() || !one_in(3, rng) {
        let nouns: Vec<&Noun> = NOUNS
            .iter()
            .filter(|noun| verb.kinds.contains(&noun.kind))
            .collect();
        let noun = **choose(&nouns, rng);
        let adjective = adjective(rng, |adjective| adjective.kinds.contains(&noun.kind));
        return Thing {
            noun,
            adjective: adjective.filter(|_| one_in(3, rng)),
            decided_by: None,
        };
    }
    let suggested = place.and_then(|place| place.suggests);
    let by_verb = decides(verb.kinds);
    let by_place = !by_verb && suggested.is_some() && one_in(2, rng);
    let senses: Vec<Noun> = match suggested {
        Some(kind) if !by_verb => senses
            .into_iter()
            .filter(|noun| noun.kind == kind)
            .collect(),
        _ => senses,
    };
    let noun = *choose(&senses, rng);
    let fits = |adjective: &Adjective| adjective.kinds.contains(&noun.kind);
    let (adjective, decided_by) = if by_verb {
        (
            adjective(rng, fits).filter(|_| one_in(3, rng)),
            Decider::Verb,
        )
    } else if by_place {
        let open = |adjective: &Adjective| fits(adjective) && !decides(adjective.kinds);
        (
            adjective(rng, open).filter(|_| one_in(3, rng)),
            Decider::Place,
        )
    } else {
        let deciding = |adjective: &Adjective| fits(adjective) && decides(adjective.kinds);
        (adjective(rng, deciding), Decider::Adjective)
    };
    debug_assert_eq!(noun.ko, BAE);
    Thing {
        noun,
        adjective,
        decided_by: Some(decided_by),
    }
}

fn adjective(rng: &mut impl Rng, fits: impl Fn(&Adjective) -> bool) -> Option<Adjective> {
    let fitting: Vec<&Adjective> = ADJECTIVES
        .iter()
        .filter(|adjective| fits(adjective))
        .collect();
    (!fitting.is_empty()).then(|| **choose(&fitting, rng))
}

/// Return true if only one of the senses of 배 that are things is among these kinds.
fn decides(kinds: &[Kind]) -> bool {
    kinds.contains(&Kind::Fruit) != kinds.contains(&Kind::Vehicle)
}
