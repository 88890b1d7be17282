//! Numbers of layers, heads and positions as a user writes them: from 0, or from the end.

use crate::InferError;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A number that is larger than any layer, head or position.
const BEYOND: usize = 1 << 20;

/// The number of a layer, head, neuron or position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Counted from 0.
    FromStart(usize),
    /// Counted from the end, where 1 is the last; written -1, or `last`.
    FromEnd(usize),
}

impl Index {
    /// Return the number counted from 0, of `count` in all; `None` if it is before the first. A
    /// number counted from 0 is returned as it is.
    pub fn from_start(self, count: usize) -> Option<usize> {
        match self {
            Self::FromStart(number) => Some(number),
            Self::FromEnd(number) => count.checked_sub(number),
        }
    }

    /// Return the number counted from 0, of `count` in all.
    ///
    /// # Errors
    /// [`InferError::NoSuch`]; `what` is what is counted, as in `layer`.
    pub fn among(self, what: &'static str, count: usize) -> Result<usize, InferError> {
        let found = self.from_start(count).filter(|number| *number < count);
        found.ok_or(InferError::NoSuch {
            what,
            asked: self.to_string(),
            count,
        })
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromStart(number) => number.fmt(f),
            Self::FromEnd(number) => write!(f, "-{number}"),
        }
    }
}

impl FromStr for Index {
    type Err = String;

    /// Parse a number from 0, a negative one, or `last`.
    ///
    /// # Errors
    /// What is expected instead.
    fn from_str(given: &str) -> Result<Self, String> {
        let given = given.trim();
        let digits = |text: &str| {
            let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| all_digits)
        };
        let found = match (given, given.strip_prefix('-')) {
            ("last", _) => Some(Self::FromEnd(1)),
            (_, Some(number)) => digits(number)
                .filter(|number| *number > 0)
                .map(Self::FromEnd),
            (_, None) => digits(given).map(Self::FromStart),
        };
        found.ok_or_else(|| {
            "expected a whole number, from 0 or, as -1 or last, from the end".to_owned()
        })
    }
}

/// A list of numbers and ranges, such as `0,2-3` or `0,-2-last`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indices(Vec<(Index, Index)>);

impl Indices {
    /// Return the numbers counted from 0, of `count` in all, in ascending order; a range whose end
    /// comes before its beginning is empty. `None` if a number is before the first. Numbers counted
    /// from 0 may be `count` or more.
    pub fn from_start(&self, count: usize) -> Option<Vec<usize>> {
        let mut chosen = BTreeSet::new();
        for (first, last) in &self.0 {
            chosen.extend(first.from_start(count)?..=last.from_start(count)?);
        }
        Some(chosen.into_iter().collect())
    }

    /// Return the numbers counted from 0, of `count` in all, in ascending order.
    ///
    /// # Errors
    /// If one does not exist, or there is none; `what` is what is counted, as in `layer`.
    pub fn among(&self, what: &'static str, count: usize) -> Result<Vec<usize>, InferError> {
        for (first, last) in &self.0 {
            first.among(what, count)?;
            last.among(what, count)?;
        }
        let found = self.from_start(count).filter(|found| !found.is_empty());
        found.ok_or_else(|| InferError::BadSelection {
            what,
            given: self.to_string(),
        })
    }
}

impl From<Vec<usize>> for Indices {
    fn from(numbers: Vec<usize>) -> Self {
        let single = |number| (Index::FromStart(number), Index::FromStart(number));
        Self(numbers.into_iter().map(single).collect())
    }
}

impl fmt::Display for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                // -1-2 would read as two numbers.
                false => match first {
                    Index::FromEnd(1) => write!(f, "{comma}last-{last}")?,
                    first => write!(f, "{comma}{first}-{last}")?,
                },
            }
        }
        Ok(())
    }
}

impl FromStr for Indices {
    type Err = String;

    /// Parse numbers and ranges.
    ///
    /// # Errors
    /// What is expected instead.
    fn from_str(given: &str) -> Result<Self, String> {
        let part = |part: &str| {
            let part = part.trim();
            if let Ok(one) = part.parse() {
                return Some((one, one));
            }
            // The sign of a first number that is counted from the end divides nothing.
            let dash = part.char_indices().skip(1).find(|(_, c)| *c == '-')?.0;
            let ends = (part[..dash].parse().ok()?, part[dash + 1..].parse().ok()?);
            let backwards = match ends {
                (Index::FromStart(first), Index::FromStart(last)) => first > last,
                (Index::FromEnd(first), Index::FromEnd(last)) => first < last,
                _ => false,
            };
            (!backwards).then_some(ends)
        };
        let is_small = |index: Index| match index {
            Index::FromStart(number) | Index::FromEnd(number) => number < BEYOND,
        };
        let parts: Option<Vec<(Index, Index)>> = given.split(',').map(part).collect();
        parts
            .filter(|parts| parts.iter().all(|(a, b)| is_small(*a) && is_small(*b)))
            .map(Self)
            .ok_or_else(|| {
                "expected numbers and ranges, from 0 or, as -1 or last, from the end, as in 0,2-3"
                    .to_owned()
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Index, Indices};

    #[test]
    fn numbers_count_from_either_end() {
        let of = |given: &str| given.parse::<Index>().unwrap().among("layer", 4);
        for (given, number) in [("0", 0), (" 3 ", 3), ("-1", 3), ("last", 3), ("-4", 0)] {
            assert_eq!(of(given).unwrap(), number, "{given}");
        }
        for bad in ["4", "-5", "99"] {
            assert_eq!(
                of(bad).unwrap_err().to_string(),
                format!(
                    "there is no layer {bad}: the model has layers 0 to 3, or -4 to -1 from the end"
                )
            );
        }
        for bad in [
            "",
            "-0",
            "--1",
            "+1",
            "1.0",
            "Last",
            "-",
            "9999999999999999999999",
        ] {
            assert!(bad.parse::<Index>().is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_hold_ranges_between_either_end() {
        let of = |given: &str| given.parse::<Indices>().unwrap().among("head", 5);
        for (given, numbers) in [
            ("3, 0,2-3", &[0, 2, 3][..]),
            ("last", &[4]),
            ("0,-1", &[0, 4]),
            ("-2-last", &[3, 4]),
            ("-3--2", &[2, 3]),
            ("1-last", &[1, 2, 3, 4]),
            ("0--4", &[0, 1]),
        ] {
            assert_eq!(of(given).unwrap(), numbers, "{given}");
        }
        assert!(of("7-last").unwrap_err().to_string().contains("no head 7"));
        assert!(of("0,-6").unwrap_err().to_string().contains("no head -6"));
        let backwards = of("3--4").unwrap_err().to_string();
        assert!(backwards.contains("\"3--4\""), "{backwards}");
        for bad in [
            "",
            "a",
            "1-",
            "3-1",
            "-1--2",
            "1,,2",
            "0-99999999999",
            "99999999999999999999999",
            "-",
        ] {
            let message = bad.parse::<Indices>().unwrap_err();
            assert!(message.contains("from the end"), "{message}");
        }
    }
}
