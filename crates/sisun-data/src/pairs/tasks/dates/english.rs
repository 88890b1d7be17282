//! Dates as English writes them.

use super::parts::{Date, Part, begin, push_digits, push_mark, push_name, with_frame};
use crate::pairs::alignment::Pair;
use crate::pairs::tasks::spans::{PairBuilder, choose, one_in, within};
use rand::Rng;

/// Weekdays, from Sunday.
pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const ORDINALS: [&str; 20] = [
    "",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

/// A way of writing a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `5 March 1997`.
    DayMonth,
    /// `5 Mar 1997`.
    DayShortMonth,
    /// `5-Mar-1997`.
    Hyphens,
    /// `5th March 1997`.
    OrdinalMonth,
    /// `the 5th of March 1997`.
    TheOrdinalOf,
    /// `the fifth of March 1997`.
    TheOrdinalWordOf,
    /// `March 5, 1997`.
    MonthDay,
    /// `March 05, 1997`.
    MonthDayPadded,
    /// `Mar 5, 1997`.
    ShortMonthDay,
    /// `March 5th, 1997`.
    MonthOrdinal,
}

pub(super) const FORMS: [Form; 10] = [
    Form::DayMonth,
    Form::DayShortMonth,
    Form::Hyphens,
    Form::OrdinalMonth,
    Form::TheOrdinalOf,
    Form::TheOrdinalWordOf,
    Form::MonthDay,
    Form::MonthDayPadded,
    Form::ShortMonthDay,
    Form::MonthOrdinal,
];

pub(super) fn pair(date: Date, rng: &mut impl Rng) -> Pair {
    let form = *choose(&FORMS, rng);
    let weekday = WEEKDAYS[date.weekday()];
    let frames = [
        (String::new(), String::new()),
        (format!("{weekday}, "), String::new()),
        (format!("{}, ", &weekday[..3]), String::new()),
        (String::new(), format!(" ({weekday})")),
        (format!("on {weekday}, "), String::new()),
        (String::new(), format!(" at {}", time(rng))),
        (format!("{weekday}, "), format!(", {}", time(rng))),
    ];
    with_frame(begin(date), &frames, |pair| write(pair, date, form), rng).finish()
}

/// Return a time of day, a distractor.
fn time(rng: &mut impl Rng) -> String {
    let half = choose(&["a.m.", "p.m."], rng);
    let hour = within(1, 12, rng);
    match one_in(2, rng) {
        true => format!("{hour} {half}"),
        false => format!("{hour}:{:02} {half}", 5 * within(0, 11, rng)),
    }
}

/// Append the date and link it.
pub(super) fn write(mut pair: PairBuilder, date: Date, form: Form) -> PairBuilder {
    let month = MONTHS[date.month - 1];
    let short = &month[..3];
    let to = &mut pair;
    let day = |to: &mut PairBuilder| push_digits(to, date, Part::Day, 1);
    let ordinal = |to: &mut PairBuilder| {
        day(to);
        push_mark(to, Part::Day, ordinal_suffix(date.day));
    };
    match form {
        Form::DayMonth => {
            day(to);
            to.source.push(" ");
            push_name(to, Part::Month, month);
            to.source.push(" ");
        }
        Form::DayShortMonth => {
            day(to);
            to.source.push(" ");
            push_name(to, Part::Month, short);
            to.source.push(" ");
        }
        Form::Hyphens => {
            day(to);
            to.source.push("-");
            push_name(to, Part::Month, short);
            to.source.push("-");
        }
        Form::OrdinalMonth => {
            ordinal(to);
            to.source.push(" ");
            push_name(to, Part::Month, month);
            to.source.push(" ");
        }
        Form::TheOrdinalOf => {
            to.source.push("the ");
            ordinal(to);
            to.source.push(" of ");
            push_name(to, Part::Month, month);
            to.source.push(" ");
        }
        Form::TheOrdinalWordOf => {
            to.source.push("the ");
            push_ordinal_word(to, date.day);
            to.source.push(" of ");
            push_name(to, Part::Month, month);
            to.source.push(" ");
        }
        Form::MonthDay | Form::MonthDayPadded => {
            push_name(to, Part::Month, month);
            to.source.push(" ");
            let width = 1 + usize::from(form == Form::MonthDayPadded);
            push_digits(to, date, Part::Day, width);
            to.source.push(", ");
        }
        Form::ShortMonthDay => {
            push_name(to, Part::Month, short);
            to.source.push(" ");
            day(to);
            to.source.push(", ");
        }
        Form::MonthOrdinal => {
            push_name(to, Part::Month, month);
            to.source.push(" ");
            ordinal(to);
            to.source.push(", ");
        }
    }
    push_digits(to, date, Part::Year, 4);
    pair
}

fn ordinal_suffix(day: usize) -> &'static str {
    match (day / 10, day % 10) {
        (1, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

/// Append a day as an ordinal in words: `fifth`, `twenty-first`, `thirtieth`.
fn push_ordinal_word(pair: &mut PairBuilder, day: usize) {
    let tens = Part::Day.target().start;
    match (day / 10, day % 10) {
        (0 | 1, _) => push_name(pair, Part::Day, ORDINALS[day]),
        (2, 0) => push_name(pair, Part::Day, "twentieth"),
        (_, 0) => push_name(pair, Part::Day, "thirtieth"),
        (ten, one) => {
            let range = pair.source.push(if ten == 2 { "twenty" } else { "thirty" });
            pair.link_sure(tens..tens + 1, range);
            pair.source.push("-");
            let range = pair.source.push(ORDINALS[one]);
            pair.link_sure(tens + 1..tens + 2, range);
        }
    }
}
