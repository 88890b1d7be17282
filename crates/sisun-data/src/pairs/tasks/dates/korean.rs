//! Dates as Korean writes them.

use super::parts::{Date, Part, begin, push_digits, push_mark, push_name, with_frame};
use crate::pairs::alignment::Pair;
use crate::pairs::tasks::number_words::{link_digits, push_words, sino_korean};
use crate::pairs::tasks::spans::{PairBuilder, choose, one_in, within};
use rand::Rng;

/// Weekdays, from Sunday.
pub(super) const WEEKDAYS: [&str; 7] = ["일", "월", "화", "수", "목", "금", "토"];

/// A way of writing a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `1997년 3월 5일`.
    Marked,
    /// `1997년 03월 05일`.
    MarkedPadded,
    /// `1997년3월5일`.
    MarkedClose,
    /// `1997. 3. 5.`
    Points,
    /// `1997.03.05`.
    PointsPadded,
    /// `1997/3/5`.
    Slashes,
    /// `천구백구십칠년 삼월 오일`.
    Words,
}

pub(super) const FORMS: [Form; 7] = [
    Form::Marked,
    Form::MarkedPadded,
    Form::MarkedClose,
    Form::Points,
    Form::PointsPadded,
    Form::Slashes,
    Form::Words,
];

pub(super) fn pair(date: Date, rng: &mut impl Rng) -> Pair {
    let form = *choose(&FORMS, rng);
    let weekday = WEEKDAYS[date.weekday()];
    let marked = !matches!(form, Form::Points | Form::PointsPadded | Form::Slashes);
    let mut frames = vec![
        (String::new(), String::new()),
        (String::new(), format!("({weekday})")),
        (String::new(), format!(" {weekday}요일")),
        (format!("{weekday}요일, "), String::new()),
    ];
    if marked {
        frames.push(("서기 ".to_owned(), String::new()));
        frames.push((String::new(), format!(" {weekday}요일 {}", time(rng))));
        frames.push((String::new(), format!(" {}", time(rng))));
    }
    with_frame(begin(date), &frames, |pair| write(pair, date, form), rng).finish()
}

/// Return a time of day, a distractor.
fn time(rng: &mut impl Rng) -> String {
    let half = choose(&["오전", "오후"], rng);
    let hour = within(1, 12, rng);
    match one_in(2, rng) {
        true => format!("{half} {hour}시"),
        false => format!("{half} {hour}시 {}분", 5 * within(1, 11, rng)),
    }
}

/// Append the date and link it.
pub(super) fn write(mut pair: PairBuilder, date: Date, form: Form) -> PairBuilder {
    let (marks, between, width) = match form {
        Form::Marked | Form::Words => (["년", "월", "일"], " ", 1),
        Form::MarkedPadded => (["년", "월", "일"], " ", 2),
        Form::MarkedClose => (["년", "월", "일"], "", 1),
        Form::Points => ([".", ".", "."], " ", 1),
        Form::PointsPadded => ([".", ".", ""], "", 2),
        Form::Slashes => (["/", "/", ""], "", 1),
    };
    for (part, mark) in [Part::Year, Part::Month, Part::Day].into_iter().zip(marks) {
        if part != Part::Year {
            pair.source.push(between);
        }
        match form {
            Form::Words => push_word(&mut pair, date, part),
            _ => push_digits(&mut pair, date, part, width),
        }
        if !mark.is_empty() {
            push_mark(&mut pair, part, mark);
        }
    }
    pair
}

/// Append a part in Sino-Korean words. June and October drop a consonant: 유월, 시월.
fn push_word(pair: &mut PairBuilder, date: Date, part: Part) {
    let value = part.of(date);
    match (part, value) {
        (Part::Month, 6) => push_name(pair, part, "유"),
        (Part::Month, 10) => push_name(pair, part, "시"),
        _ => {
            let words = sino_korean(value as u64);
            let ranges = push_words(pair, &words);
            link_digits(pair, part.target(), value as u64, &words, &ranges);
        }
    }
}
