//! Dates to ISO 8601.
//!
//! A digit of the target has a sure link to the digit or word that says it, as in
//! [`link_digits`](super::number_words::link_digits); the zero before a month or day of one digit
//! to that digit; both digits to the name of a month. What marks a part (`년`, `th`) has a possible
//! link from its digits. Weekdays, times and hyphens have none.

mod english;
mod korean;

use super::options::PairLanguage;
use super::spans::{PairBuilder, choose, one_in, within};
use crate::pairs::alignment::Pair;
use rand::Rng;
use std::ops::Range;

/// Years of generated dates.
const YEARS: (usize, usize) = (1800, 2199);

/// A date of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: usize,
    pub(super) month: usize,
    pub(super) day: usize,
}

impl Date {
    fn random(rng: &mut impl Rng) -> Self {
        let year = within(YEARS.0, YEARS.1, rng);
        let month = within(1, 12, rng);
        let day = within(1, days_of_month(year, month), rng);
        Self { year, month, day }
    }

    /// Return the day of the week, 0 for Sunday (Zeller 1882, in the form of Sakamoto 1993).
    pub(super) fn weekday(self) -> usize {
        const OFFSETS: [usize; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = self.year - usize::from(self.month < 3);
        (year + year / 4 - year / 100 + year / 400 + OFFSETS[self.month - 1] + self.day) % 7
    }
}

fn days_of_month(year: usize, month: usize) -> usize {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 => 28 + usize::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
}

impl Part {
    fn of(self, date: Date) -> usize {
        match self {
            Self::Year => date.year,
            Self::Month => date.month,
            Self::Day => date.day,
        }
    }

    /// Return the characters of the target that it has.
    fn target(self) -> Range<usize> {
        match self {
            Self::Year => 0..4,
            Self::Month => 5..7,
            Self::Day => 8..10,
        }
    }
}

/// Return a pair.
pub(super) fn pair(language: PairLanguage, rng: &mut impl Rng) -> Pair {
    let date = Date::random(rng);
    let korean = match language {
        PairLanguage::Korean => true,
        PairLanguage::English => false,
        PairLanguage::Both => one_in(2, rng),
    };
    match korean {
        true => korean::pair(date, rng),
        false => english::pair(date, rng),
    }
}

/// Begin a pair whose target is the date.
fn begin(date: Date) -> PairBuilder {
    let mut pair = PairBuilder::default();
    let Date { year, month, day } = date;
    pair.target.push(&format!("{year:04}-{month:02}-{day:02}"));
    pair
}

/// Append a part in digits, with at least `width` of them, and link it.
fn push_digits(pair: &mut PairBuilder, date: Date, part: Part, width: usize) {
    let value = part.of(date);
    let range = pair.source.push(&format!("{value:0width$}"));
    let target = part.target();
    let padding = target.len() - range.len();
    for (at, digit) in range.clone().enumerate() {
        let of_target = target.start + padding + at;
        pair.link_sure(of_target..of_target + 1, digit..digit + 1);
    }
    if padding > 0 {
        pair.link_sure(target.start..target.start + padding, range);
    }
}

/// Append a mark of the part before it, with a possible link from its digits.
fn push_mark(pair: &mut PairBuilder, part: Part, mark: &str) {
    let range = pair.source.push(mark);
    pair.link_possible(part.target(), range);
}

/// Append a name that says both digits of a part.
fn push_name(pair: &mut PairBuilder, part: Part, name: &str) {
    let range = pair.source.push(name);
    pair.link_sure(part.target(), range);
}

/// Append the date, as `date` does it, between the texts of one of `frames`: distractors, or
/// nothing.
fn with_frame(
    mut pair: PairBuilder,
    frames: &[(String, String)],
    date: impl FnOnce(PairBuilder) -> PairBuilder,
    rng: &mut impl Rng,
) -> PairBuilder {
    let (before, after) = choose(frames, rng);
    pair.source.push(before);
    let mut pair = date(pair);
    pair.source.push(after);
    pair
}

#[cfg(test)]
mod tests {
    use super::{Date, begin, days_of_month, english, korean};
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Fixture {
        dates: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        iso: String,
        weekday: usize,
        english: Vec<String>,
        korean: Vec<String>,
    }

    /// Made by Python's `datetime` (`tests/peers/reference_pairs.py`).
    #[test]
    fn dates_are_those_of_python() {
        let fixture: Fixture = serde_json::from_str(include_str!(
            "../../../../../tests/peers/fixtures/pairs.json"
        ))
        .expect("the fixture is JSON");
        assert!(fixture.dates.len() >= 400);
        for case in fixture.dates {
            let parts: Vec<usize> = case
                .iso
                .split('-')
                .map(|part| part.parse().expect("digits"))
                .collect();
            let date = Date {
                year: parts[0],
                month: parts[1],
                day: parts[2],
            };
            assert_eq!(date.weekday(), case.weekday, "{}", case.iso);
            for (form, expected) in english::FORMS.into_iter().zip(&case.english) {
                let pair = english::write(begin(date), date, form).finish();
                assert_eq!((&pair.source, &pair.target), (expected, &case.iso));
            }
            for (form, expected) in korean::FORMS.into_iter().zip(&case.korean) {
                let pair = korean::write(begin(date), date, form).finish();
                assert_eq!((&pair.source, &pair.target), (expected, &case.iso));
            }
            assert_eq!((case.english.len(), case.korean.len()), (10, 7));
        }
    }

    #[test]
    fn the_calendar_is_gregorian() {
        let weekday = |year, month, day| Date { year, month, day }.weekday();
        assert_eq!(weekday(1997, 3, 5), 3, "a Wednesday");
        assert_eq!(weekday(2000, 1, 1), 6, "a Saturday");
        assert_eq!(
            weekday(1900, 2, 28),
            3,
            "a Wednesday, in a year without a 29th"
        );
        let february = [1900, 2000, 2023, 2024].map(|year| days_of_month(year, 2));
        assert_eq!(february, [28, 29, 28, 29]);
        assert_eq!(
            (1..=12)
                .map(|month| days_of_month(2023, month))
                .sum::<usize>(),
            365
        );
    }
}
