//! Dates to ISO 8601.
//!
//! A digit of the target has a sure link to the digit or word that says it, as in
//! [`link_digits`](super::number_words::link_digits); the zero before a month or day of one digit
//! to that digit; both digits to the name of a month. What marks a part (`년`, `th`) has a possible
//! link from its digits. Weekdays, times and hyphens have none.

mod english;
mod korean;
mod parts;

use super::options::PairLanguage;
use super::spans::one_in;
use crate::pairs::alignment::Pair;
use parts::Date;
use rand::Rng;

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

#[cfg(test)]
mod tests {
    use super::parts::{Date, begin, days_of_month};
    use super::{english, korean};
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
