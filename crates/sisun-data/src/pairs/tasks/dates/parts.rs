//! Dates, their parts, and how a part is written and linked.

use crate::pairs::tasks::spans::{PairBuilder, choose, within};
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
    pub(super) fn random(rng: &mut impl Rng) -> Self {
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

pub(super) fn days_of_month(year: usize, month: usize) -> usize {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 => 28 + usize::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    Month,
    Day,
}

impl Part {
    pub(super) fn of(self, date: Date) -> usize {
        match self {
            Self::Year => date.year,
            Self::Month => date.month,
            Self::Day => date.day,
        }
    }

    /// Return the characters of the target that it has.
    pub(super) fn target(self) -> Range<usize> {
        match self {
            Self::Year => 0..4,
            Self::Month => 5..7,
            Self::Day => 8..10,
        }
    }
}

/// Begin a pair whose target is the date.
pub(super) fn begin(date: Date) -> PairBuilder {
    let mut pair = PairBuilder::default();
    let Date { year, month, day } = date;
    pair.target.push(&format!("{year:04}-{month:02}-{day:02}"));
    pair
}

/// Append a part in digits, with at least `width` of them, and link it.
pub(super) fn push_digits(pair: &mut PairBuilder, date: Date, part: Part, width: usize) {
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
pub(super) fn push_mark(pair: &mut PairBuilder, part: Part, mark: &str) {
    let range = pair.source.push(mark);
    pair.link_possible(part.target(), range);
}

/// Append a name that says both digits of a part.
pub(super) fn push_name(pair: &mut PairBuilder, part: Part, name: &str) {
    let range = pair.source.push(name);
    pair.link_sure(part.target(), range);
}

/// Append the date, as `date` does it, between the texts of one of `frames`: distractors, or
/// nothing.
pub(super) fn with_frame(
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
