//! A sentence in Korean and in English, with the links between them.

use super::clause::{Decider, Event, Sentence, Thing};
use super::lexicon::{BAE, Feeling, Person, Verb};
use crate::pairs::tasks::spans::{PairBuilder, SpanText};
use crate::particles::with_particle;
use std::ops::Range;

/// A part of the sentence. Parts of both languages with the same role translate each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Subject,
    Thing(usize),
    Adjective(usize),
    Verb(usize),
    Place,
    At,
    Time(usize),
    Not,
    And,
    Body,
    Feeling,
    Because,
    End,
    /// What belongs to a part without a translation of its own.
    Of(Belongs),
}

/// The part that a particle or an article belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belongs {
    Subject,
    Thing(usize),
    Place,
    Time(usize),
    Body,
    Verb(usize),
}

impl Belongs {
    fn role(self) -> Role {
        match self {
            Self::Subject => Role::Subject,
            Self::Thing(at) => Role::Thing(at),
            Self::Place => Role::Place,
            Self::Time(at) => Role::Time(at),
            Self::Body => Role::Body,
            Self::Verb(at) => Role::Verb(at),
        }
    }
}

/// A text with the roles of its parts.
#[derive(Debug, Default)]
struct Rendered {
    text: SpanText,
    parts: Vec<(Role, Range<usize>)>,
}

impl Rendered {
    fn push(&mut self, text: &str, role: Role) {
        if !text.is_empty() {
            let range = self.text.push(text);
            self.parts.push((role, range));
        }
    }

    /// Begin the next word.
    fn space(&mut self) {
        if self.text.len() > 0 {
            self.text.push(" ");
        }
    }

    fn word(&mut self, text: &str, role: Role) {
        self.space();
        self.push(text, role);
    }

    /// Append a Korean word with the particle that it demands.
    fn korean(&mut self, word: &str, role: Role, particle: &str, of: Belongs) {
        self.word(word, role);
        let both = with_particle(word, particle);
        self.push(both.strip_prefix(word).unwrap_or(particle), Role::Of(of));
    }

    fn ranges(&self, role: Role) -> impl Iterator<Item = Range<usize>> + '_ {
        let parts = self.parts.iter().filter(move |(other, _)| *other == role);
        parts.map(|(_, range)| range.clone())
    }
}

/// Return the sentence: the source Korean, the target English.
pub(super) fn pair(sentence: &Sentence) -> PairBuilder {
    let (korean, english) = (korean(sentence), english(sentence));
    let mut pair = PairBuilder::default();
    for (role, target) in &english.parts {
        match role {
            Role::Of(of) => {
                for source in korean.ranges(of.role()) {
                    pair.link_possible(target.clone(), source);
                }
            }
            _ => {
                for source in korean.ranges(*role) {
                    pair.link_sure(target.clone(), source);
                }
            }
        }
    }
    // A particle of Korean, from the translation of its word.
    for (role, source) in &korean.parts {
        if let Role::Of(of) = role {
            for target in english.ranges(of.role()) {
                pair.link_possible(target, source.clone());
            }
        }
    }
    for (decided, by) in deciders(sentence) {
        for target in english.ranges(decided) {
            for source in korean.ranges(by) {
                pair.link_possible(target.clone(), source);
            }
        }
    }
    pair.source = korean.text;
    pair.target = english.text;
    pair
}

/// Return the parts whose sense another part decides.
fn deciders(sentence: &Sentence) -> Vec<(Role, Role)> {
    let of_thing = |thing: &Thing, at: usize| {
        let by = match thing.decided_by? {
            Decider::Verb => Role::Verb(at),
            Decider::Adjective => Role::Adjective(at),
            Decider::Place => Role::Place,
        };
        Some((Role::Thing(at), by))
    };
    let of_body = |body: &str| (body == BAE).then_some((Role::Body, Role::Feeling));
    let found = match &sentence.event {
        Event::Does { thing, .. } | Event::Happens { thing, .. } => [of_thing(thing, 0), None],
        Event::DoesTwo { first, second, .. } => [of_thing(&first.1, 0), of_thing(&second.1, 1)],
        Event::DoesBecause { body, thing, .. } => [of_thing(thing, 0), of_body(body.0)],
        Event::Feels { body, .. } => [of_body(body.0), None],
    };
    found.into_iter().flatten().collect()
}

fn korean(sentence: &Sentence) -> Rendered {
    let mut to = Rendered::default();
    let topic = |to: &mut Rendered, subject: &Person, particle: &str| {
        if sentence.time_first {
            korean_time(to, sentence);
        }
        to.korean(subject.ko, Role::Subject, particle, Belongs::Subject);
        if !sentence.time_first {
            korean_time(to, sentence);
        }
    };
    match &sentence.event {
        Event::Does {
            subject,
            verb,
            thing,
        } => {
            if sentence.scrambled {
                korean_thing(&mut to, thing, 0, "을");
                topic(&mut to, subject, "이");
                korean_place(&mut to, sentence);
            } else {
                topic(&mut to, subject, "은");
                korean_place(&mut to, sentence);
                korean_thing(&mut to, thing, 0, "을");
            }
            korean_verb(&mut to, sentence, verb, 0);
        }
        Event::DoesTwo {
            subject,
            first,
            second,
        } => {
            topic(&mut to, subject, "은");
            korean_thing(&mut to, &first.1, 0, "을");
            to.word(first.0.stem, Role::Verb(0));
            to.push("고", Role::And);
            korean_thing(&mut to, &second.1, 1, "을");
            korean_verb(&mut to, sentence, &second.0, 1);
        }
        Event::DoesBecause {
            subject,
            body,
            feeling,
            verb,
            thing,
        } => {
            topic(&mut to, subject, "은");
            to.korean(body.0, Role::Body, "이", Belongs::Body);
            to.word(feeling.before_seo, Role::Feeling);
            to.push("서", Role::Because);
            korean_thing(&mut to, thing, 0, "을");
            korean_verb(&mut to, sentence, verb, 0);
        }
        Event::Happens { thing, verb } => {
            korean_time(&mut to, sentence);
            korean_place(&mut to, sentence);
            korean_thing(&mut to, thing, 0, "이");
            korean_verb(&mut to, sentence, verb, 0);
        }
        Event::Feels {
            subject,
            body,
            feeling,
        } => {
            topic(&mut to, subject, "은");
            to.korean(body.0, Role::Body, "이", Belongs::Body);
            let form = if sentence.past {
                feeling.past
            } else {
                feeling.present
            };
            to.word(form, Role::Feeling);
        }
    }
    to.push(".", Role::End);
    to
}

fn korean_time(to: &mut Rendered, sentence: &Sentence) {
    let Some(time) = sentence.time else { return };
    for (at, word) in time.ko.iter().enumerate() {
        to.word(word, Role::Time(at));
    }
    to.push(time.particle, Role::Of(Belongs::Time(time.ko.len() - 1)));
}

fn korean_place(to: &mut Rendered, sentence: &Sentence) {
    if let Some(place) = sentence.place {
        to.word(place.ko, Role::Place);
        to.push("에서", Role::At);
    }
}

fn korean_thing(to: &mut Rendered, thing: &Thing, at: usize, particle: &str) {
    if let Some(adjective) = thing.adjective {
        to.word(adjective.ko, Role::Adjective(at));
    }
    to.korean(thing.noun.ko, Role::Thing(at), particle, Belongs::Thing(at));
}

fn korean_verb(to: &mut Rendered, sentence: &Sentence, verb: &Verb, at: usize) {
    if sentence.negated {
        to.word("안", Role::Not);
    }
    let form = if sentence.past {
        verb.past
    } else {
        verb.present
    };
    to.word(form, Role::Verb(at));
}

fn english(sentence: &Sentence) -> Rendered {
    let mut to = Rendered::default();
    match &sentence.event {
        Event::Does {
            subject,
            verb,
            thing,
        } => {
            english_subject(&mut to, subject);
            english_verb(&mut to, sentence, verb, 0);
            english_thing(&mut to, thing, 0);
            english_place(&mut to, sentence);
        }
        Event::DoesTwo {
            subject,
            first,
            second,
        } => {
            english_subject(&mut to, subject);
            english_verb(&mut to, sentence, &first.0, 0);
            english_thing(&mut to, &first.1, 0);
            to.word("and", Role::And);
            english_verb(&mut to, sentence, &second.0, 1);
            english_thing(&mut to, &second.1, 1);
        }
        Event::DoesBecause {
            subject,
            body,
            feeling,
            verb,
            thing,
        } => {
            english_subject(&mut to, subject);
            english_verb(&mut to, sentence, verb, 0);
            english_thing(&mut to, thing, 0);
            english_because(&mut to, body.1, feeling);
        }
        Event::Happens { thing, verb } => {
            to.word("The", Role::Of(Belongs::Thing(0)));
            if let Some(adjective) = thing.adjective {
                to.word(adjective.en, Role::Adjective(0));
            }
            to.word(thing.noun.en, Role::Thing(0));
            english_verb(&mut to, sentence, verb, 0);
            english_place(&mut to, sentence);
        }
        Event::Feels {
            subject,
            body,
            feeling,
        } => {
            english_subject(&mut to, subject);
            to.push("'s", Role::Of(Belongs::Subject));
            to.word(body.1, Role::Body);
            let form = if sentence.past {
                feeling.en_past
            } else {
                feeling.en_present
            };
            to.word(form, Role::Feeling);
        }
    }
    if let Some(time) = sentence.time {
        for (at, word) in time.en.iter().enumerate() {
            to.word(word, Role::Time(at));
        }
    }
    to.push(".", Role::End);
    to
}

fn english_subject(to: &mut Rendered, subject: &Person) {
    if subject.article {
        to.word("The", Role::Of(Belongs::Subject));
    }
    to.word(subject.en, Role::Subject);
}

fn english_verb(to: &mut Rendered, sentence: &Sentence, verb: &Verb, at: usize) {
    if !sentence.negated {
        let form = if sentence.past {
            verb.en_past
        } else {
            verb.en_present
        };
        to.word(form, Role::Verb(at));
        return;
    }
    let auxiliary = if sentence.past { "did" } else { "does" };
    to.word(auxiliary, Role::Of(Belongs::Verb(at)));
    to.word("not", Role::Not);
    to.word(verb.en, Role::Verb(at));
}

fn english_thing(to: &mut Rendered, thing: &Thing, at: usize) {
    let adjective = thing.adjective.map(|adjective| adjective.en);
    if thing.noun.countable {
        let article = article(adjective.unwrap_or(thing.noun.en));
        to.word(article, Role::Of(Belongs::Thing(at)));
    }
    if let Some(adjective) = adjective {
        to.word(adjective, Role::Adjective(at));
    }
    to.word(thing.noun.en, Role::Thing(at));
}

fn english_place(to: &mut Rendered, sentence: &Sentence) {
    let Some(place) = sentence.place else { return };
    to.word(place.preposition, Role::At);
    if place.article {
        to.word("the", Role::Of(Belongs::Place));
    }
    to.word(place.en, Role::Place);
}

fn english_because(to: &mut Rendered, body: &str, feeling: &Feeling) {
    to.word("because of", Role::Because);
    to.word(article(feeling.en_adjective), Role::Of(Belongs::Body));
    to.word(feeling.en_adjective, Role::Feeling);
    to.word(body, Role::Body);
}

fn article(before: &str) -> &'static str {
    match before.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => "an",
        false => "a",
    }
}
